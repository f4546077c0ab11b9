/* SPDX-License-Identifier: MIT */
/* What clients ask of open sockets: protocol file and protocol socket, unpacked, tried at once, and
 * saved if they have to wait. */
#include <stdlib.h>

#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/time.h"
#include "servers/network/link.h"
#include "servers/network/sock.h"

static const struct sock_operations *operations_of(const struct sock *sock) {
    return sock->kind == SOCK_STREAM_KIND ? &stream_operations : &datagram_operations;
}

/* ---- waiting ---- */

static void answer_accept(struct waiter *waiter, status_t status) {
    struct place place = {0};
    struct sock *connection = NULL;
    handle_t gate = HANDLE_NONE;

    if (status == OK) {
        status = stream_accept(waiter->sock, &connection);
    }
    if (status == OK) {
        connection->flags = waiter->transfer.flags & FILE_OPEN_NONBLOCK;
        status = stream_operations.get_name(connection, SOCKET_NAME_PEER, &place);
        status = status == OK ? sock_publish(connection, waiter->tag, &gate) : status;
        if (status != OK) {
            sock_free(connection);
        }
    }
    socket_answer_accept(waiter->transfer.saved, status, place.place, place.high, place.low, gate);
}

void waiter_answer(struct waiter *waiter, status_t status) {
    const struct transfer *transfer = &waiter->transfer;

    list_remove(&waiter->node);
    server_timer_stop(&waiter->timer);
    switch (waiter->operation) {
    case SOCK_READ:
        if (waiter->is_file) {
            file_answer_read(transfer->saved, status, transfer->done);
        } else {
            socket_answer_receive_from(
                transfer->saved, status, transfer->done | (uint64_t)transfer->cut << 32,
                transfer->place.place, transfer->place.high, transfer->place.low);
        }
        break;
    case SOCK_WRITE:
        if (waiter->is_file) {
            file_answer_write(transfer->saved, status, transfer->done);
        } else {
            socket_answer_send_to(transfer->saved, status, transfer->done);
        }
        break;
    case SOCK_CONNECT:
        socket_answer_connect(transfer->saved, status);
        break;
    case SOCK_ACCEPT:
        answer_accept(waiter, status);
        break;
    }
    free(waiter);
}

/* A part is a success. */
static status_t status_of_part(const struct transfer *transfer, status_t status) {
    return transfer->done > 0 && (transfer->flags & SOCKET_MESSAGE_PEEK) == 0 ? OK : status;
}

static void on_waiter_timeout(struct server *server, struct server_timer *timer) {
    struct waiter *waiter = CONTAINER_OF(timer, struct waiter, timer);

    (void)server;
    /* SO_RCVTIMEO and SO_SNDTIMEO end so in POSIX. */
    waiter_answer(waiter, status_of_part(&waiter->transfer, ERROR_WOULD_BLOCK));
}

static bool has_waiter(const struct sock *sock, enum sock_operation operation) {
    const struct waiter *waiter;

    LIST_FOR_EACH(waiter, &sock->waiters, node) {
        if (waiter->operation == operation) {
            return true;
        }
    }
    return false;
}

/* Saves the request as a waiter. */
static status_t wait(struct sock *sock, struct request *request, enum sock_operation operation,
                     const struct transfer *transfer, bool is_file) {
    uint64_t timeout = operation == SOCK_READ || operation == SOCK_ACCEPT ? sock->receive_timeout_ns
                                                                          : sock->send_timeout_ns;
    struct waiter *waiter = calloc(1, sizeof *waiter);

    if (waiter == NULL) {
        return ERROR_NO_MEMORY;
    }
    waiter->sock = sock;
    waiter->operation = operation;
    waiter->is_file = is_file;
    waiter->tag = request->tag;
    waiter->transfer = *transfer;
    status_t status = request_save(request, (uint64_t)(uintptr_t)waiter, &waiter->transfer.saved);
    if (status != OK) {
        free(waiter);
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    list_push_back(&sock->waiters, &waiter->node);
    if (timeout != 0) {
        server_timer_arm(request->server, &waiter->timer, time_deadline(timeout),
                         on_waiter_timeout);
    }
    return REQUEST_DEFERRED;
}

static void on_cancelled(struct server *server, void *object, uint64_t cookie) {
    struct sock *sock = object;
    struct waiter *waiter;

    (void)server;
    LIST_FOR_EACH(waiter, &sock->waiters, node) {
        if ((uint64_t)(uintptr_t)waiter == cookie) {
            waiter_answer(waiter, status_of_part(&waiter->transfer, ERROR_INTERRUPTED));
            return;
        }
    }
}

/* Reads or writes: at once if that is possible, and nobody waits for the same. */
static status_t transfer_do(struct sock *sock, struct request *request,
                            enum sock_operation operation, struct transfer *transfer,
                            bool is_file) {
    bool may_wait =
        (sock->flags & FILE_OPEN_NONBLOCK) == 0 && (transfer->flags & SOCKET_MESSAGE_NONBLOCK) == 0;
    status_t status = ERROR_WOULD_BLOCK;

    if (!has_waiter(sock, operation)) {
        status = operation == SOCK_READ ? operations_of(sock)->read(sock, transfer)
                                        : operations_of(sock)->write(sock, transfer);
    }
    if (status == ERROR_WOULD_BLOCK && may_wait) {
        status = wait(sock, request, operation, transfer, is_file);
    }
    return status == OK || status == REQUEST_DEFERRED ? status : status_of_part(transfer, status);
}

/* ---- protocol file ---- */

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    struct transfer transfer = {.length = MIN(data_length, (uint32_t)FILE_TRANSFER_MAX_BYTES)};

    if (offset != FILE_OFFSET_CURRENT) {
        return ERROR_NOT_SEEKABLE;
    }
    status_t status = transfer_do(context, request, SOCK_READ, &transfer, true);
    *n = transfer.done;
    return status;
}

static status_t on_write(void *context, struct request *request, uint64_t offset,
                         uint32_t data_length, uint64_t *n) {
    struct transfer transfer = {.length = MIN(data_length, (uint32_t)FILE_TRANSFER_MAX_BYTES)};

    if (offset != FILE_OFFSET_CURRENT) {
        return ERROR_NOT_SEEKABLE;
    }
    status_t status = transfer_do(context, request, SOCK_WRITE, &transfer, true);
    *n = transfer.done;
    return status;
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    (void)context, (void)request, (void)offset, (void)whence, (void)position;
    return ERROR_NOT_SEEKABLE;
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct sock *sock = context;
    const struct chunk *first = LIST_FIRST(&sock->received, struct chunk, node);
    const struct file_stat stat = {.device = DEVICE_NUMBER_NETWORK,
                                   .id = (uint64_t)(uintptr_t)context,
                                   .size = sock->kind == SOCK_STREAM_KIND ? sock->n_received
                                           : first != NULL                ? first->used
                                                                          : 0,
                                   .mode = FILE_MODE_SOCKET | 0666,
                                   .n_links = 1,
                                   .block_bytes = PAGE_SIZE};

    (void)flags, (void)matched, (void)length, (void)next;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    struct sock *sock = context;

    (void)request;
    mask &= FILE_OPEN_NONBLOCK;
    sock->flags = (sock->flags & ~mask) | (value & mask);
    *flags = sock->flags | FILE_OPEN_READ | FILE_OPEN_WRITE;
    return OK;
}

static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    struct sock *sock = context;

    return watch_arm(&sock->watches, request, events, key, notify,
                     operations_of(sock)->events(sock), ready);
}

static const struct file_handlers file_handlers = {
    .read = on_read,
    .write = on_write,
    .seek = on_seek,
    .stat = on_stat,
    .set_flags = on_set_flags,
    .watch = on_watch,
};

/* ---- protocol socket ---- */

/* Is it an address that packets to this machine can have? */
static bool is_own_address(const ip_addr_t *address) {
    const struct netif *netif;

    if (ip_addr_isany(address)) {
        return true;
    }
    NETIF_FOREACH(netif) {
        if (IP_IS_V4(address) ? ip4_addr_cmp(ip_2_ip4(address), netif_ip4_addr(netif))
                              : netif_get_ip6_addr_match((struct netif *)(uintptr_t)netif,
                                                         ip_2_ip6(address)) >= 0) {
            return true;
        }
    }
    return IP_IS_V4(address) && ip4_addr_isloopback(ip_2_ip4(address));
}

static status_t on_bind(void *context, struct request *request, uint64_t place, uint64_t high,
                        uint64_t low) {
    struct sock *sock = context;
    ip_addr_t address;
    uint16_t port;

    (void)request;
    if (!place_to_address(&(struct place){place, high, low}, sock->family, link_netif(), &address,
                          &port) ||
        sock->state != SOCK_NEW || sock->pcb == NULL) {
        return ERROR_BAD_ARGUMENT;
    }
    if (!is_own_address(&address)) {
        return ERROR_NO_ADDRESS;
    }
    return operations_of(sock)->bind(sock, &address, port);
}

static status_t on_connect(void *context, struct request *request, uint64_t place, uint64_t high,
                           uint64_t low) {
    struct sock *sock = context;
    const struct transfer transfer = {.length = 0};
    ip_addr_t address;
    uint16_t port;

    if (sock->kind == SOCK_DATAGRAM_KIND && (place & 0xffff) == 0) {
        udp_disconnect(sock->udp);
        sock->state = SOCK_NEW;
        return OK;
    }
    if (!place_to_address(&(struct place){place, high, low}, sock->family, link_netif(), &address,
                          &port)) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status = operations_of(sock)->connect(sock, &address, port);
    if (status != ERROR_IN_PROGRESS || (sock->flags & FILE_OPEN_NONBLOCK) != 0) {
        return status;
    }
    return wait(sock, request, SOCK_CONNECT, &transfer, false);
}

static status_t on_listen(void *context, struct request *request, uint32_t backlog) {
    struct sock *sock = context;

    (void)request;
    return sock->kind == SOCK_STREAM_KIND ? stream_listen(sock, backlog) : ERROR_NOT_SUPPORTED;
}

/* A connection that is there already is taken from the queue at once, behind those who wait. */
static status_t on_accept(void *context, struct request *request, uint32_t flags, uint64_t *place,
                          uint64_t *high, uint64_t *low, handle_t *connection) {
    struct sock *sock = context;
    const struct transfer transfer = {.flags = flags};

    (void)place, (void)high, (void)low, (void)connection;
    if (sock->state != SOCK_LISTENING) {
        return ERROR_BAD_ARGUMENT;
    }
    if (sock->n_accepted == 0 && (sock->flags & FILE_OPEN_NONBLOCK) != 0) {
        return ERROR_WOULD_BLOCK;
    }
    status_t status = wait(sock, request, SOCK_ACCEPT, &transfer, false);
    if (status == REQUEST_DEFERRED) {
        sock_changed(sock);
    }
    return status;
}

static status_t on_send_to(void *context, struct request *request, uint64_t place, uint64_t high,
                           uint64_t low, uint32_t flags, uint32_t data_length, uint64_t *n) {
    struct transfer transfer = {.flags = flags & SOCKET_MESSAGE_NONBLOCK,
                                .length = MIN(data_length, (uint32_t)FILE_TRANSFER_MAX_BYTES),
                                .has_place = place != 0,
                                .place = {place, high, low}};

    if ((flags & SOCKET_MESSAGE_OUT_OF_BAND) != 0) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status = transfer_do(context, request, SOCK_WRITE, &transfer, false);
    *n = transfer.done;
    return status;
}

static status_t on_receive_from(void *context, struct request *request, uint32_t flags,
                                uint32_t data_length, uint64_t *got, uint64_t *place,
                                uint64_t *high, uint64_t *low) {
    struct transfer transfer = {.flags = flags,
                                .length = MIN(data_length, (uint32_t)FILE_TRANSFER_MAX_BYTES)};

    if ((flags & SOCKET_MESSAGE_OUT_OF_BAND) != 0) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status = transfer_do(context, request, SOCK_READ, &transfer, false);
    *got = transfer.done | (uint64_t)transfer.cut << 32;
    *place = transfer.place.place;
    *high = transfer.place.high;
    *low = transfer.place.low;
    return status;
}

static status_t on_shutdown(void *context, struct request *request, uint32_t how) {
    struct sock *sock = context;

    (void)request;
    if (how > SOCKET_SHUTDOWN_BOTH) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status = operations_of(sock)->shutdown(sock, how);
    if (status == OK) {
        sock_changed(sock);
    }
    return status;
}

static status_t on_get_name(void *context, struct request *request, uint32_t which, uint64_t *place,
                            uint64_t *high, uint64_t *low) {
    struct sock *sock = context;
    struct place name = {0};

    (void)request;
    if (which > SOCKET_NAME_PEER) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status = operations_of(sock)->get_name(sock, which, &name);
    *place = name.place;
    *high = name.high;
    *low = name.low;
    return status;
}

static status_t on_get_option(void *context, struct request *request, uint32_t option,
                              uint64_t *value) {
    (void)request;
    return sock_get_option(context, option, value);
}

static status_t on_set_option(void *context, struct request *request, uint32_t option,
                              uint64_t value) {
    (void)request;
    return sock_set_option(context, option, value);
}

static const struct socket_handlers socket_handlers = {
    .bind = on_bind,
    .connect = on_connect,
    .listen = on_listen,
    .accept = on_accept,
    .send_to = on_send_to,
    .receive_from = on_receive_from,
    .shutdown = on_shutdown,
    .get_name = on_get_name,
    .get_option = on_get_option,
    .set_option = on_set_option,
};

static void on_closed(struct server *server, void *object) {
    (void)server;
    sock_free(object);
}

static const struct server_protocol protocols[] = {
    FILE_SERVE(file_handlers), SOCKET_SERVE(socket_handlers), {0, NULL, NULL}};
const struct server_class sock_class = {
    .protocols = protocols, .closed = on_closed, .cancelled = on_cancelled};
