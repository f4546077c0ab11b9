/* SPDX-License-Identifier: MIT */
/* Connections that are reset, and data that lies: who hoards has his share of the server, and no
 * more. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "balance.h"
#include "loopback.h"
#include "tap.h"

/* One that was reset while it waited to be accepted does no harm to the next. */
static void test_reset_in_queue(void) {
    const struct linger hard = {.l_onoff = 1};
    uint16_t port = 0;
    char byte;
    int server = listener(&port), lost = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(server >= 0 && connect_to(lost, port) == 0);
    setsockopt(lost, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(lost);
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    fcntl(server, F_SETFL, O_NONBLOCK);
    int fd = accept(server, NULL, NULL); /* Linux shows it, and its error when it is read */
    CHECK(fd >= 0 ? read(fd, &byte, 1) == -1 && errno == ECONNRESET : errno == EAGAIN);
    close(fd);
    fcntl(server, F_SETFL, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect_to(client, port) == 0);
    fd = accept(server, NULL, NULL);
    CHECK(fd >= 0 && write(client, "x", 1) == 1 && read(fd, &byte, 1) == 1 && byte == 'x');
    close(fd);
    close(client);
    close(server);
}

/* A write that had to wait, and was ended by the peer, tells how much went; the next tells why. */
static void test_part(void) {
    const struct linger hard = {.l_onoff = 1};
    char *data = pattern(), block[1000];
    int fds[2];

    CHECK(pair(fds));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        nanosleep(&(struct timespec){0, 100000000}, NULL);
        _exit(read(fds[1], block, sizeof block) != sizeof block);
    }
    close(fds[1]);
    signal(SIGPIPE, SIG_IGN);
    ssize_t n = 0, part = 0;
    while ((part = write(fds[0], data, BULK_BYTES)) > 0) {
        n += part;
    }
    CHECK(n > 0 && part == -1 && (errno == ECONNRESET || errno == EPIPE));
    waitpid(pid, NULL, 0);
    signal(SIGPIPE, SIG_DFL);
    close(fds[0]);
    free(data);
}

static int datagram_socket(struct sockaddr_in *own) {
    socklen_t length = sizeof *own;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    *own = address_of(INADDR_LOOPBACK, 0);
    return fd >= 0 && bind(fd, (struct sockaddr *)own, length) == 0 &&
                   getsockname(fd, (struct sockaddr *)own, &length) == 0
               ? fd
               : -1;
}

/* Whoever lets data lie holds so much, and no more: there are still sockets to be had, and when he
 * takes it all is as before. */
static void test_hoard(void) {
    enum { DATAGRAMS = 64, SOCKETS = 12, STREAMS = 24, BYTES = 60000 };
    struct sockaddr_in own;
    int udp[SOCKETS], streams[STREAMS][2], n_streams = 0, n_udp = 0;
    char *data = pattern();

    for (; n_streams < STREAMS && pair(streams[n_streams]); n_streams++) {
        while (send(streams[n_streams][0], data, BULK_BYTES, MSG_DONTWAIT) > 0) {
        }
    }
    for (; n_udp < SOCKETS && (udp[n_udp] = datagram_socket(&own)) >= 0; n_udp++) {
        for (int j = 0; j < DATAGRAMS; j++) {
            sendto(udp[n_udp], data, BYTES, 0, (struct sockaddr *)&own, sizeof own);
        }
    }
    CHECK(n_streams == STREAMS && n_udp == SOCKETS);
    CHECK(recv(streams[0][1], data, 1000, MSG_DONTWAIT) == 1000);
    for (int i = 0; i < n_streams; i++) {
        close(streams[i][0]);
        close(streams[i][1]);
    }
    for (int i = 0; i < n_udp; i++) {
        close(udp[i]);
    }
    int fd = datagram_socket(&own);
    CHECK(sendto(fd, data, BYTES, 0, (struct sockaddr *)&own, sizeof own) == BYTES);
    CHECK(recv(fd, data, BYTES, MSG_DONTWAIT) == BYTES);
    close(fd);
    free(data);
}

/* More connections than their senders' share, each with a reader: all get on. */
static void test_many_bulk(void) {
    enum { PAIRS = 24, BYTES = 300000 };
    static char buffer[20000];
    int fds[PAIRS][2], n = 0, n_done = 0, n_idle = 0;
    size_t sent[PAIRS] = {0}, got[PAIRS] = {0};

    for (; n < PAIRS && pair(fds[n]); n++) {
        fcntl(fds[n][0], F_SETFL, O_NONBLOCK);
        fcntl(fds[n][1], F_SETFL, O_NONBLOCK);
    }
    for (int i = 0; i < n; i++) { /* first all are filled */
        ssize_t part;

        while (sent[i] < BYTES && (part = write(fds[i][0], buffer, sizeof buffer)) > 0) {
            sent[i] += (size_t)part;
        }
    }
    while (n_done < n && n_idle < 1000) {
        bool moved = false;

        n_done = 0;
        for (int i = 0; i < n; i++) {
            ssize_t part = read(fds[i][1], buffer, sizeof buffer);

            got[i] += part > 0 ? (size_t)part : 0;
            moved = moved || part > 0;
            part = sent[i] < BYTES ? write(fds[i][0], buffer, sizeof buffer) : 0;
            sent[i] += part > 0 ? (size_t)part : 0;
            n_done += sent[i] >= BYTES && got[i] == sent[i];
        }
        n_idle = moved ? 0 : n_idle + 1;
        if (!moved) {
            nanosleep(&(struct timespec){0, 10000000}, NULL);
        }
    }
    CHECK(n == PAIRS && n_done == n);
    for (int i = 0; i < n; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

/* Many whose peers read nothing do not stop one whose peer does, of the same login. */
static void test_stalled_crowd(void) {
    enum { CROWD = 20, BYTES = 400000 };
    static char buffer[20000];
    int fds[CROWD][2], live[2], n = 0;
    size_t sent = 0, got = 0;

    for (; n < CROWD && pair(fds[n]); n++) {
        while (send(fds[n][0], buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
        }
    }
    CHECK(n == CROWD && pair(live));
    fcntl(live[0], F_SETFL, O_NONBLOCK);
    fcntl(live[1], F_SETFL, O_NONBLOCK);
    for (int n_idle = 0; got < BYTES && n_idle < 1000; n_idle++) {
        ssize_t out = sent < BYTES ? write(live[0], buffer, sizeof buffer) : 0;
        ssize_t in = read(live[1], buffer, sizeof buffer);

        sent += out > 0 ? (size_t)out : 0;
        got += in > 0 ? (size_t)in : 0;
        if (out > 0 || in > 0) {
            n_idle = 0;
        } else {
            nanosleep(&(struct timespec){0, 10000000}, NULL);
        }
    }
    CHECK(got >= BYTES);
    for (int i = 0; i < n; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
    close(live[0]);
    close(live[1]);
}

static void test_all(void) {
    test_reset_in_queue();
    test_part();
    test_hoard();
    test_many_bulk();
    test_stalled_crowd();
}

int main(void) {
    test_all();
    struct balance before = balance_settled();
    test_all();
    CHECK_THAT(balance_returns(&before, 512 * 1024), "nothing is left");
    return tap_end();
}
