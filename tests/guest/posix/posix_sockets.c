/* SPDX-License-Identifier: MIT */
/* Sockets, between two ends of this machine: needs no network card. */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { PORT = 5555, PORT_CLOSED = 5556, PORT_UDP = 5557, BYTES = 300000 };

static struct sockaddr_in here(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int connect_to(int s, int port) {
    struct sockaddr_in address = here(port);

    return connect(s, (struct sockaddr *)&address, sizeof address);
}

static int listen_at(int port) {
    struct sockaddr_in address = here(port);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    CHECK(s >= 0 && setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
    CHECK(bind(s, (struct sockaddr *)&address, sizeof address) == 0 && listen(s, 4) == 0);
    return s;
}

static void test_stream(int listener) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in own, peer, other;
    socklen_t length = sizeof own;
    char byte = 0;

    CHECK(connect_to(s, PORT) == 0);
    int c = accept(listener, (struct sockaddr *)&other, &length);
    CHECK(c >= 0 && length == sizeof other && other.sin_family == AF_INET);
    CHECK(getsockname(s, (struct sockaddr *)&own, &length) == 0 && own.sin_port == other.sin_port);
    CHECK(getpeername(s, (struct sockaddr *)&peer, &length) == 0 && peer.sin_port == htons(PORT));
    CHECK(write(s, "x", 1) == 1 && read(c, &byte, 1) == 1 && byte == 'x');
    CHECK(send(c, "yz", 2, 0) == 2 && recv(s, &byte, 1, MSG_PEEK) == 1 && byte == 'y');
    CHECK(recv(s, &byte, 1, 0) == 1 && byte == 'y' && recv(s, &byte, 1, 0) == 1 && byte == 'z');
    CHECK_ERROR(recv(s, &byte, 1, MSG_DONTWAIT), EAGAIN);
    struct pollfd entry = {s, POLLIN | POLLOUT, 0};
    CHECK(poll(&entry, 1, 1000) == 1 && entry.revents == POLLOUT);
    CHECK(shutdown(s, SHUT_WR) == 0 && read(c, &byte, 1) == 0);
    CHECK(close(c) == 0 && read(s, &byte, 1) == 0);
    close(s);
}

static void test_bulk(int listener) {
    char *data = malloc(BYTES), *copy = malloc(BYTES);
    size_t done = 0;
    ssize_t n;
    int status;

    for (int i = 0; i < BYTES; i++) {
        data[i] = (char)(i * 13 + i / 777);
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        bool ok = connect_to(s, PORT) == 0;
        while (ok && done < BYTES) {
            n = write(s, data + done, BYTES - done);
            ok = n > 0;
            done += ok ? (size_t)n : 0;
        }
        _exit(ok ? 0 : 1);
    }
    int c = accept(listener, NULL, NULL);
    while ((n = read(c, copy + done, BYTES - done)) > 0) {
        done += (size_t)n;
    }
    CHECK(done == BYTES && memcmp(data, copy, BYTES) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(c);
    free(data);
    free(copy);
}

static void test_nonblock(int listener) {
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = -1;
    socklen_t length = sizeof error;
    struct pollfd entry = {s, POLLOUT, 0};

    CHECK((fcntl(s, F_GETFL) & O_NONBLOCK) != 0);
    CHECK(connect_to(s, PORT) == 0 || errno == EINPROGRESS);
    CHECK(poll(&entry, 1, 3000) == 1 && (entry.revents & POLLOUT) != 0);
    CHECK(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0);
    entry = (struct pollfd){listener, POLLIN, 0};
    CHECK(poll(&entry, 1, 3000) == 1 && entry.revents == POLLIN);
    close(accept(listener, NULL, NULL));
    close(s);
    s = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERROR(connect_to(s, PORT_CLOSED), ECONNREFUSED);
    close(s);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    CHECK_ERROR(accept(listener, NULL, NULL), EAGAIN);
    fcntl(listener, F_SETFL, 0);
}

static void test_datagram(void) {
    struct sockaddr_in address = here(PORT_UDP), from;
    socklen_t length = sizeof from;
    int one = socket(AF_INET, SOCK_DGRAM, 0), two = socket(AF_INET, SOCK_DGRAM, 0);
    char buffer[16];

    CHECK(bind(one, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(sendto(two, "hello", 5, 0, (struct sockaddr *)&address, sizeof address) == 5);
    CHECK(recvfrom(one, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length) == 5 &&
          memcmp(buffer, "hello", 5) == 0);
    CHECK(sendto(one, "back", 4, 0, (struct sockaddr *)&from, length) == 4 &&
          recv(two, buffer, sizeof buffer, 0) == 4);
    CHECK(connect_to(two, PORT_UDP) == 0 && send(two, "long one", 8, 0) == 8);
    CHECK(recv(one, buffer, 4, 0) == 4 && memcmp(buffer, "long", 4) == 0);
    CHECK_ERROR(recv(one, buffer, 4, MSG_DONTWAIT), EAGAIN);
    close(one);
    close(two);
}

static void test_errors(void) {
    int s = socket(AF_INET, SOCK_STREAM, 0), file = open("/dev/null", O_RDWR), value = 1;
    socklen_t length = sizeof value;
    char byte;

    CHECK_ERROR(recv(s, &byte, 1, 0), ENOTCONN);
    CHECK_ERROR(listen(file, 1), ENOTSOCK);
    CHECK_ERROR(listen(900, 1), EBADF);
    CHECK_ERROR(socket(77, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value) == 0);
    CHECK(getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &length) == 0 && value == SOCK_STREAM);
    CHECK_ERROR(setsockopt(s, SOL_SOCKET, 999, &value, sizeof value), ENOPROTOOPT);
    close(s);
    close(file);
}

static void test_names(void) {
    struct addrinfo *list = NULL;

    CHECK(getaddrinfo("127.0.0.1", "80", NULL, &list) == 0);
    freeaddrinfo(list);
    CHECK(getaddrinfo("localhost", "80", NULL, &list) == 0);
    freeaddrinfo(list);
}

int main(void) {
    int listener = listen_at(PORT);

    test_stream(listener);
    test_bulk(listener);
    test_nonblock(listener);
    test_datagram();
    test_errors();
    test_names();
    close(listener);
    return tap_end();
}
