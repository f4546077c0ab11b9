/* SPDX-License-Identifier: MIT */
/* Sockets over the loopback interface, for the tests of them. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BULK_BYTES = 1000000 };

static inline struct sockaddr_in address_of(uint32_t host, uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
}

static inline int connect_to(int fd, uint16_t port) {
    struct sockaddr_in peer = address_of(INADDR_LOOPBACK, port);

    return connect(fd, (struct sockaddr *)&peer, sizeof peer);
}

/* A listening socket on a free port of the loopback address. */
static inline int listener(uint16_t *port) {
    struct sockaddr_in own = address_of(INADDR_LOOPBACK, 0);
    socklen_t length = sizeof own;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&own, sizeof own) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)&own, &length) != 0) {
        return -1;
    }
    *port = ntohs(own.sin_port);
    return fd;
}

/* Two connected sockets. */
static inline bool pair(int fds[2]) {
    uint16_t port;
    int server = listener(&port);

    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = server >= 0 && connect_to(fds[0], port) == 0;
    fds[1] = accept(server, NULL, NULL);
    close(server);
    return ok && fds[1] >= 0;
}

static inline char *pattern(void) {
    char *data = malloc(BULK_BYTES);

    for (int i = 0; i < BULK_BYTES; i++) {
        data[i] = (char)(i * 31 + i / 1000);
    }
    return data;
}
