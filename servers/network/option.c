/* SPDX-License-Identifier: MIT */
/* The options of sockets (protocol socket): what the server keeps itself, what every pcb of lwIP's
 * has, and what only a connection of TCP has. */
#include "abi/generated/socket.h"
#include "servers/network/sock.h"

/* What a keep-alive may be set to: Linux's bounds (tcp(7)). */
enum { KEEP_SECONDS_MAX = 32767, KEEP_COUNT_MAX = 127 };

/* What both of lwIP's kinds begin with. */
static struct ip_pcb *ip_of(const struct sock *sock) {
    return sock->pcb;
}

static bool is_stream(const struct sock *sock) {
    return sock->kind == SOCK_STREAM_KIND;
}

/* Has it what a listening pcb does not have? */
static bool is_whole(const struct sock *sock) {
    return is_stream(sock) && sock->state != SOCK_LISTENING;
}

/* ---- those of connections ---- */

static status_t stream_get(const struct sock *sock, uint32_t option, uint64_t *value) {
    const struct tcp_pcb *tcp = sock->tcp;

    if (!is_whole(sock)) {
        *value = 0;
        return is_stream(sock) ? OK : ERROR_NOT_SUPPORTED;
    }
    switch (option) {
    case SOCKET_OPTION_NO_DELAY:
        *value = tcp_nagle_disabled(tcp);
        return OK;
    case SOCKET_OPTION_KEEP_IDLE_SECONDS:
        *value = tcp->keep_idle / 1000;
        return OK;
    case SOCKET_OPTION_KEEP_INTERVAL_SECONDS:
        *value = tcp->keep_intvl / 1000;
        return OK;
    case SOCKET_OPTION_KEEP_COUNT:
        *value = tcp->keep_cnt;
        return OK;
    default:
        return ERROR_NOT_SUPPORTED;
    }
}

static status_t stream_set(struct sock *sock, uint32_t option, uint64_t value) {
    struct tcp_pcb *tcp = sock->tcp;
    uint64_t most = option == SOCKET_OPTION_KEEP_COUNT ? KEEP_COUNT_MAX : KEEP_SECONDS_MAX;

    if (!is_whole(sock)) {
        return is_stream(sock) ? ERROR_BAD_STATE : ERROR_NOT_SUPPORTED;
    }
    if (option != SOCKET_OPTION_NO_DELAY && (value == 0 || value > most)) {
        return ERROR_BAD_ARGUMENT;
    }
    switch (option) {
    case SOCKET_OPTION_NO_DELAY:
        if (value != 0) {
            tcp_nagle_disable(tcp);
        } else {
            tcp_nagle_enable(tcp);
        }
        return OK;
    case SOCKET_OPTION_KEEP_IDLE_SECONDS:
        tcp->keep_idle = (u32_t)value * 1000;
        return OK;
    case SOCKET_OPTION_KEEP_INTERVAL_SECONDS:
        tcp->keep_intvl = (u32_t)value * 1000;
        return OK;
    case SOCKET_OPTION_KEEP_COUNT:
        tcp->keep_cnt = (u32_t)value;
        return OK;
    default:
        return ERROR_NOT_SUPPORTED;
    }
}

/* ---- those of every pcb ---- */

static status_t pcb_get(const struct sock *sock, uint32_t option, uint64_t *value) {
    const struct ip_pcb *ip = ip_of(sock);

    switch (option) {
    case SOCKET_OPTION_REUSE_ADDRESS:
        *value = ip_get_option(ip, SOF_REUSEADDR) != 0;
        return OK;
    case SOCKET_OPTION_KEEP_ALIVE:
        *value = ip_get_option(ip, SOF_KEEPALIVE) != 0;
        return OK;
    case SOCKET_OPTION_BROADCAST:
        *value = !is_stream(sock); /* always allowed */
        return OK;
    case SOCKET_OPTION_RECEIVE_BYTES:
        *value = is_stream(sock) ? TCP_WND : DATAGRAM_BYTES_MAX;
        return OK;
    case SOCKET_OPTION_SEND_BYTES:
        *value = is_stream(sock) ? TCP_SND_BUF : DATAGRAM_BYTES_MAX;
        return OK;
    case SOCKET_OPTION_TIME_TO_LIVE:
        *value = ip->ttl;
        return OK;
    case SOCKET_OPTION_TYPE_OF_SERVICE:
        *value = ip->tos;
        return OK;
    default:
        return stream_get(sock, option, value);
    }
}

static void flag_write(struct ip_pcb *ip, u8_t flag, bool is_on) {
    if (is_on) {
        ip_set_option(ip, flag);
    } else {
        ip_reset_option(ip, flag);
    }
}

static status_t pcb_set(struct sock *sock, uint32_t option, uint64_t value) {
    struct ip_pcb *ip = ip_of(sock);

    switch (option) {
    case SOCKET_OPTION_REUSE_ADDRESS:
        flag_write(ip, SOF_REUSEADDR, value != 0);
        return OK;
    case SOCKET_OPTION_KEEP_ALIVE:
        flag_write(ip, SOF_KEEPALIVE, value != 0 && is_stream(sock));
        return OK;
    case SOCKET_OPTION_BROADCAST:
    case SOCKET_OPTION_RECEIVE_BYTES:
    case SOCKET_OPTION_SEND_BYTES:
        return OK; /* always allowed; advice: the buffers are fixed */
    case SOCKET_OPTION_TIME_TO_LIVE:
        if (value == 0 || value > UINT8_MAX) {
            return ERROR_BAD_ARGUMENT;
        }
        ip->ttl = (u8_t)value;
        return OK;
    case SOCKET_OPTION_TYPE_OF_SERVICE:
        if (value > UINT8_MAX) {
            return ERROR_BAD_ARGUMENT;
        }
        ip->tos = (u8_t)value;
        return OK;
    default:
        return stream_set(sock, option, value);
    }
}

/* ---- all ---- */

status_t sock_get_option(struct sock *sock, uint32_t option, uint64_t *value) {
    switch (option) {
    case SOCKET_OPTION_ERROR:
        *value = (uint64_t)-sock_take_error(sock);
        return OK;
    case SOCKET_OPTION_TYPE:
        *value = sock->kind;
        return OK;
    case SOCKET_OPTION_FAMILY:
        *value = sock->family;
        return OK;
    case SOCKET_OPTION_LISTENING:
        *value = sock->state == SOCK_LISTENING;
        return OK;
    case SOCKET_OPTION_RECEIVE_TIMEOUT_NS:
        *value = sock->receive_timeout_ns;
        return OK;
    case SOCKET_OPTION_SEND_TIMEOUT_NS:
        *value = sock->send_timeout_ns;
        return OK;
    case SOCKET_OPTION_LINGER_SECONDS:
        *value = sock->linger;
        return OK;
    case SOCKET_OPTION_IPV6_ONLY:
        *value = 1;
        return sock->family == SOCKET_FAMILY_IPV6 ? OK : ERROR_NOT_SUPPORTED;
    default:
        return sock->pcb == NULL ? ERROR_BAD_STATE : pcb_get(sock, option, value);
    }
}

status_t sock_set_option(struct sock *sock, uint32_t option, uint64_t value) {
    switch (option) {
    case SOCKET_OPTION_RECEIVE_TIMEOUT_NS:
        sock->receive_timeout_ns = value;
        return OK;
    case SOCKET_OPTION_SEND_TIMEOUT_NS:
        sock->send_timeout_ns = value;
        return OK;
    case SOCKET_OPTION_LINGER_SECONDS:
        sock->linger = value;
        return OK;
    case SOCKET_OPTION_IPV6_ONLY:
        return sock->family != SOCKET_FAMILY_IPV6 ? ERROR_NOT_SUPPORTED
               : value != 0                       ? OK
                                                  : ERROR_BAD_ARGUMENT;
    default:
        return sock->pcb == NULL ? ERROR_BAD_STATE : pcb_set(sock, option, value);
    }
}
