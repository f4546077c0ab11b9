/* SPDX-License-Identifier: MIT */
/* Sockets, over the loopback interface: no card is needed. */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loopback.h"
#include "tap.h"

enum { NOBODY_PORT = 9 };

static bool write_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n <= 0) {
            return false;
        }
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static size_t read_all(int fd, char *data, size_t size) {
    size_t done = 0;
    ssize_t n;

    while (done < size && (n = read(fd, data + done, size - done)) > 0) {
        done += (size_t)n;
    }
    return done;
}

/* A megabyte there and back between two processes. */
static void test_bulk(void) {
    char *data = pattern(), *copy = malloc(BULK_BYTES + 1);
    int fds[2], status;

    CHECK(pair(fds));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        size_t n = read_all(fds[1], copy, BULK_BYTES);
        _exit(n == BULK_BYTES && write_all(fds[1], copy, n) ? 0 : 1);
    }
    close(fds[1]);
    CHECK(write_all(fds[0], data, BULK_BYTES));
    CHECK(shutdown(fds[0], SHUT_WR) == 0);
    CHECK(read_all(fds[0], copy, BULK_BYTES + 1) == BULK_BYTES);
    CHECK(memcmp(data, copy, BULK_BYTES) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(fds[0]);
    free(data);
    free(copy);
}

static struct msghdr message_of(struct iovec *parts, size_t n, char *data, size_t part_bytes) {
    for (size_t i = 0; i < n; i++) {
        parts[i] = (struct iovec){data + i * part_bytes, part_bytes};
    }
    return (struct msghdr){.msg_iov = parts, .msg_iovlen = n};
}

/* A call that may wait does all of it, however much that is and in however many parts. */
static void test_whole(void) {
    enum { PARTS = 12, PART_BYTES = 8192, ALL = PARTS * PART_BYTES };
    char *data = pattern(), *copy = malloc(BULK_BYTES);
    struct iovec parts[PARTS];
    int fds[2], status;

    CHECK(pair(fds));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        bool ok = recv(fds[1], copy, BULK_BYTES, MSG_WAITALL) == BULK_BYTES &&
                  memcmp(data, copy, BULK_BYTES) == 0;
        struct msghdr message = message_of(parts, PARTS, copy, PART_BYTES);
        ok = ok && recvmsg(fds[1], &message, MSG_WAITALL) == ALL && memcmp(data, copy, ALL) == 0;
        _exit(ok && send(fds[1], data, BULK_BYTES, 0) == BULK_BYTES ? 0 : 1);
    }
    close(fds[1]);
    CHECK(send(fds[0], data, BULK_BYTES, 0) == BULK_BYTES);
    struct msghdr message = message_of(parts, PARTS, data, PART_BYTES);
    CHECK(sendmsg(fds[0], &message, 0) == ALL);
    CHECK(recv(fds[0], copy, BULK_BYTES, MSG_WAITALL) == BULK_BYTES);
    CHECK(memcmp(data, copy, BULK_BYTES) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(fds[0]);
    CHECK(pair(fds));
    ssize_t n = send(fds[0], data, BULK_BYTES, MSG_DONTWAIT);
    CHECK(n > 0 && n < BULK_BYTES);
    close(fds[0]);
    CHECK(recv(fds[1], copy, BULK_BYTES, MSG_WAITALL) == n && memcmp(data, copy, (size_t)n) == 0);
    close(fds[1]);
    free(data);
    free(copy);
}

static void test_errors(void) {
    struct sockaddr_in elsewhere = address_of(0x0a090901, 1);
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    char byte;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0);
    CHECK_ERROR(connect_to(fd, NOBODY_PORT), ECONNREFUSED);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERROR(read(fd, &byte, 1), ENOTCONN);
    CHECK_ERROR(getpeername(fd, (struct sockaddr *)&peer, &length), ENOTCONN);
    CHECK_ERROR(bind(fd, (struct sockaddr *)&elsewhere, sizeof elsewhere), EADDRNOTAVAIL);
    CHECK_ERROR(lseek(fd, 0, SEEK_CUR), ESPIPE);
    CHECK_ERROR(accept(fd, NULL, NULL), EINVAL);
    close(fd);
    CHECK_ERROR(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    CHECK_ERROR(listen(0, 1), ENOTSOCK);
}

static void test_in_use(void) {
    struct sockaddr_in own = address_of(INADDR_LOOPBACK, 0);
    uint16_t port = 0;
    int first = listener(&port), second = socket(AF_INET, SOCK_STREAM, 0);

    own.sin_port = htons(port);
    CHECK_ERROR(bind(second, (struct sockaddr *)&own, sizeof own), EADDRINUSE);
    close(first);
    close(second);
}

static void test_end(void) {
    char buffer[8];
    int fds[2];

    CHECK(pair(fds));
    CHECK(write(fds[0], "abc", 3) == 3);
    close(fds[0]);
    CHECK(read(fds[1], buffer, 8) == 3 && memcmp(buffer, "abc", 3) == 0);
    CHECK(read(fds[1], buffer, 8) == 0);
    CHECK(read(fds[1], buffer, 8) == 0);
    close(fds[1]);
}

/* Unread data when a socket is closed: the peer is told by a reset. */
static void test_reset(void) {
    const struct timespec pause = {0, 100000000};
    char buffer[8];
    int fds[2];

    signal(SIGPIPE, SIG_IGN);
    CHECK(pair(fds));
    CHECK(write(fds[0], "abc", 3) == 3);
    nanosleep(&pause, NULL);
    close(fds[1]);
    nanosleep(&pause, NULL);
    CHECK_ERROR(read(fds[0], buffer, 8), ECONNRESET);
    CHECK_ERROR(write(fds[0], "x", 1), EPIPE);
    close(fds[0]);
}

static void test_flags(void) {
    char buffer[8];
    int fds[2];

    CHECK(pair(fds));
    CHECK_ERROR(recv(fds[1], buffer, 8, MSG_DONTWAIT), EAGAIN);
    CHECK(send(fds[0], "abcdef", 6, 0) == 6);
    CHECK(recv(fds[1], buffer, 3, MSG_PEEK) == 3 && memcmp(buffer, "abc", 3) == 0);
    CHECK(recv(fds[1], buffer, 6, MSG_WAITALL) == 6 && memcmp(buffer, "abcdef", 6) == 0);
    CHECK(fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0);
    CHECK_ERROR(read(fds[1], buffer, 8), EAGAIN);
    close(fds[0]);
    close(fds[1]);
}

static void test_nonblock_connect(void) {
    struct pollfd entry = {.events = POLLOUT};
    int error = -1;
    socklen_t length = sizeof error;
    uint16_t port = 0;
    int server = listener(&port);

    entry.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(connect_to(entry.fd, port) == 0 || errno == EINPROGRESS);
    CHECK(poll(&entry, 1, 2000) == 1 && entry.revents == POLLOUT);
    CHECK(getsockopt(entry.fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0);
    close(entry.fd);
    close(server);

    entry.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect_to(entry.fd, NOBODY_PORT) != 0 && errno == EINPROGRESS) {
        CHECK(poll(&entry, 1, 2000) == 1 && (entry.revents & POLLERR) != 0);
        CHECK(getsockopt(entry.fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 &&
              error == ECONNREFUSED);
    }
    close(entry.fd);
}

static void test_poll(void) {
    struct pollfd entry = {.events = POLLIN};
    char byte;
    int fds[2];

    CHECK(pair(fds));
    entry.fd = fds[1];
    CHECK(poll(&entry, 1, 50) == 0);
    CHECK(write(fds[0], "x", 1) == 1);
    CHECK(poll(&entry, 1, 2000) == 1 && entry.revents == POLLIN);
    CHECK(read(fds[1], &byte, 1) == 1 && byte == 'x');
    close(fds[0]);
    CHECK(poll(&entry, 1, 2000) == 1 && (entry.revents & POLLIN) != 0);
    close(fds[1]);
}

static void test_accept_poll(void) {
    uint16_t port = 0;
    int server = listener(&port), client = socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd entry = {.fd = server, .events = POLLIN};
    struct sockaddr_in peer, own;
    socklen_t length = sizeof peer;

    CHECK(poll(&entry, 1, 20) == 0);
    CHECK(connect_to(client, port) == 0);
    CHECK(poll(&entry, 1, 2000) == 1 && entry.revents == POLLIN);
    int fd = accept4(server, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(getsockname(client, (struct sockaddr *)&own, &length) == 0);
    CHECK(own.sin_port == peer.sin_port && own.sin_addr.s_addr == peer.sin_addr.s_addr);
    close(fd);
    close(client);
    close(server);
}

static void test_timeout(void) {
    const struct timeval limit = {0, 200000}, past = {-1, 0}, none = {0, 1000000};
    const struct timeval forever = {INT64_MAX / 1000, 0};
    struct timeval set;
    socklen_t length = sizeof set;
    char byte;
    int fds[2];

    CHECK(pair(fds));
    CHECK(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    CHECK(getsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &set, &length) == 0 &&
          set.tv_usec == limit.tv_usec);
    CHECK_ERROR(read(fds[0], &byte, 1), EAGAIN);
    CHECK(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &past, sizeof past) == 0);
    CHECK_ERROR(read(fds[0], &byte, 1), EAGAIN);
    CHECK_ERROR(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none), EDOM);
    CHECK(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever) == 0);
    CHECK(write(fds[1], "x", 1) == 1 && read(fds[0], &byte, 1) == 1 && byte == 'x');
    close(fds[0]);
    close(fds[1]);
}

static void on_alarm(int signal) {
    (void)signal;
}

static void test_interrupted(void) {
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval soon = {.it_value = {0, 100000}};
    char byte;
    int fds[2];

    CHECK(pair(fds));
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK_ERROR(read(fds[0], &byte, 1), EINTR);
    CHECK(write(fds[1], "y", 1) == 1);
    CHECK(read(fds[0], &byte, 1) == 1 && byte == 'y');
    close(fds[0]);
    close(fds[1]);
}

static bool has_option(int fd, int level, int name, int expected) {
    int value = -1;
    socklen_t length = sizeof value;

    return getsockopt(fd, level, name, &value, &length) == 0 && value == expected;
}

static bool keeps_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value) == 0 &&
           has_option(fd, level, name, value);
}

static void test_options(void) {
    int fds[2], value = 1, type = 0;
    socklen_t length = sizeof value;

    CHECK(pair(fds));
    CHECK(setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &value, sizeof value) == 0);
    CHECK(getsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &value, &length) == 0 && value != 0);
    CHECK(getsockopt(fds[0], SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM);
    CHECK(setsockopt(fds[0], SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value) == 0);
    CHECK(has_option(fds[0], SOL_SOCKET, SO_DOMAIN, AF_INET) &&
          has_option(fds[0], SOL_SOCKET, SO_PROTOCOL, IPPROTO_TCP));
    CHECK(keeps_option(fds[0], IPPROTO_TCP, TCP_KEEPIDLE, 77) &&
          keeps_option(fds[0], IPPROTO_TCP, TCP_KEEPINTVL, 5) &&
          keeps_option(fds[0], IPPROTO_TCP, TCP_KEEPCNT, 3) &&
          keeps_option(fds[0], IPPROTO_IP, IP_TOS, 0x10));
    value = 0;
    CHECK_ERROR(setsockopt(fds[0], IPPROTO_TCP, TCP_KEEPIDLE, &value, sizeof value), EINVAL);
    value = 40000;
    CHECK_ERROR(setsockopt(fds[0], IPPROTO_TCP, TCP_KEEPINTVL, &value, sizeof value), EINVAL);
    int udp = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK(has_option(udp, SOL_SOCKET, SO_DOMAIN, AF_INET6) &&
          has_option(udp, SOL_SOCKET, SO_PROTOCOL, IPPROTO_UDP) &&
          keeps_option(udp, IPPROTO_IPV6, IPV6_TCLASS, 0x20) &&
          keeps_option(udp, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9));
    value = 1;
    CHECK_ERROR(setsockopt(udp, IPPROTO_TCP, TCP_KEEPCNT, &value, sizeof value), ENOPROTOOPT);
    close(udp);
    CHECK_ERROR(setsockopt(fds[0], SOL_SOCKET, 9999, &value, sizeof value), ENOPROTOOPT);
    close(fds[0]);
    close(fds[1]);
}

static void test_datagrams(void) {
    struct sockaddr_in own = address_of(INADDR_LOOPBACK, 0), from;
    socklen_t length = sizeof own;
    char buffer[16], *large = malloc(9000);
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);

    CHECK(bind(a, (struct sockaddr *)&own, sizeof own) == 0);
    CHECK(getsockname(a, (struct sockaddr *)&own, &length) == 0);
    CHECK(sendto(b, "one", 3, 0, (struct sockaddr *)&own, length) == 3);
    CHECK(sendto(b, "", 0, 0, (struct sockaddr *)&own, length) == 0);
    length = sizeof from;
    CHECK(recvfrom(a, buffer, 16, 0, (struct sockaddr *)&from, &length) == 3);
    CHECK(recv(a, buffer, 16, 0) == 0);
    CHECK_ERROR(recv(a, buffer, 16, MSG_DONTWAIT), EAGAIN);
    CHECK(connect(a, (struct sockaddr *)&from, sizeof from) == 0);
    CHECK(send(a, "two and a half", 14, 0) == 14);

    struct iovec part = {buffer, 3};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    CHECK(recvmsg(b, &message, 0) == 3 && (message.msg_flags & MSG_TRUNC) != 0);
    memset(large, 'z', 9000);
    CHECK(send(a, large, 9000, 0) == 9000);
    CHECK(recv(b, large, 9000, 0) == 9000);
    struct iovec parts[6];
    message = message_of(parts, 6, large, 1500);
    CHECK(sendmsg(a, &message, 0) == 9000);
    CHECK(recvmsg(b, &message, 0) == 9000 && message.msg_flags == 0);
    CHECK(writev(a, parts, 6) == 9000 && readv(b, parts, 6) == 9000);
    close(a);
    close(b);
    free(large);
}

/* What MSG_TRUNC asks: how long the datagram was. */
static void test_cut(void) {
    struct sockaddr_in own = address_of(INADDR_LOOPBACK, 0);
    socklen_t length = sizeof own;
    char buffer[8] = "";
    int a = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP), b = socket(AF_INET, SOCK_DGRAM, 0);

    CHECK(bind(a, (struct sockaddr *)&own, sizeof own) == 0);
    CHECK(getsockname(a, (struct sockaddr *)&own, &length) == 0);
    CHECK(connect(b, (struct sockaddr *)&own, length) == 0 && send(b, "0123456789", 10, 0) == 10);
    CHECK(recv(a, buffer, 4, MSG_PEEK | MSG_TRUNC) == 10 && memcmp(buffer, "0123\0", 5) == 0);
    struct iovec parts[] = {{buffer, 2}, {buffer + 2, 1}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    CHECK(recvmsg(a, &message, MSG_TRUNC) == 10 && message.msg_flags == MSG_TRUNC);
    CHECK_ERROR(recv(a, buffer, 4, MSG_DONTWAIT), EAGAIN);
    CHECK_ERROR(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
    CHECK_ERROR(accept4(a, NULL, NULL, 1), EINVAL);
    close(a);
    close(b);
}

static void test_many(void) {
    enum { N = 40 };
    int fds[N], n = 0;

    while (n < N && (fds[n] = socket(AF_INET, SOCK_STREAM, 0)) >= 0) {
        n++;
    }
    CHECK(n == N);
    while (n > 0) {
        close(fds[--n]);
    }
    for (n = 0; n < 300; n++) {
        int two[2];

        if (!pair(two)) {
            break;
        }
        close(two[0]);
        close(two[1]);
    }
    CHECK(n == 300);
}

/* A child that is killed while it waits takes nothing with it. */
static void test_killed_reader(void) {
    char buffer[8];
    int fds[2], status;

    CHECK(pair(fds));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(read(fds[0], buffer, 8) == 0);
    }
    nanosleep(&(struct timespec){0, 100000000}, NULL);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    CHECK(write(fds[1], "still", 5) == 5);
    CHECK(recv(fds[0], buffer, 5, MSG_WAITALL) == 5 && memcmp(buffer, "still", 5) == 0);
    close(fds[0]);
    close(fds[1]);
}

static void test_ipv6(void) {
    struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, peer;
    socklen_t length = sizeof own;
    char buffer[4];
    int server = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET6, SOCK_STREAM, 0);

    int is_only = 1;
    CHECK(setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &is_only, sizeof is_only) == 0);
    is_only = 0;
    CHECK(getsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &is_only, &(socklen_t){sizeof is_only}) ==
              0 &&
          is_only == 1);
    int four = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERROR(setsockopt(four, IPPROTO_IPV6, IPV6_V6ONLY, &is_only, sizeof is_only), ENOPROTOOPT);
    close(four);
    CHECK(bind(server, (struct sockaddr *)&own, sizeof own) == 0 && listen(server, 1) == 0);
    CHECK(getsockname(server, (struct sockaddr *)&own, &length) == 0);
    CHECK(connect(client, (struct sockaddr *)&own, length) == 0);
    int fd = accept(server, (struct sockaddr *)&peer, &length);
    CHECK(fd >= 0 && IN6_IS_ADDR_LOOPBACK(&peer.sin6_addr));
    CHECK(write(client, "six", 3) == 3 && recv(fd, buffer, 3, MSG_WAITALL) == 3);
    CHECK(memcmp(buffer, "six", 3) == 0);
    close(fd);
    close(client);
    close(server);
}

int main(void) {
    test_bulk();
    test_whole();
    test_errors();
    test_in_use();
    test_end();
    test_reset();
    test_flags();
    test_nonblock_connect();
    test_poll();
    test_accept_poll();
    test_timeout();
    test_interrupted();
    test_options();
    test_datagrams();
    test_cut();
    test_many();
    test_killed_reader();
    test_ipv6();
    return tap_end();
}
