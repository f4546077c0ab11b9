/* SPDX-License-Identifier: MIT */
/*
 * Sockets: open files of the net server, and pairs of the pipe server, that speak protocol socket
 * (abi/protocols/socket.idl).
 */
#include "lib/posix/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include "lib/posix/call.h"
#include "lib/posix/calls.h"
#include "abi/generated/file.h"
#include "abi/generated/socket.h"
#include "lib/base/bytes.h"
#include "lib/base/string.h"
#include "lib/native/namespace.h"
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
#include "lib/posix/file.h"
#include "lib/posix/signal.h"
#include "lib/posix/vectors.h"

/* A socket address as protocol socket has it. */
struct place {
    uint64_t place, high, low;
};

long socket_error(status_t status) {
    switch (status) {
    case ERROR_BAD_MESSAGE:
        return -ENOTSOCK;
    case ERROR_STALE:
    case ERROR_CLOSED:
        return -ECONNRESET;
    default:
        return errno_from_status(status);
    }
}

int socket_gate(int number, handle_t *gate) {
    struct fd fd = fd_get(number);

    *gate = fd.gate;
    if (fd.gate == HANDLE_NONE) {
        return -EBADF;
    }
    return (fd.mode & FILE_MODE_KIND) == FILE_MODE_SOCKET ? 0 : -ENOTSOCK;
}

/* ---- addresses ---- */

static int place_from(const void *address, socklen_t length, struct place *place) {
    const struct sockaddr_in *four = address;
    const struct sockaddr_in6 *six = address;

    *place = (struct place){0};
    if (address == NULL || length < sizeof(sa_family_t)) {
        return -EINVAL;
    }
    switch (four->sin_family) {
    case AF_UNSPEC:
        return 0;
    case AF_INET:
        if (length < sizeof *four) {
            return -EINVAL;
        }
        place->place = SOCKET_FAMILY_IPV4 | (uint64_t)ntohs(four->sin_port) << 16;
        place->low = ntohl(four->sin_addr.s_addr);
        return 0;
    case AF_INET6:
        if (length < sizeof *six) {
            return -EINVAL;
        }
        place->place = SOCKET_FAMILY_IPV6 | (uint64_t)ntohs(six->sin6_port) << 16 |
                       (uint64_t)six->sin6_scope_id << 32;
        place->high = bytes_get_be64(&six->sin6_addr.s6_addr[0]);
        place->low = bytes_get_be64(&six->sin6_addr.s6_addr[8]);
        return 0;
    default:
        return -EAFNOSUPPORT;
    }
}

/* Stores as much as fits; *length becomes what there would be. `to` may be NULL. */
static void place_to(const struct place *place, void *to, socklen_t *length) {
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    const sa_family_t local = AF_UNIX; /* no name follows */
    const void *from = &four;
    socklen_t bytes = sizeof four;

    if (to == NULL || length == NULL) {
        return;
    }
    if ((place->place & 0xffff) == SOCKET_FAMILY_IPV6) {
        six.sin6_port = htons((uint16_t)(place->place >> 16));
        six.sin6_scope_id = (uint32_t)(place->place >> 32);
        bytes_put_be64(&six.sin6_addr.s6_addr[0], place->high);
        bytes_put_be64(&six.sin6_addr.s6_addr[8], place->low);
        from = &six;
        bytes = sizeof six;
    } else if ((place->place & 0xffff) == SOCKET_FAMILY_LOCAL) {
        from = &local;
        bytes = sizeof local;
    } else {
        four.sin_port = htons((uint16_t)(place->place >> 16));
        four.sin_addr.s_addr = htonl((uint32_t)place->low);
    }
    memcpy(to, from, MIN(*length, bytes));
    *length = bytes;
}

/* ---- making and connecting ---- */

long call_socket(const long *a) {
    static const struct {
        int family, type, protocol;
        const char *path;
    } kinds[] = {
        {AF_INET, SOCK_STREAM, IPPROTO_TCP, "/dev/socket/tcp"},
        {AF_INET, SOCK_DGRAM, IPPROTO_UDP, "/dev/socket/udp"},
        {AF_INET6, SOCK_STREAM, IPPROTO_TCP, "/dev/socket/tcp6"},
        {AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "/dev/socket/udp6"},
    };
    const char *path = NULL;
    handle_t gate;
    int protocol = IPPROTO_IP, type = (int)a[1] & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
    uint32_t flags =
        FILE_OPEN_READ | FILE_OPEN_WRITE | ((a[1] & SOCK_NONBLOCK) != 0 ? FILE_OPEN_NONBLOCK : 0);
    status_t status;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].family == (int)a[0] && kinds[i].type == type) {
            path = kinds[i].path;
            protocol = kinds[i].protocol;
        }
    }
    if (path != NULL && a[2] != 0 && (int)a[2] != protocol) {
        return -EPROTONOSUPPORT;
    }
    if (path == NULL) {
        return a[0] == AF_INET || a[0] == AF_INET6 ? -ESOCKTNOSUPPORT : -EAFNOSUPPORT;
    }
    do {
        status = namespace_open(path, flags, 0, &gate, NULL);
    } while (status == ERROR_INTERRUPTED);
    if (status != OK) {
        return status == ERROR_NOT_FOUND ? -EAFNOSUPPORT : errno_from_status(status);
    }
    return fd_install(gate, FILE_MODE_SOCKET, (a[1] & SOCK_CLOEXEC) != 0 ? FD_CLOEXEC_FLAG : 0, 0,
                      NULL);
}

long call_bind(const long *a) {
    struct place place;
    handle_t gate;
    int error = socket_gate((int)a[0], &gate);

    if (error == 0) {
        error = place_from((const void *)a[1], (socklen_t)a[2], &place);
    }
    return error != 0 ? error
                      : socket_error(
                            socket_bind(gate, place.place, place.high, place.low, DEADLINE_NEVER));
}

long call_connect(const long *a) {
    struct place place;
    handle_t gate;
    int error = socket_gate((int)a[0], &gate);

    if (error == 0) {
        error = place_from((const void *)a[1], (socklen_t)a[2], &place);
    }
    return error != 0 ? error
                      : socket_error(socket_connect(gate, place.place, place.high, place.low,
                                                    DEADLINE_NEVER));
}

long call_listen(const long *a) {
    handle_t gate;
    int error = socket_gate((int)a[0], &gate);

    return error != 0
               ? error
               : socket_error(socket_listen(gate, (uint32_t)MAX((int)a[1], 1), DEADLINE_NEVER));
}

static long accept_one(int fd, void *address, socklen_t *length, long flags) {
    struct place place;
    handle_t gate, connection;
    int error = socket_gate(fd, &gate);

    if (error == 0 && (flags & ~(long)(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
        error = -EINVAL;
    }
    if (error == 0 && !fd_has_room()) {
        error = -EMFILE; /* the connection stays in the queue */
    }
    if (error != 0) {
        return error;
    }
    status_t status =
        socket_accept(gate, (flags & SOCK_NONBLOCK) != 0 ? FILE_OPEN_NONBLOCK : 0, &place.place,
                      &place.high, &place.low, &connection, DEADLINE_NEVER);

    if (status != OK) {
        return socket_error(status);
    }
    place_to(&place, address, length);
    return fd_install(connection, FILE_MODE_SOCKET,
                      (flags & SOCK_CLOEXEC) != 0 ? FD_CLOEXEC_FLAG : 0, 0, NULL);
}

long call_accept(const long *a) {
    return accept_one((int)a[0], (void *)a[1], (socklen_t *)a[2], 0);
}

long call_accept4(const long *a) {
    return accept_one((int)a[0], (void *)a[1], (socklen_t *)a[2], a[3]);
}

long call_shutdown(const long *a) {
    handle_t gate;
    int error = socket_gate((int)a[0], &gate);

    if (error == 0 && (a[1] < SHUT_RD || a[1] > SHUT_RDWR)) {
        error = -EINVAL;
    }
    return error != 0 ? error : socket_error(socket_shutdown(gate, (uint32_t)a[1], DEADLINE_NEVER));
}

static long get_name(const long *a, uint32_t which) {
    struct place place;
    handle_t gate;
    int error = socket_gate((int)a[0], &gate);

    if (error != 0) {
        return error;
    }
    status_t status =
        socket_get_name(gate, which, &place.place, &place.high, &place.low, DEADLINE_NEVER);

    if (status == OK) {
        place_to(&place, (void *)a[1], (socklen_t *)a[2]);
    }
    return socket_error(status);
}

long call_getsockname(const long *a) {
    return get_name(a, SOCKET_NAME_OWN);
}

long call_getpeername(const long *a) {
    return get_name(a, SOCKET_NAME_PEER);
}

/* ---- data ---- */

static uint32_t message_flags(long flags) {
    return ((flags & MSG_PEEK) != 0 ? SOCKET_MESSAGE_PEEK : 0) |
           ((flags & MSG_DONTWAIT) != 0 ? SOCKET_MESSAGE_NONBLOCK : 0) |
           ((flags & MSG_WAITALL) != 0 ? SOCKET_MESSAGE_ALL : 0) |
           ((flags & MSG_OOB) != 0 ? SOCKET_MESSAGE_OUT_OF_BAND : 0) |
           ((flags & MSG_TRUNC) != 0 ? SOCKET_MESSAGE_LENGTH : 0);
}

/* All of it, unless what was taken shows that the socket does not block, or a signal came. */
static long send_data(int fd, const void *data, size_t size, long flags, const void *address,
                      socklen_t length) {
    struct place place = {0};
    handle_t gate;
    size_t done = 0;
    uint64_t n, part;
    int error = socket_gate(fd, &gate);

    if (error == 0 && address != NULL) {
        error = place_from(address, length, &place);
    }
    if (error == 0 && (flags & MSG_OOB) != 0) {
        error = -EOPNOTSUPP;
    }
    if (error != 0) {
        return error;
    }
    /* A datagram is smaller than a transfer, or too large altogether. */
    do {
        const char *from = (const char *)data + done;

        n = 0;
        part = MIN(size - done, (size_t)FILE_TRANSFER_MAX_BYTES);
        status_t status =
            socket_send_to(gate, place.place, place.high, place.low, message_flags(flags), from,
                           (uint32_t)part, &n, DEADLINE_NEVER);

        if (status != OK && done == 0) {
            if (status == ERROR_BROKEN_PIPE && (flags & MSG_NOSIGNAL) == 0) {
                signal_raise_here(SIGPIPE);
            }
            return socket_error(status);
        }
        done += status == OK ? MIN(n, part) : 0;
    } while (n == part && done < size);
    return (long)done;
}

/* One transfer's worth; with MSG_WAITALL all that is asked for, until the end, an error or a
 * signal. */
static long receive_data(int fd, void *data, size_t size, long flags, struct place *place,
                         uint32_t *result_flags) {
    bool is_all = (flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL;
    handle_t gate;
    size_t done = 0;
    uint64_t got, part;
    int error = socket_gate(fd, &gate);

    *place = (struct place){0};
    *result_flags = 0;
    if (error != 0) {
        return error;
    }
    do {
        char *to = (char *)data + done;

        got = 0;
        part = MIN(size - done, (size_t)FILE_TRANSFER_MAX_BYTES);
        status_t status =
            socket_receive_from(gate, message_flags(flags), to, (uint32_t)part, &got, &place->place,
                                &place->high, &place->low, DEADLINE_NEVER);

        if (status != OK && done == 0) {
            return socket_error(status);
        }
        *result_flags = (uint32_t)(got >> 32);
        done += status == OK ? (uint32_t)got : 0;
    } while (is_all && (uint32_t)got == part && done < size);
    return (long)done;
}

long call_sendto(const long *a) {
    return send_data((int)a[0], (const void *)a[1], (size_t)a[2], a[3], (const void *)a[4],
                     (socklen_t)a[5]);
}

long call_recvfrom(const long *a) {
    struct place place;
    uint32_t flags;
    long n = receive_data((int)a[0], (void *)a[1], (size_t)a[2], a[3], &place, &flags);

    if (n >= 0) {
        place_to(&place, (void *)a[4], (socklen_t *)a[5]);
    }
    return n;
}

/* A message of several parts goes through one buffer; what is more than that holds belongs to a
 * stream, for a datagram is smaller, or too large. */
long call_sendmsg(const long *a) {
    const struct msghdr *message = (const struct msghdr *)a[1];
    const struct iovec *parts = message->msg_iov;
    struct joint joint;
    size_t done = 0, part;
    long flags = a[2], n;
    int n_used;

    if (message->msg_controllen != 0) {
        return -EOPNOTSUPP; /* rather than a descriptor that nobody gets */
    }
    if (message->msg_iovlen == 1) {
        return send_data((int)a[0], parts[0].iov_base, parts[0].iov_len, flags, message->msg_name,
                         message->msg_namelen);
    }
    ssize_t size = vectors_bytes(parts, (int)message->msg_iovlen, &n_used);

    if (size < 0) {
        return -EMSGSIZE;
    }
    if (!joint_open(&joint, (size_t)size)) {
        return -ENOMEM;
    }
    do {
        part = MIN((size_t)size - done, joint.size);
        vectors_gather(parts, done, joint.bytes, part);
        n = send_data((int)a[0], joint.bytes, part, flags, message->msg_name, message->msg_namelen);
        done += n > 0 ? (size_t)n : 0;
        flags |= MSG_NOSIGNAL; /* of an error after the first bytes nothing is said yet */
    } while (n == (long)part && done < (size_t)size);
    joint_close(&joint);
    return done != 0 ? (long)done : n;
}

static long receive_parts(int fd, const struct msghdr *message, long flags, struct place *place,
                          uint32_t *result_flags) {
    const struct iovec *parts = message->msg_iov;
    struct joint joint;
    size_t done = 0, part;
    int n_used;
    long n;

    if (message->msg_iovlen == 1) {
        return receive_data(fd, parts[0].iov_base, parts[0].iov_len, flags, place, result_flags);
    }
    ssize_t room = vectors_bytes(parts, (int)message->msg_iovlen, &n_used);

    if (room < 0) {
        return -EMSGSIZE;
    }
    if (!joint_open(&joint, (size_t)room)) {
        return -ENOMEM;
    }
    do {
        part = MIN((size_t)room - done, joint.size);
        n = receive_data(fd, joint.bytes, part, flags, place, result_flags);
        vectors_scatter(parts, done, joint.bytes, MIN((size_t)MAX(n, 0), part));
        done += n > 0 ? (size_t)n : 0;
    } while ((flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL && n == (long)part &&
             done < (size_t)room);
    joint_close(&joint);
    return done != 0 ? (long)done : n;
}

long call_recvmsg(const long *a) {
    struct msghdr *message = (struct msghdr *)a[1];
    struct place place;
    uint32_t flags;
    long n = receive_parts((int)a[0], message, a[2], &place, &flags);

    if (n < 0) {
        return n;
    }
    place_to(&place, message->msg_name, &message->msg_namelen);
    message->msg_controllen = 0;
    message->msg_flags = (flags & SOCKET_MESSAGE_CUT) != 0 ? MSG_TRUNC : 0;
    return n;
}
