/* SPDX-License-Identifier: MIT */
/*
 * What programs see of their connections when the network's server is restarted: that they were
 * reset. New ones can be made.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static struct sockaddr_in place = {.sin_family = AF_INET};

/* A connection to ourselves: the two ends and what listened. -1: the server is not there (yet). */
static int connection(int *one, int *other, int *listener) {
    socklen_t length = sizeof place;

    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    place.sin_port = 0;
    *one = socket(AF_INET, SOCK_STREAM, 0);
    *listener = socket(AF_INET, SOCK_STREAM, 0);
    if (*one < 0 || *listener < 0 || bind(*listener, (void *)&place, sizeof place) != 0 ||
        getsockname(*listener, (void *)&place, &length) != 0 || listen(*listener, 1) != 0 ||
        connect(*one, (void *)&place, sizeof place) != 0) {
        close(*one);
        close(*listener);
        return -1;
    }
    *other = accept(*listener, NULL, NULL);
    return *other < 0 ? -1 : 0;
}

static void test_reset(int fd, int listener) {
    char byte = 'x';
    struct iovec vector[2] = {{&byte, 1}, {&byte, 1}};
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    int error = 0;
    socklen_t length = sizeof error;

    CHECK(poll(&entry, 1, -1) == 1 && (entry.revents & (POLLERR | POLLHUP)) != 0);
    CHECK_ERROR(read(fd, &byte, 1), ECONNRESET);
    CHECK_ERROR(write(fd, &byte, 1), ECONNRESET);
    CHECK_ERROR(readv(fd, vector, 2), ECONNRESET);
    CHECK_ERROR(writev(fd, vector, 2), ECONNRESET);
    CHECK_ERROR(recv(fd, &byte, 1, 0), ECONNRESET);
    CHECK_ERROR(send(fd, &byte, 1, 0), ECONNRESET);
    CHECK_ERROR(shutdown(fd, SHUT_WR), ECONNRESET);
    CHECK_ERROR(getpeername(fd, (void *)&place, &length), ECONNRESET);
    CHECK_ERROR(accept(listener, NULL, NULL), ECONNRESET);
}

int main(void) {
    int one, other, listener, status, ready[2];
    char byte;

    CHECK(connection(&one, &other, &listener) == 0 && pipe(ready) == 0);
    CHECK(write(one, "a", 1) == 1 && read(other, &byte, 1) == 1 && byte == 'a');
    fflush(stdout);
    /* One that is reading at the moment. */
    pid_t pid = fork();
    if (pid == 0) {
        write(ready[1], "x", 1);
        _exit(read(other, &byte, 1) == -1 && errno == ECONNRESET ? 7 : 1);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    usleep(50000);
    CHECK(system("services restart network") == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
    test_reset(one, listener);
    close(one);
    close(other);
    close(listener);
    int result = -1;
    for (int i = 0; i < 600 && result != 0; i++) {
        result = connection(&one, &other, &listener);
        if (result != 0) {
            usleep(50000);
        }
    }
    CHECK(result == 0 && write(one, "b", 1) == 1 && read(other, &byte, 1) == 1 && byte == 'b');
    return tap_end();
}
