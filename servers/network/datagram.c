/* SPDX-License-Identifier: MIT */
/* UDP sockets. */
#include <stdlib.h>

#include "lib/base/string.h"
#include "servers/network/link.h"
#include "servers/network/sock.h"

static void on_received(void *arg, struct udp_pcb *pcb, struct pbuf *data, const ip_addr_t *address,
                        u16_t port) {
    struct sock *sock = arg;
    struct chunk *chunk = NULL;

    (void)pcb;
    if (sock->n_received < DATAGRAMS_MAX && sock->counted < DATAGRAMS_BYTES && !sock->read_shut) {
        chunk = chunk_add(sock, data, data->tot_len, false);
    }
    if (chunk == NULL) {
        pbuf_free(data);
        return;
    }
    chunk->address = *address;
    chunk->port = port;
    sock->n_received++;
    sock_changed(sock);
}

static status_t datagram_open(struct sock *sock) {
    sock->udp =
        udp_new_ip_type(sock->family == SOCKET_FAMILY_IPV4 ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6);
    if (sock->udp == NULL) {
        return ERROR_NO_MEMORY;
    }
    udp_recv(sock->udp, on_received, sock);
    return OK;
}

static void datagram_close(struct sock *sock) {
    if (sock->udp != NULL) {
        udp_remove(sock->udp);
        sock->udp = NULL;
    }
}

static status_t datagram_bind(struct sock *sock, const ip_addr_t *address, uint16_t port) {
    return status_from_lwip(udp_bind(sock->udp, address, port));
}

static status_t datagram_connect(struct sock *sock, const ip_addr_t *address, uint16_t port) {
    status_t status = status_from_lwip(udp_connect(sock->udp, address, port));

    if (status == OK) {
        sock->state = SOCK_CONNECTED;
    }
    return status;
}

static status_t datagram_read(struct sock *sock, struct transfer *transfer) {
    struct chunk *chunk = LIST_FIRST(&sock->received, struct chunk, node);
    const struct pbuf *part;
    status_t status = OK;

    if (sock->error != OK) {
        return sock_take_error(sock);
    }
    if (chunk == NULL) {
        return sock->read_shut ? OK : ERROR_WOULD_BLOCK;
    }
    transfer->done = 0;
    for (part = chunk->data; part != NULL && status == OK; part = part->next) {
        uint32_t n = MIN((uint32_t)part->len, transfer->length - transfer->done);

        status = saved_write(transfer->saved, transfer->done, part->payload, n);
        transfer->done += n;
    }
    if (status != OK) {
        transfer->done = 0;
        return status;
    }
    transfer->cut = chunk->used > transfer->length ? SOCKET_MESSAGE_CUT : 0;
    transfer->place = place_from_address(&chunk->address, chunk->port);
    if ((transfer->flags & SOCKET_MESSAGE_LENGTH) != 0) {
        transfer->done = chunk->used;
    }
    if ((transfer->flags & SOCKET_MESSAGE_PEEK) == 0) {
        chunk_free(sock, chunk);
        sock->n_received--;
    }
    return OK;
}

static status_t datagram_write(struct sock *sock, struct transfer *transfer) {
    ip_addr_t address;
    uint16_t port = 0;

    if (sock->error != OK) {
        return sock_take_error(sock);
    }
    if (sock->write_shut) {
        return ERROR_BROKEN_PIPE;
    }
    if (transfer->length > DATAGRAM_BYTES_MAX) {
        return ERROR_MESSAGE_TOO_LONG;
    }
    if (transfer->has_place &&
        !place_to_address(&transfer->place, sock->family, link_netif(), &address, &port)) {
        return ERROR_BAD_ARGUMENT;
    }
    if (!transfer->has_place && sock->state != SOCK_CONNECTED) {
        return ERROR_NOT_CONNECTED;
    }
    struct pbuf *data = pbuf_alloc(PBUF_TRANSPORT, (u16_t)transfer->length, PBUF_RAM);
    if (data == NULL) {
        return ERROR_NO_MEMORY;
    }
    status_t status = saved_read(transfer->saved, 0, data->payload, transfer->length);
    if (status == OK) {
        status = status_from_lwip(transfer->has_place ? udp_sendto(sock->udp, data, &address, port)
                                                      : udp_send(sock->udp, data));
    }
    pbuf_free(data);
    if (status == OK) {
        transfer->done = transfer->length;
    }
    return status;
}

static status_t datagram_shutdown(struct sock *sock, uint32_t how) {
    if (sock->state != SOCK_CONNECTED) {
        return ERROR_NOT_CONNECTED;
    }
    if (how != SOCKET_SHUTDOWN_WRITE) {
        sock->read_shut = true;
        chunks_drop(sock);
    }
    if (how != SOCKET_SHUTDOWN_READ) {
        sock->write_shut = true;
    }
    return OK;
}

static uint32_t datagram_events(const struct sock *sock) {
    return (sock->n_received > 0 || sock->read_shut || sock->error != OK ? FILE_EVENT_READ : 0) |
           FILE_EVENT_WRITE | (sock->error != OK ? FILE_EVENT_ERROR : 0);
}

static status_t datagram_get_name(const struct sock *sock, uint32_t which, struct place *place) {
    if (which == SOCKET_NAME_PEER && sock->state != SOCK_CONNECTED) {
        return ERROR_NOT_CONNECTED;
    }
    *place = which == SOCKET_NAME_PEER
                 ? place_from_address(&sock->udp->remote_ip, sock->udp->remote_port)
                 : place_from_address(&sock->udp->local_ip, sock->udp->local_port);
    place->place = (place->place & ~0xffffull) | sock->family;
    return OK;
}

const struct sock_operations datagram_operations = {
    .open = datagram_open,
    .close = datagram_close,
    .bind = datagram_bind,
    .connect = datagram_connect,
    .read = datagram_read,
    .write = datagram_write,
    .shutdown = datagram_shutdown,
    .events = datagram_events,
    .get_name = datagram_get_name,
};
