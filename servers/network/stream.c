/* SPDX-License-Identifier: MIT */
/* TCP sockets. */
#include <stdlib.h>

#include "lib/base/string.h"
#include "lib/native/time.h"
#include "lwip/etharp.h"
#include "servers/network/link.h"
#include "servers/network/sock.h"

enum {
    WRITE_BYTES = 16 * 1024, /* copied at once from the client */
    SMALL_BYTES = 512,       /* received pieces up to this are put together, */
    GATHER_BYTES = 2048,     /* in buffers of this size */
    DOUBT_SECONDS = 3,       /* by then the next hop has answered ARP, or is not there */
    POLL_INTERVAL = 2,       /* in units of 500 ms: retries what memory was short for */
};

/* ---- what lwIP tells ---- */

/* Small pieces are copied together, or a peer that sends bytes one by one would take two hundred
 * times the window's memory. */
static bool gather(struct sock *sock, struct pbuf *data) {
    struct list_node *node = list_last(&sock->received);
    struct chunk *last = node == NULL ? NULL : CONTAINER_OF(node, struct chunk, node);

    if (data->tot_len > SMALL_BYTES || last == NULL ||
        last->data->tot_len - last->used < data->tot_len || last->data->next != NULL) {
        return false;
    }
    last->used +=
        pbuf_copy_partial(data, (uint8_t *)last->data->payload + last->used, data->tot_len, 0);
    return true;
}

/* The first small piece, in a buffer that others are put to. `data` is still the caller's. */
static bool gather_begin(struct sock *sock, struct pbuf *data, bool forced) {
    struct pbuf *buffer = pbuf_alloc(PBUF_RAW, GATHER_BYTES, PBUF_RAM);

    if (buffer == NULL) {
        return false;
    }
    if (chunk_add(sock, buffer, data->tot_len, forced) == NULL) {
        pbuf_free(buffer);
        return false;
    }
    pbuf_copy_partial(data, buffer->payload, data->tot_len, 0);
    return true;
}

/* lwIP knows the pcb no longer as ours. */
static void pcb_leave(struct sock *sock) {
    struct tcp_pcb *pcb = sock->tcp;

    sock->tcp = NULL;
    tcp_arg(pcb, NULL);
    if (sock->state == SOCK_LISTENING) {
        tcp_accept(pcb, NULL);
        return;
    }
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
}

/* Both sides are done: lwIP frees the pcb when the time has come, and tells nobody. */
static void leave_when_over(struct sock *sock, const struct tcp_pcb *pcb) {
    if (pcb->state == TIME_WAIT) {
        pcb_leave(sock);
        unsent_count(sock);
    }
}

/*
 * May the socket be refused more, however much its login has? A little it may always have. And what
 * lwIP holds back is lost with a pcb that is as good as closed: it is a window's worth at most.
 */
static bool may_refuse(const struct sock *sock, const struct tcp_pcb *pcb) {
    return sock->counted >= SOCK_ALWAYS_BYTES &&
           (pcb->state == ESTABLISHED || pcb->state == FIN_WAIT_1 || pcb->state == FIN_WAIT_2);
}

/* Takes over `data`, unless it returns an error: then lwIP offers it again later. */
static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *data, err_t error) {
    struct sock *sock = arg;

    (void)error;
    if (data == NULL) {
        sock->peer_done = true;
        leave_when_over(sock, pcb);
        sock_changed(sock);
        return ERR_OK;
    }
    uint16_t n = data->tot_len;

    if (sock->read_shut) {
        tcp_recved(pcb, n);
        pbuf_free(data);
        return ERR_OK;
    }
    bool forced = !may_refuse(sock, pcb);

    if (gather(sock, data) || (n <= SMALL_BYTES && gather_begin(sock, data, forced))) {
        pbuf_free(data); /* it was copied */
    } else if (n <= SMALL_BYTES || chunk_add(sock, data, n, forced) == NULL) {
        return ERR_MEM;
    }
    sock->n_received += n;
    sock_changed(sock);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n) {
    struct sock *sock = arg;

    (void)n;
    unsent_count(sock);
    leave_when_over(sock, pcb);
    sock_changed(sock);
    return ERR_OK;
}

static err_t on_poll(void *arg, struct tcp_pcb *pcb) {
    (void)pcb;
    sock_changed(arg);
    return ERR_OK;
}

/* The connection is gone, and so is the pcb. */
static void on_error(void *arg, err_t error) {
    struct sock *sock = arg;

    sock->tcp = NULL;
    unsent_count(sock);
    if (sock->listener != NULL) {
        sock_free(sock); /* before anybody accepted it: nobody hears of it */
        return;
    }
    if (error == ERR_CLSD) { /* both sides were done */
        sock->peer_done = true;
        sock->write_shut = true;
        sock_changed(sock);
        return;
    }
    sock_fail(sock, error == ERR_RST && sock->state == SOCK_CONNECTING ? ERROR_REFUSED
                                                                       : status_from_lwip(error));
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error) {
    struct sock *sock = arg;

    (void)pcb, (void)error; /* always ERR_OK; failures come to on_error */
    server_timer_stop(&sock->doubt);
    sock->state = SOCK_CONNECTED;
    sock_changed(sock);
    return ERR_OK;
}

static void pcb_adopt(struct sock *sock, struct tcp_pcb *pcb) {
    sock->tcp = pcb;
    tcp_arg(pcb, sock);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    tcp_poll(pcb, on_poll, POLL_INTERVAL);
}

/* ---- opening, closing ---- */

static status_t stream_open(struct sock *sock) {
    struct tcp_pcb *pcb =
        tcp_new_ip_type(sock->family == SOCKET_FAMILY_IPV4 ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6);

    if (pcb == NULL) {
        return ERROR_NO_MEMORY;
    }
    pcb_adopt(sock, pcb);
    return OK;
}

/* Does lwIP hold what it could not give us? With that tcp_close ends the pcb by a reset, and tells
 * nobody. */
static bool has_unread(const struct tcp_pcb *pcb) {
    return pcb->refused_data != NULL || ((pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT) &&
                                         pcb->rcv_wnd != TCP_WND_MAX(pcb));
}

/* What is still to be sent is sent by lwIP on its own. Unread data, or linger 0, ends with a reset,
 * as RFC 1122 4.2.2.13 wants it. */
static void stream_close(struct sock *sock) {
    struct tcp_pcb *pcb = sock->tcp;
    bool is_listening = sock->state == SOCK_LISTENING;

    if (pcb == NULL) {
        return;
    }
    bool abort = !is_listening && (sock->state == SOCK_CONNECTING || sock->n_received > 0 ||
                                   sock->linger == 0 || has_unread(pcb));

    pcb_leave(sock);
    if (!abort && !is_listening && pcb->snd_buf != TCP_SND_BUF) {
        abort = !unsent_leave(sock, pcb);
    }
    if (abort || (tcp_close(pcb) != ERR_OK && !is_listening)) {
        tcp_abort(pcb);
    }
}

static status_t stream_bind(struct sock *sock, const ip_addr_t *address, uint16_t port) {
    return status_from_lwip(tcp_bind(sock->tcp, address, port));
}

/* Somebody on our own link who does not answer ARP is not there; TCP would go on asking for half a
 * minute. */
static void on_doubt(struct server *server, struct server_timer *timer) {
    struct sock *sock = CONTAINER_OF(timer, struct sock, doubt);
    struct netif *netif = link_netif();
    struct eth_addr *hardware;
    const ip4_addr_t *address, *found;

    (void)server;
    if (sock->tcp == NULL || sock->state != SOCK_CONNECTING || IP_IS_V6(&sock->tcp->remote_ip) ||
        ip4_route(ip_2_ip4(&sock->tcp->remote_ip)) != netif) {
        return;
    }
    address = ip_2_ip4(&sock->tcp->remote_ip);
    if (!ip4_addr_netcmp(address, netif_ip4_addr(netif), netif_ip4_netmask(netif))) {
        address = netif_ip4_gw(netif);
    }
    if (etharp_find_addr(netif, address, &hardware, &found) < 0) {
        stream_close(sock);
        sock_fail(sock, ERROR_HOST_UNREACHABLE);
    }
}

static status_t stream_connect(struct sock *sock, const ip_addr_t *address, uint16_t port) {
    switch (sock->state) {
    case SOCK_CONNECTING:
        return ERROR_IN_PROGRESS;
    case SOCK_CONNECTED:
        return ERROR_IS_CONNECTED;
    case SOCK_NEW:
        break;
    default:
        return sock->error != OK ? sock_take_error(sock) : ERROR_BAD_ARGUMENT;
    }
    if (ip_addr_isany(address) || port == 0) {
        return ERROR_NO_ADDRESS;
    }
    err_t error = tcp_connect(sock->tcp, address, port, on_connected);
    if (error != ERR_OK) {
        return status_from_lwip(error);
    }
    sock->state = SOCK_CONNECTING;
    server_timer_arm(socks_server(), &sock->doubt, time_deadline(DOUBT_SECONDS * NS_PER_S),
                     on_doubt);
    return ERROR_IN_PROGRESS;
}

/* ---- listening ---- */

/* A connection is complete; it waits in the listener's queue, which is as long as the backlog that
 * lwIP knows. */
static err_t on_accepted(void *arg, struct tcp_pcb *pcb, err_t error) {
    struct sock *listener = arg;

    if (error != ERR_OK || pcb == NULL || listener == NULL) {
        return ERR_VAL;
    }
    struct sock *sock = sock_create(SOCK_STREAM_KIND, listener->family, listener->login);
    if (sock == NULL) {
        return ERR_MEM; /* lwIP ends the connection */
    }
    pcb_adopt(sock, pcb);
    tcp_backlog_delayed(pcb);
    sock->state = SOCK_CONNECTED;
    sock->listener = listener;
    list_push_back(&listener->accepted, &sock->accept_node);
    listener->n_accepted++;
    sock_changed(listener);
    return ERR_OK;
}

status_t stream_listen(struct sock *sock, uint32_t backlog) {
    err_t error = ERR_OK;

    if (sock->state == SOCK_LISTENING) {
        return OK;
    }
    if (sock->state != SOCK_NEW || sock->tcp == NULL) {
        return ERROR_BAD_ARGUMENT;
    }
    if (sock->tcp->local_port == 0) {
        error = tcp_bind(sock->tcp,
                         sock->family == SOCKET_FAMILY_IPV4 ? IP4_ADDR_ANY : IP6_ADDR_ANY, 0);
    }
    if (error != ERR_OK) {
        return status_from_lwip(error);
    }
    sock->backlog = MIN(MAX(backlog, 1u), (uint32_t)SOCK_BACKLOG_MAX);
    struct tcp_pcb *pcb = tcp_listen_with_backlog_and_err(sock->tcp, (u8_t)sock->backlog, &error);
    if (pcb == NULL) {
        return status_from_lwip(error);
    }
    sock->tcp = pcb; /* another one: the first is freed */
    sock->state = SOCK_LISTENING;
    tcp_arg(pcb, sock);
    tcp_accept(pcb, on_accepted);
    return OK;
}

status_t stream_accept(struct sock *sock, struct sock **connection) {
    *connection = LIST_FIRST(&sock->accepted, struct sock, accept_node);
    if (*connection == NULL) {
        return ERROR_WOULD_BLOCK;
    }
    list_remove(&(*connection)->accept_node);
    sock->n_accepted--;
    (*connection)->listener = NULL;
    if ((*connection)->tcp != NULL) {
        tcp_backlog_accepted((*connection)->tcp);
    }
    return OK;
}

/* ---- data ---- */

/* Copies from the chunk, from `offset` in it, to the client; *n bytes. */
static status_t chunk_copy(const struct chunk *chunk, uint32_t offset, struct transfer *transfer,
                           uint32_t *n) {
    const struct pbuf *part = chunk->data;
    uint32_t begin = 0; /* of part in the chunk */

    *n = 0;
    for (; part != NULL && begin < chunk->used; begin += part->len, part = part->next) {
        uint32_t end = MIN(begin + part->len, chunk->used);

        if (offset >= end) {
            continue;
        }
        uint32_t bytes = MIN(end - offset, transfer->length - transfer->done);
        status_t status = saved_write(transfer->saved, transfer->done,
                                      (const uint8_t *)part->payload + (offset - begin), bytes);

        if (status != OK) {
            return status;
        }
        transfer->done += bytes;
        offset += bytes;
        *n += bytes;
        if (transfer->done == transfer->length) {
            break;
        }
    }
    return OK;
}

/* Opens the window by what was read; lwIP counts in 16 bits. */
static void window_open(struct sock *sock, uint64_t n) {
    while (sock->tcp != NULL && n > 0) {
        uint16_t part = (uint16_t)MIN(n, (uint64_t)UINT16_MAX);

        tcp_recved(sock->tcp, part);
        n -= part;
    }
}

static status_t receive(struct sock *sock, struct transfer *transfer) {
    bool is_peek = (transfer->flags & SOCKET_MESSAGE_PEEK) != 0;
    uint64_t consumed = 0;
    status_t status = OK;
    struct chunk *chunk;

    transfer->done = is_peek ? 0 : transfer->done;
    LIST_FOR_EACH_SAFE(chunk, &sock->received, node) {
        uint32_t n;

        if (transfer->done == transfer->length || status != OK) {
            break;
        }
        status = chunk_copy(chunk, chunk->offset, transfer, &n);
        if (is_peek) {
            continue;
        }
        chunk->offset += n;
        consumed += n;
        if (chunk->offset == chunk->used) {
            chunk_free(sock, chunk);
        }
    }
    sock->n_received -= consumed;
    window_open(sock, consumed);
    return status;
}

static status_t stream_read(struct sock *sock, struct transfer *transfer) {
    uint32_t wanted = (transfer->flags & SOCKET_MESSAGE_ALL) != 0 ? transfer->length : 1;

    if (sock->state == SOCK_NEW || sock->state == SOCK_LISTENING) {
        return ERROR_NOT_CONNECTED;
    }
    if (transfer->length == 0) {
        return OK;
    }
    status_t status = receive(sock, transfer);
    if (status != OK) {
        return status;
    }
    if (transfer->done >= wanted || sock->peer_done || sock->read_shut) {
        return OK; /* nothing at all is the end */
    }
    if (sock->state == SOCK_FAILED) {
        return transfer->done > 0 ? OK : sock_take_error(sock);
    }
    return ERROR_WOULD_BLOCK;
}

static status_t stream_write(struct sock *sock, struct transfer *transfer) {
    static uint8_t buffer[WRITE_BYTES];
    status_t status = OK;

    if (transfer->has_place && sock->state == SOCK_CONNECTED) {
        return ERROR_IS_CONNECTED;
    }
    if (transfer->done > 0 && (sock->write_shut || sock->tcp == NULL)) {
        return OK; /* a part; the next write hears why */
    }
    if (sock->state == SOCK_FAILED && sock->error != OK) {
        return sock_take_error(sock);
    }
    if (sock->write_shut || sock->state == SOCK_FAILED) {
        return ERROR_BROKEN_PIPE;
    }
    if (sock->state != SOCK_CONNECTED) {
        return sock->state == SOCK_CONNECTING ? ERROR_WOULD_BLOCK : ERROR_NOT_CONNECTED;
    }
    if (sock->tcp == NULL) {
        return ERROR_BROKEN_PIPE;
    }
    while (transfer->done < transfer->length && status == OK) {
        uint32_t n = MIN(MIN(transfer->length - transfer->done, (uint32_t)sizeof buffer),
                         (uint32_t)tcp_sndbuf(sock->tcp));

        n = unsent_room(sock, n);
        if (n == 0) {
            break;
        }
        bool is_last = transfer->done + n == transfer->length;

        status = saved_read(transfer->saved, transfer->done, buffer, n);
        if (status != OK ||
            tcp_write(sock->tcp, buffer, (u16_t)n,
                      TCP_WRITE_FLAG_COPY | (is_last ? 0 : TCP_WRITE_FLAG_MORE)) != ERR_OK) {
            break; /* no memory, or a full queue: on_sent, or on_poll, tries again */
        }
        unsent_count(sock);
        transfer->done += n;
    }
    (void)tcp_output(sock->tcp); /* what cannot go now is sent by lwIP's timer */
    if (status != OK) {
        return status;
    }
    return transfer->done == transfer->length ? OK : ERROR_WOULD_BLOCK;
}

static status_t stream_shutdown(struct sock *sock, uint32_t how) {
    if (sock->state != SOCK_CONNECTED) {
        return ERROR_NOT_CONNECTED;
    }
    if (how != SOCKET_SHUTDOWN_WRITE && !sock->read_shut) {
        sock->read_shut = true;
        window_open(sock, sock->n_received);
        chunks_drop(sock);
    }
    if (how != SOCKET_SHUTDOWN_READ && !sock->write_shut) {
        if (sock->tcp != NULL && tcp_shutdown(sock->tcp, 0, 1) != ERR_OK) {
            return ERROR_NO_MEMORY;
        }
        sock->write_shut = true;
    }
    return OK;
}

/* ---- questions ---- */

static uint32_t stream_events(const struct sock *sock) {
    bool is_over = sock->state == SOCK_FAILED;
    bool has_input = sock->n_received > 0 || sock->peer_done || sock->read_shut || is_over ||
                     sock->n_accepted > 0;
    bool has_room = is_over || sock->write_shut ||
                    (sock->state == SOCK_CONNECTED && sock->tcp != NULL &&
                     tcp_sndbuf(sock->tcp) > TCP_SNDLOWAT && unsent_room(sock, TCP_SNDLOWAT) > 0);

    return (has_input ? FILE_EVENT_READ : 0) | (has_room ? FILE_EVENT_WRITE : 0) |
           (is_over && sock->error != OK ? FILE_EVENT_ERROR : 0) |
           (is_over || (sock->peer_done && sock->write_shut) ? FILE_EVENT_HANGUP : 0);
}

static status_t stream_get_name(const struct sock *sock, uint32_t which, struct place *place) {
    if (which == SOCKET_NAME_PEER && sock->state != SOCK_CONNECTED) {
        return ERROR_NOT_CONNECTED;
    }
    if (sock->tcp == NULL) {
        place->place = sock->family;
        return OK;
    }
    *place = which == SOCKET_NAME_PEER
                 ? place_from_address(&sock->tcp->remote_ip, sock->tcp->remote_port)
                 : place_from_address(&sock->tcp->local_ip, sock->tcp->local_port);
    place->place = (place->place & ~0xffffull) | sock->family; /* of the unbound: any */
    return OK;
}

const struct sock_operations stream_operations = {
    .open = stream_open,
    .close = stream_close,
    .bind = stream_bind,
    .connect = stream_connect,
    .read = stream_read,
    .write = stream_write,
    .shutdown = stream_shutdown,
    .events = stream_events,
    .get_name = stream_get_name,
};
