/* SPDX-License-Identifier: MIT */
#include "servers/network/control.h"

#include <stdlib.h>

#include "abi/generated/file.h"
#include "abi/generated/network.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/dhcp.h"
#include "lwip/stats.h"
#include "servers/network/echo.h"
#include "servers/network/files.h"
#include "servers/network/link.h"
#include "servers/network/sock.h"

static const struct server_class control_class;

static uint32_t number_of(const ip4_addr_t *address) {
    return lwip_ntohl(ip4_addr_get_u32(address));
}

/* ---- state ---- */

static void state_of_card(struct network_state *state) {
    struct netif *netif = link_netif();
    struct nic_figures figures;

    link_figures(&figures);
    memcpy(state->driver, figures.driver, sizeof state->driver);
    memcpy(state->hardware, netif->hwaddr, sizeof state->hardware);
    state->link = figures.link != 0;
    state->megabits = figures.megabits;
    state->reattached = link_reattached();
    state->received = figures.received;
    state->received_bytes = figures.received_bytes;
    state->receive_errors = figures.receive_errors;
    state->receive_dropped = figures.receive_dropped;
    state->sent = figures.sent;
    state->sent_bytes = figures.sent_bytes;
    state->send_errors = figures.send_errors;
    state->resets = figures.resets;
}

/* lwIP counts a lease in minutes. */
static void state_of_lease(struct network_state *state) {
    const struct dhcp *dhcp = netif_dhcp_data(link_netif());
    uint32_t used;

    if (dhcp == NULL || dhcp->state == DHCP_STATE_OFF) {
        return;
    }
    state->dhcp = dhcp->state == DHCP_STATE_BOUND ? NETWORK_DHCP_BOUND
                  : dhcp->state == DHCP_STATE_RENEWING || dhcp->state == DHCP_STATE_REBINDING
                      ? NETWORK_DHCP_RENEWING
                      : NETWORK_DHCP_ASKING;
    if (state->dhcp == NETWORK_DHCP_ASKING) {
        return;
    }
    used = dhcp->lease_used * DHCP_COARSE_TIMER_SECS;
    state->dhcp_server = number_of(ip_2_ip4(&dhcp->server_ip_addr));
    state->lease_seconds = dhcp->offered_t0_lease;
    state->renew_in_seconds = dhcp->t1_renew_time * DHCP_COARSE_TIMER_SECS;
    state->expires_in_seconds = dhcp->offered_t0_lease > used ? dhcp->offered_t0_lease - used : 0;
}

static status_t on_get_state(void *context, struct request *request, uint32_t state_length) {
    struct netif *netif = link_netif();
    struct network_state state = {.link = 0};
    const ip6_addr_t *local = netif_ip6_addr(netif, 0);

    (void)context;
    state_of_card(&state);
    state_of_lease(&state);
    state.address = number_of(netif_ip4_addr(netif));
    state.mask = number_of(netif_ip4_netmask(netif));
    state.gateway = number_of(netif_ip4_gw(netif));
    for (u8_t i = 0; i < DNS_MAX_SERVERS && i < ARRAY_SIZE(state.name_servers); i++) {
        const ip_addr_t *server = dns_getserver(i);

        state.name_servers[i] = IP_IS_V4(server) ? number_of(ip_2_ip4(server)) : 0;
    }
    if (ip6_addr_isvalid(netif_ip6_addr_state(netif, 0))) {
        state.link_local_high =
            (uint64_t)lwip_ntohl(local->addr[0]) << 32 | lwip_ntohl(local->addr[1]);
        state.link_local_low =
            (uint64_t)lwip_ntohl(local->addr[2]) << 32 | lwip_ntohl(local->addr[3]);
    }
    return request_write(request, 0, &state, MIN(state_length, (uint32_t)sizeof state));
}

/* ---- lists ---- */

/* Writes entry number `i` of a list if it still fits; false: it does not. */
static bool entry_write(struct request *request, uint32_t room, uint32_t n, const void *entry,
                        size_t size, status_t *status) {
    if ((uint64_t)(n + 1) * size > room) {
        return false;
    }
    *status = request_write(request, (uint64_t)n * size, entry, size);
    return *status == OK;
}

static status_t on_get_counters(void *context, struct request *request, uint32_t first,
                                uint32_t counters_length, uint32_t *n) {
    const struct stats_proto *const layers[NETWORK_N_LAYERS] = {
        &lwip_stats.etharp, &lwip_stats.ip, &lwip_stats.icmp, &lwip_stats.udp, &lwip_stats.tcp};
    status_t status = OK;

    (void)context;
    for (uint32_t i = first; i < NETWORK_N_LAYERS; i++) {
        const struct stats_proto *layer = layers[i];
        const struct network_counters counters = {
            .sent = layer->xmit,
            .received = layer->recv,
            .dropped = layer->drop,
            .bad_checksum = layer->chkerr,
            .bad_length = layer->lenerr,
            .no_memory = layer->memerr,
            .no_route = layer->rterr,
            .bad_protocol = layer->proterr,
            .other_errors = layer->err + layer->opterr,
        };

        if (!entry_write(request, counters_length, *n, &counters, sizeof counters, &status)) {
            break;
        }
        ++*n;
    }
    return status;
}

static status_t on_list_neighbours(void *context, struct request *request, uint32_t first,
                                   uint32_t neighbours_length, uint32_t *n) {
    status_t status = OK;
    uint32_t number = 0;

    (void)context;
    for (size_t i = 0; i < ARP_TABLE_SIZE; i++) {
        struct network_neighbour neighbour = {.address = 0};
        ip4_addr_t *address;
        struct netif *netif;
        struct eth_addr *hardware;

        if (!etharp_get_entry(i, &address, &netif, &hardware) || number++ < first) {
            continue;
        }
        neighbour.address = number_of(address);
        memcpy(neighbour.hardware, hardware->addr, sizeof neighbour.hardware);
        if (!entry_write(request, neighbours_length, *n, &neighbour, sizeof neighbour, &status)) {
            break;
        }
        ++*n;
    }
    return status;
}

static uint32_t queued_bytes(const struct tcp_seg *segment) {
    uint32_t n = 0;

    for (; segment != NULL; segment = segment->next) {
        n += segment->len;
    }
    return n;
}

static void connection_of(const struct sock *sock, struct network_connection *connection) {
    const ip_addr_t *own, *peer;

    connection->kind = (uint8_t)sock->kind;
    connection->unread = (uint32_t)sock->n_received;
    if (sock->pcb == NULL) {
        return;
    }
    if (sock->kind == SOCK_STREAM_KIND) {
        own = &sock->tcp->local_ip;
        connection->own_port = sock->tcp->local_port;
        connection->state = (uint8_t)sock->tcp->state;
    } else {
        own = &sock->udp->local_ip;
        connection->own_port = sock->udp->local_port;
    }
    connection->own_address = IP_IS_V4(own) ? number_of(ip_2_ip4(own)) : 0;
    if (sock->state == SOCK_LISTENING) {
        return; /* a listening pcb is a shorter structure */
    }
    if (sock->kind == SOCK_STREAM_KIND) {
        peer = &sock->tcp->remote_ip;
        connection->peer_port = sock->tcp->remote_port;
        connection->unsent = queued_bytes(sock->tcp->unsent);
    } else {
        peer = &sock->udp->remote_ip;
        connection->peer_port = sock->udp->remote_port;
    }
    connection->peer_address = IP_IS_V4(peer) ? number_of(ip_2_ip4(peer)) : 0;
}

static status_t on_list_connections(void *context, struct request *request, uint32_t first,
                                    uint32_t connections_length, uint32_t *n) {
    status_t status = OK;

    (void)context;
    for (const struct sock *sock = sock_at(first); sock != NULL; sock = sock_at(first + *n)) {
        struct network_connection connection = {.kind = 0};

        connection_of(sock, &connection);
        if (!entry_write(request, connections_length, *n, &connection, sizeof connection,
                         &status)) {
            break;
        }
        ++*n;
    }
    return status;
}

static status_t on_echo(void *context, struct request *request, uint32_t address, uint32_t bytes,
                        uint64_t timeout_ns, uint64_t *round_trip_ns, uint32_t *time_to_live) {
    (void)context, (void)round_trip_ns, (void)time_to_live;
    return echo_send(request, address, bytes, timeout_ns);
}

static const struct network_handlers network_handlers = {
    .get_state = on_get_state,
    .get_counters = on_get_counters,
    .list_neighbours = on_list_neighbours,
    .list_connections = on_list_connections,
    .echo = on_echo,
};

/* ---- as a file ---- */

/* An object of the open file's own, so that its requests can be cancelled. */
static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *file) {
    (void)context, (void)mode, (void)target_length, (void)matched, (void)length;
    if (path_length != 0 || (flags & FILE_OPEN_DIRECTORY) != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    void *object = malloc(1);
    if (object == NULL) {
        return ERROR_NO_MEMORY;
    }
    *kind = FILE_MODE_CHARACTER;
    status_t status =
        server_object_create(request->server, request->tag, &control_class, object, file);
    if (status != OK) {
        free(object);
    }
    return status;
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct file_stat stat = {.device = DEVICE_NUMBER_NETWORK,
                                   .id = 2,
                                   .mode = FILE_MODE_CHARACTER | 0444,
                                   .n_links = 1,
                                   .block_bytes = PAGE_SIZE};

    (void)context, (void)flags, (void)matched, (void)length, (void)next;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static void on_closed(struct server *server, void *object) {
    (void)server;
    free(object);
}

static void on_cancelled(struct server *server, void *object, uint64_t cookie) {
    (void)server, (void)object;
    echo_cancelled(cookie);
}

static const struct file_handlers file_handlers = {.open = on_open, .stat = on_stat};
static const struct server_protocol protocols[] = {
    FILE_SERVE(file_handlers), NETWORK_SERVE(network_handlers), {0, NULL, NULL}};
static const struct server_class control_class = {
    .protocols = protocols, .closed = on_closed, .cancelled = on_cancelled};

void control_start(struct server *server) {
    static int root; /* the exported object needs nothing but an address */

    server_export(server, ROOT_CONTROL, &control_class, &root);
}
