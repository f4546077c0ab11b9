/* SPDX-License-Identifier: MIT */
#include "servers/network/sock.h"

#include <stdlib.h>

#include "lib/base/string.h"
#include "lib/native/time.h"

static struct server *the_server;
static struct list socks = LIST_INITIALIZER(socks);

void socks_start(struct server *server) {
    the_server = server;
}

struct server *socks_server(void) {
    return the_server;
}

static const struct sock_operations *operations_of(const struct sock *sock) {
    return sock->kind == SOCK_STREAM_KIND ? &stream_operations : &datagram_operations;
}

struct sock *sock_create(enum sock_kind kind, uint32_t family, uint32_t login) {
    struct sock *sock = calloc(1, sizeof *sock);

    if (sock == NULL) {
        return NULL;
    }
    sock->kind = kind;
    sock->family = family;
    sock->login = login;
    sock->linger = UINT64_MAX;
    list_init(&sock->received);
    list_init(&sock->accepted);
    list_init(&sock->waiters);
    watch_init(&sock->watches);
    list_push_back(&socks, &sock->node);
    return sock;
}

static void waiters_end(struct sock *sock, status_t status) {
    struct waiter *waiter;

    while ((waiter = LIST_FIRST(&sock->waiters, struct waiter, node)) != NULL) {
        waiter_answer(waiter, status);
    }
}

void sock_free(struct sock *sock) {
    struct sock *connection;

    operations_of(sock)->close(sock);
    chunks_drop(sock);
    unsent_count(sock); /* none any more: its pcb is gone */
    while ((connection = LIST_FIRST(&sock->accepted, struct sock, accept_node)) != NULL) {
        sock_free(connection);
    }
    if (sock->listener != NULL) {
        list_remove(&sock->accept_node);
        sock->listener->n_accepted--;
    }
    waiters_end(sock, ERROR_CLOSED);
    watch_clear(&sock->watches);
    server_timer_stop(&sock->doubt);
    list_remove(&sock->node);
    free(sock);
}

status_t sock_publish(struct sock *sock, uint32_t tag, handle_t *gate) {
    return server_object_create(the_server, tag, &sock_class, sock, gate);
}

const struct sock *sock_at(uint32_t i) {
    const struct sock *sock;

    LIST_FOR_EACH(sock, &socks, node) {
        if (i-- == 0) {
            return sock;
        }
    }
    return NULL;
}

/* Takes one more step; WOULD_BLOCK: it has to wait on. */
static status_t waiter_step(struct waiter *waiter) {
    struct sock *sock = waiter->sock;

    switch (waiter->operation) {
    case SOCK_READ:
        return operations_of(sock)->read(sock, &waiter->transfer);
    case SOCK_WRITE:
        return operations_of(sock)->write(sock, &waiter->transfer);
    case SOCK_ACCEPT:
        return sock->n_accepted > 0 ? OK : ERROR_WOULD_BLOCK; /* waiter_answer takes it */
    default:
        return sock->state == SOCK_CONNECTING ? ERROR_WOULD_BLOCK : sock_take_error(sock);
    }
}

void sock_changed(struct sock *sock) {
    bool is_blocked[SOCK_ACCEPT + 1] = {false};
    struct waiter *waiter;

    LIST_FOR_EACH_SAFE(waiter, &sock->waiters, node) {
        if (is_blocked[waiter->operation]) {
            continue; /* those before it come first */
        }
        status_t status = waiter_step(waiter);

        if (status == ERROR_WOULD_BLOCK) {
            is_blocked[waiter->operation] = true;
        } else {
            waiter_answer(waiter, status);
        }
    }
    watch_changed(&sock->watches, operations_of(sock)->events(sock));
    if (sock->observer != NULL) {
        /* Later, when lwIP is done with the pcb: the observer may close it. */
        server_timer_arm(the_server, sock->observer, time_deadline(1), sock->observer->fire);
    }
}

void sock_fail(struct sock *sock, status_t status) {
    sock->state = SOCK_FAILED;
    sock->error = status;
    server_timer_stop(&sock->doubt);
    sock_changed(sock);
}

status_t sock_take_error(struct sock *sock) {
    status_t status = sock->error;

    sock->error = OK;
    return status;
}

void sock_unreachable(enum sock_kind kind, uint16_t own_port, const ip_addr_t *peer,
                      uint16_t peer_port, status_t status) {
    struct sock *sock;

    LIST_FOR_EACH_SAFE(sock, &socks, node) {
        if (sock->kind != kind || sock->pcb == NULL) {
            continue;
        }
        /* Anybody can forge such a packet: it may end an attempt, not a connection (RFC 5927). */
        if (kind == SOCK_STREAM_KIND && sock->state == SOCK_CONNECTING &&
            sock->tcp->local_port == own_port && sock->tcp->remote_port == peer_port &&
            ip_addr_cmp(&sock->tcp->remote_ip, peer)) {
            stream_operations.close(sock);
            sock_fail(sock, status);
        } else if (kind == SOCK_DATAGRAM_KIND && sock->state == SOCK_CONNECTED &&
                   sock->udp->local_port == own_port && sock->udp->remote_port == peer_port &&
                   ip_addr_cmp(&sock->udp->remote_ip, peer)) {
            sock->error = status;
            sock_changed(sock);
        }
    }
}

status_t status_from_lwip(err_t error) {
    switch (error) {
    case ERR_OK:
        return OK;
    case ERR_MEM:
    case ERR_BUF:
        return ERROR_NO_MEMORY;
    case ERR_TIMEOUT:
        return ERROR_TIMEOUT;
    case ERR_RTE:
    case ERR_IF:
        return ERROR_NETWORK_UNREACHABLE;
    case ERR_INPROGRESS:
        return ERROR_IN_PROGRESS;
    case ERR_WOULDBLOCK:
        return ERROR_WOULD_BLOCK;
    case ERR_USE:
        return ERROR_ADDRESS_IN_USE;
    case ERR_ALREADY:
        return ERROR_IN_PROGRESS;
    case ERR_ISCONN:
        return ERROR_IS_CONNECTED;
    case ERR_CONN:
        return ERROR_NOT_CONNECTED;
    case ERR_ABRT:
        return ERROR_TIMEOUT; /* lwIP gives up so when the peer is silent */
    case ERR_RST:
        return ERROR_RESET;
    case ERR_CLSD:
        return ERROR_BROKEN_PIPE;
    default:
        return ERROR_BAD_ARGUMENT;
    }
}
