/* SPDX-License-Identifier: MIT */
/* Options of sockets: getsockopt, setsockopt. */
#include "lib/posix/calls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/posix/call.h"
#include "abi/generated/socket.h"
#include "lib/base/string.h"
#include "lib/native/time.h"
#include "lib/posix/clock.h"
#include "lib/posix/errno.h"
#include "lib/posix/socket.h"

enum value_kind {
    VALUE_NUMBER,
    VALUE_TIME,
    VALUE_ERROR,
    VALUE_LINGER,
    VALUE_DOMAIN,  /* AF_..., of the server's family */
    VALUE_PROTOCOL /* IPPROTO_..., of the server's type */
};

static const struct option {
    int level, name;
    uint32_t option;
    enum value_kind kind;
} options[] = {
    {SOL_SOCKET, SO_ERROR, SOCKET_OPTION_ERROR, VALUE_ERROR},
    {SOL_SOCKET, SO_REUSEADDR, SOCKET_OPTION_REUSE_ADDRESS, VALUE_NUMBER},
    {SOL_SOCKET, SO_BROADCAST, SOCKET_OPTION_BROADCAST, VALUE_NUMBER},
    {SOL_SOCKET, SO_KEEPALIVE, SOCKET_OPTION_KEEP_ALIVE, VALUE_NUMBER},
    {SOL_SOCKET, SO_TYPE, SOCKET_OPTION_TYPE, VALUE_NUMBER},
    {SOL_SOCKET, SO_RCVTIMEO, SOCKET_OPTION_RECEIVE_TIMEOUT_NS, VALUE_TIME},
    {SOL_SOCKET, SO_SNDTIMEO, SOCKET_OPTION_SEND_TIMEOUT_NS, VALUE_TIME},
    {SOL_SOCKET, SO_RCVBUF, SOCKET_OPTION_RECEIVE_BYTES, VALUE_NUMBER},
    {SOL_SOCKET, SO_SNDBUF, SOCKET_OPTION_SEND_BYTES, VALUE_NUMBER},
    {SOL_SOCKET, SO_LINGER, SOCKET_OPTION_LINGER_SECONDS, VALUE_LINGER},
    {SOL_SOCKET, SO_ACCEPTCONN, SOCKET_OPTION_LISTENING, VALUE_NUMBER},
    {SOL_SOCKET, SO_DOMAIN, SOCKET_OPTION_FAMILY, VALUE_DOMAIN},
    {SOL_SOCKET, SO_PROTOCOL, SOCKET_OPTION_TYPE, VALUE_PROTOCOL},
    {IPPROTO_TCP, TCP_NODELAY, SOCKET_OPTION_NO_DELAY, VALUE_NUMBER},
    {IPPROTO_TCP, TCP_KEEPIDLE, SOCKET_OPTION_KEEP_IDLE_SECONDS, VALUE_NUMBER},
    {IPPROTO_TCP, TCP_KEEPINTVL, SOCKET_OPTION_KEEP_INTERVAL_SECONDS, VALUE_NUMBER},
    {IPPROTO_TCP, TCP_KEEPCNT, SOCKET_OPTION_KEEP_COUNT, VALUE_NUMBER},
    {IPPROTO_IP, IP_TTL, SOCKET_OPTION_TIME_TO_LIVE, VALUE_NUMBER},
    {IPPROTO_IP, IP_TOS, SOCKET_OPTION_TYPE_OF_SERVICE, VALUE_NUMBER},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, SOCKET_OPTION_TIME_TO_LIVE, VALUE_NUMBER},
    {IPPROTO_IPV6, IPV6_TCLASS, SOCKET_OPTION_TYPE_OF_SERVICE, VALUE_NUMBER},
    {IPPROTO_IPV6, IPV6_V6ONLY, SOCKET_OPTION_IPV6_ONLY, VALUE_NUMBER},
};

/* Lingering is off, in the protocol's one number. */
#define LINGER_OFF UINT64_MAX

/* What a kind of socket does not have is no option of its. */
static long option_error(status_t status) {
    return status == ERROR_NOT_SUPPORTED ? -ENOPROTOOPT : socket_error(status);
}

static const struct option *option_find(long level, long name) {
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (options[i].level == level && options[i].name == name) {
            return &options[i];
        }
    }
    return NULL;
}

/* A value as the program has it: one of these, by kind. */
union value {
    int number;
    struct timeval time;
    struct linger linger;
};

static size_t value_bytes(enum value_kind kind) {
    return kind == VALUE_TIME     ? sizeof(struct timeval)
           : kind == VALUE_LINGER ? sizeof(struct linger)
                                  : sizeof(int);
}

static union value value_to(enum value_kind kind, uint64_t value) {
    union value result = {.number = (int)value};

    if (kind == VALUE_TIME) {
        result.time = (struct timeval){.tv_sec = (time_t)(value / NS_PER_S),
                                       .tv_usec = (suseconds_t)(value % NS_PER_S / NS_PER_US)};
    } else if (kind == VALUE_LINGER) {
        result.linger = (struct linger){.l_onoff = value != LINGER_OFF,
                                        .l_linger = value != LINGER_OFF ? (int)value : 0};
    } else if (kind == VALUE_DOMAIN) {
        result.number = value == SOCKET_FAMILY_IPV6 ? AF_INET6 : AF_INET;
    } else if (kind == VALUE_PROTOCOL) {
        result.number = value == SOCKET_TYPE_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    } else if (kind == VALUE_ERROR) {
        result.number = -errno_from_status(-(status_t)value);
    }
    return result;
}

/* EDOM as in Linux (sock_set_timeout): no such microseconds. A time-out that is negative is over at
 * once, one too long for the number never; 0 is none. */
static int value_from(enum value_kind kind, const union value *value, uint64_t *number) {
    const struct timespec time = {value->time.tv_sec, value->time.tv_usec * 1000};

    switch (kind) {
    case VALUE_TIME:
        if (value->time.tv_usec < 0 || value->time.tv_usec >= 1000000) {
            return -EDOM;
        }
        *number = time.tv_sec < 0 ? 1 : timespec_ns(&time);
        return 0;
    case VALUE_LINGER:
        *number = value->linger.l_onoff != 0 ? (uint64_t)value->linger.l_linger : LINGER_OFF;
        return 0;
    default:
        *number = (uint64_t)value->number;
        return 0;
    }
}

long call_getsockopt(const long *a) {
    const struct option *option = option_find(a[1], a[2]);
    socklen_t *length = (socklen_t *)a[4];
    handle_t gate;
    uint64_t number = 0;
    int error = socket_gate((int)a[0], &gate);

    if (error == 0 && option == NULL) {
        error = -ENOPROTOOPT;
    }
    if (error != 0) {
        return error;
    }
    status_t status = socket_get_option(gate, option->option, &number, DEADLINE_NEVER);

    if (status == OK) {
        union value value = value_to(option->kind, number);

        *length = MIN(*length, (socklen_t)value_bytes(option->kind));
        memcpy((void *)a[3], &value, *length);
    }
    return option_error(status);
}

long call_setsockopt(const long *a) {
    const struct option *option = option_find(a[1], a[2]);
    union value value = {0};
    uint64_t number;
    handle_t gate;
    int error = socket_gate((int)a[0], &gate);

    if (error == 0 && option == NULL) {
        error = -ENOPROTOOPT;
    }
    if (error == 0 && ((size_t)a[4] < value_bytes(option->kind) || a[3] == 0)) {
        error = -EINVAL;
    }
    if (error != 0) {
        return error;
    }
    memcpy(&value, (const void *)a[3], value_bytes(option->kind));
    error = value_from(option->kind, &value, &number);
    if (error == 0) {
        error = (int)option_error(socket_set_option(gate, option->option, number, DEADLINE_NEVER));
    }
    return error;
}
