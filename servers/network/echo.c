/* SPDX-License-Identifier: MIT */
#include "servers/network/echo.h"

#include <stdlib.h>

#include "abi/generated/network.h"
#include "lib/native/time.h"
#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/prot/ip4.h"
#include "lwip/raw.h"
#include "servers/network/sock.h"

enum { TIMEOUT_MAX_S = 60 };

/* A request that is on its way. */
struct echo {
    struct list_node node;
    handle_t saved;
    uint16_t sequence;
    uint32_t address;
    uint32_t bytes;
    uint64_t sent_ns;
    struct server_timer timer;
};

static struct list echoes = LIST_INITIALIZER(echoes);
static struct raw_pcb *pcb;
static uint16_t last_sequence;

static void finish(struct echo *echo, status_t status, uint32_t time_to_live) {
    list_remove(&echo->node);
    server_timer_stop(&echo->timer);
    network_answer_echo(echo->saved, status, time_now_ns() - echo->sent_ns, time_to_live);
    free(echo);
}

static struct echo *echo_find(uint16_t sequence) {
    struct echo *echo;

    LIST_FOR_EACH(echo, &echoes, node) {
        if (echo->sequence == sequence) {
            return echo;
        }
    }
    return NULL;
}

/* Every ICMP packet comes by here; 1: it was ours, and is freed. The IP header is still there. */
static u8_t on_received(void *arg, struct raw_pcb *raw, struct pbuf *packet,
                        const ip_addr_t *address) {
    struct ip_hdr ip;
    struct icmp_echo_hdr icmp;
    uint32_t header_bytes;

    (void)arg, (void)raw;
    if (pbuf_copy_partial(packet, &ip, sizeof ip, 0) != sizeof ip) {
        return 0;
    }
    header_bytes = IPH_HL_BYTES(&ip);
    if (pbuf_copy_partial(packet, &icmp, sizeof icmp, (u16_t)header_bytes) != sizeof icmp ||
        ICMPH_TYPE(&icmp) != ICMP_ER || icmp.id != lwip_htons(ECHO_ID)) {
        return 0;
    }
    struct echo *echo = echo_find(lwip_ntohs(icmp.seqno));
    if (echo != NULL && echo->address == lwip_ntohl(ip4_addr_get_u32(ip_2_ip4(address))) &&
        packet->tot_len == header_bytes + sizeof icmp + echo->bytes) {
        finish(echo, OK, IPH_TTL(&ip));
    }
    pbuf_free(packet);
    return 1;
}

static void on_timeout(struct server *server, struct server_timer *timer) {
    (void)server;
    finish(CONTAINER_OF(timer, struct echo, timer), ERROR_TIMEOUT, 0);
}

static status_t transmit(const struct echo *echo) {
    struct pbuf *packet =
        pbuf_alloc(PBUF_IP, (u16_t)(sizeof(struct icmp_echo_hdr) + echo->bytes), PBUF_RAM);
    ip_addr_t address;

    if (packet == NULL) {
        return ERROR_NO_MEMORY;
    }
    struct icmp_echo_hdr *icmp = packet->payload;
    uint8_t *content = (uint8_t *)(icmp + 1);

    ICMPH_TYPE_SET(icmp, ICMP_ECHO);
    ICMPH_CODE_SET(icmp, 0);
    icmp->chksum = 0;
    icmp->id = lwip_htons(ECHO_ID);
    icmp->seqno = lwip_htons(echo->sequence);
    for (uint32_t i = 0; i < echo->bytes; i++) {
        content[i] = (uint8_t)i;
    }
    icmp->chksum = inet_chksum(icmp, packet->len);
    IP_SET_TYPE_VAL(address, IPADDR_TYPE_V4);
    ip4_addr_set_u32(ip_2_ip4(&address), lwip_htonl(echo->address));
    err_t error = raw_sendto(pcb, packet, &address);
    pbuf_free(packet);
    return status_from_lwip(error);
}

status_t echo_send(struct request *request, uint32_t address, uint32_t bytes, uint64_t timeout_ns) {
    if (bytes > NETWORK_ECHO_BYTES_MAX || timeout_ns > TIMEOUT_MAX_S * NS_PER_S || address == 0) {
        return ERROR_BAD_ARGUMENT;
    }
    struct echo *echo = calloc(1, sizeof *echo);
    if (echo == NULL) {
        return ERROR_NO_MEMORY;
    }
    echo->sequence = ++last_sequence;
    echo->address = address;
    echo->bytes = bytes;
    echo->sent_ns = time_now_ns();
    status_t status = transmit(echo);
    if (status == OK) {
        status = request_save(request, (uint64_t)(uintptr_t)echo, &echo->saved);
    }
    if (status != OK) {
        free(echo);
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    list_push_back(&echoes, &echo->node);
    server_timer_arm(request->server, &echo->timer, time_deadline(timeout_ns), on_timeout);
    return REQUEST_DEFERRED;
}

void echo_cancelled(uint64_t cookie) {
    struct echo *echo;

    LIST_FOR_EACH(echo, &echoes, node) {
        if ((uint64_t)(uintptr_t)echo == cookie) {
            finish(echo, ERROR_INTERRUPTED, 0);
            return;
        }
    }
}

void echo_unreachable(uint16_t id, uint16_t sequence) {
    struct echo *echo = id == ECHO_ID ? echo_find(sequence) : NULL;

    if (echo != NULL) {
        finish(echo, ERROR_HOST_UNREACHABLE, 0);
    }
}

status_t echo_start(void) {
    pcb = raw_new(IP_PROTO_ICMP);
    if (pcb == NULL) {
        return ERROR_NO_MEMORY;
    }
    raw_recv(pcb, on_received, NULL);
    return OK;
}
