/* SPDX-License-Identifier: MIT */
/* The ends of socketpair as sockets: flags of a transfer, one direction that ends, names, options.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

enum { KIB = 1024, BULK = 8 * KIB };

static int fds[2];

static void pair_make(void) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
}

static void pair_close(void) {
    close(fds[0]);
    close(fds[1]);
}

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static short events_of(int fd) {
    struct pollfd entry = {.fd = fd, .events = POLLIN | POLLOUT};

    return poll(&entry, 1, 0) >= 0 ? entry.revents : -1;
}

/* A call that is made while the main thread looks on. */
struct call {
    pthread_t thread;
    ssize_t (*make)(struct call *call);
    char bytes[16];
    size_t size;
    int flags;
    volatile ssize_t result;
    volatile int error;
    volatile bool is_done;
};

static void *call_run(void *argument) {
    struct call *call = argument;

    call->result = call->make(call);
    call->error = errno;
    call->is_done = true;
    return NULL;
}

static void call_start(struct call *call) {
    pthread_create(&call->thread, NULL, call_run, call);
    sleep_ms(100);
}

static ssize_t call_end(struct call *call) {
    pthread_join(call->thread, NULL);
    return call->result;
}

static ssize_t receives(struct call *call) {
    return recv(fds[0], call->bytes, call->size, call->flags);
}

static ssize_t reads(struct call *call) {
    return read(fds[0], call->bytes, call->size);
}

static char bulk[BULK];

static ssize_t sends_much(struct call *call) {
    return send(fds[1], bulk, sizeof bulk, call->flags);
}

/* ---- flags ---- */

static void test_peek(void) {
    char bytes[8] = "";

    pair_make();
    CHECK(send(fds[1], "abcdef", 6, 0) == 6);
    CHECK(recv(fds[0], bytes, 3, MSG_PEEK) == 3 && memcmp(bytes, "abc", 3) == 0);
    CHECK(recv(fds[0], bytes, 8, MSG_PEEK) == 6 && memcmp(bytes, "abcdef", 6) == 0);
    CHECK(recv(fds[0], bytes, 4, 0) == 4 && memcmp(bytes, "abcd", 4) == 0);
    CHECK(recv(fds[0], bytes, 8, MSG_PEEK | MSG_WAITALL) == 2 && memcmp(bytes, "ef", 2) == 0);
    CHECK(read(fds[0], bytes, 8) == 2);
    /* One that waits to peek takes nothing from one that waits to read, whichever is served first.
     */
    struct call peek = {.make = receives, .size = 1, .flags = MSG_PEEK};
    struct call take = {.make = receives, .size = 1};
    call_start(&peek);
    call_start(&take);
    CHECK(!peek.is_done && !take.is_done && write(fds[1], "xx", 2) == 2);
    CHECK(call_end(&peek) == 1 && call_end(&take) == 1);
    CHECK(peek.bytes[0] == 'x' && take.bytes[0] == 'x');
    CHECK(recv(fds[0], bytes, 8, MSG_DONTWAIT) == 1);
    pair_close();
}

static void test_nonblock(void) {
    static char data[4 * KIB];
    ssize_t n, sum = 0;
    char byte;

    pair_make();
    CHECK_ERROR(recv(fds[0], &byte, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_ERROR(recv(fds[0], &byte, 1, MSG_DONTWAIT | MSG_PEEK), EAGAIN);
    while ((n = send(fds[1], data, sizeof data, MSG_DONTWAIT)) > 0) {
        sum += n;
    }
    CHECK(n == -1 && errno == EAGAIN && sum >= 8 * KIB);
    CHECK((fcntl(fds[1], F_GETFL) & O_NONBLOCK) == 0);
    while ((n = recv(fds[0], data, sizeof data, MSG_DONTWAIT | MSG_WAITALL)) > 0) {
        sum -= n;
    }
    CHECK(n == -1 && errno == EAGAIN && sum == 0);
    pair_close();
}

/* What comes in parts is one answer. */
static void test_all(void) {
    struct call call = {.make = receives, .size = 6, .flags = MSG_WAITALL};

    pair_make();
    CHECK(write(fds[1], "ab", 2) == 2);
    call_start(&call);
    CHECK(!call.is_done && write(fds[1], "cd", 2) == 2);
    sleep_ms(50);
    CHECK(!call.is_done && write(fds[1], "efgh", 4) == 4);
    CHECK(call_end(&call) == 6 && memcmp(call.bytes, "abcdef", 6) == 0);
    CHECK(recv(fds[0], call.bytes, 2, MSG_WAITALL) == 2 && memcmp(call.bytes, "gh", 2) == 0);
    /* The end comes before all is there. */
    struct call cut = {.make = receives, .size = 6, .flags = MSG_WAITALL};
    call_start(&cut);
    CHECK(write(fds[1], "ij", 2) == 2 && shutdown(fds[1], SHUT_WR) == 0);
    CHECK(call_end(&cut) == 2 && memcmp(cut.bytes, "ij", 2) == 0);
    pair_close();
}

static void test_flags_that_are_none(void) {
    struct sockaddr address = {.sa_family = AF_UNSPEC};
    char byte;

    pair_make();
    CHECK(recv(fds[0], &byte, 1, MSG_OOB) == -1 && (errno == EOPNOTSUPP || errno == EINVAL));
    CHECK(connect(fds[0], &address, sizeof address) == -1);
    CHECK_ERROR(listen(fds[0], 1), EINVAL);
    CHECK_ERROR(accept(fds[0], NULL, NULL), EINVAL);
    pair_close();
}

/* ---- one direction that ends ---- */

static void test_half_close(void) {
    struct call call = {.make = reads, .size = 4};
    char bytes[8];

    pair_make();
    CHECK(write(fds[1], "ab", 2) == 2 && shutdown(fds[1], SHUT_WR) == 0);
    CHECK(read(fds[0], bytes, 8) == 2);
    CHECK(read(fds[0], bytes, 8) == 0 && recv(fds[0], bytes, 8, MSG_DONTWAIT) == 0);
    CHECK_ERROR(send(fds[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERROR(send(fds[1], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT), EPIPE);
    CHECK_ERROR(write(fds[1], "x", 1), EPIPE); /* SIGPIPE is ignored here */
    /* The other direction goes on. */
    CHECK((events_of(fds[0]) & (POLLIN | POLLOUT | POLLHUP)) == (POLLIN | POLLOUT));
    CHECK((events_of(fds[1]) & (POLLIN | POLLHUP)) == 0);
    CHECK(write(fds[0], "cd", 2) == 2 && read(fds[1], bytes, 8) == 2);
    CHECK(shutdown(fds[1], SHUT_WR) == 0 && shutdown(fds[0], SHUT_WR) == 0);
    CHECK(read(fds[1], bytes, 8) == 0 && (events_of(fds[1]) & POLLHUP) != 0 &&
          (events_of(fds[0]) & POLLHUP) != 0);
    pair_close();
    /* One that waits is told. */
    pair_make();
    call_start(&call);
    CHECK(!call.is_done && shutdown(fds[1], SHUT_WR) == 0);
    CHECK(call_end(&call) == 0);
    pair_close();
}

static void test_shut_reading(void) {
    struct call call = {.make = reads, .size = 4}, much = {.make = sends_much};
    char bytes[8];

    pair_make();
    call_start(&call);
    CHECK(!call.is_done && shutdown(fds[0], SHUT_RD) == 0);
    CHECK(call_end(&call) == 0 && read(fds[0], bytes, 8) == 0);
    CHECK_ERROR(write(fds[1], "x", 1), EPIPE);
    CHECK(write(fds[0], "x", 1) == 1 && read(fds[1], bytes, 8) == 1);
    CHECK_ERROR(shutdown(fds[0], 7), EINVAL);
    pair_close();
    /* A writer that waits for room will get none. */
    pair_make();
    while (send(fds[1], bulk, sizeof bulk, MSG_DONTWAIT) > 0) {
    }
    call_start(&much);
    CHECK(!much.is_done && shutdown(fds[0], SHUT_RDWR) == 0);
    call_end(&much);
    CHECK((much.result > 0 && much.result < BULK) || (much.result == -1 && much.error == EPIPE));
    pair_close();
}

/* Both have shut what leads to one and the same channel: it lives as long as one end does. */
static void test_shut_by_both(void) {
    char byte;

    for (int first = 0; first < 2; first++) {
        pair_make();
        CHECK(write(fds[1], "x", 1) == 1 && shutdown(fds[0], SHUT_RDWR) == 0 &&
              shutdown(fds[1], SHUT_RDWR) == 0);
        close(fds[first]);
        CHECK_ERROR(send(fds[1 - first], "y", 1, MSG_NOSIGNAL), EPIPE);
        /* Linux tells of bytes that its peer had not read: ECONNRESET. */
        ssize_t n = read(fds[1 - first], &byte, 1);
        CHECK(first == 1 ? n == 1 : n <= 0);
        CHECK((events_of(fds[1 - first]) & POLLHUP) != 0);
        close(fds[1 - first]);
    }
}

/* Who polls is told of the end of a direction, by whichever end it came. */
static void *shuts_later(void *argument) {
    sleep_ms(80);
    shutdown(*(int *)argument, SHUT_WR);
    return NULL;
}

static void test_poll(void) {
    struct pollfd entry = {.events = POLLIN};
    pthread_t thread;

    pair_make();
    entry.fd = fds[0];
    CHECK(poll(&entry, 1, 0) == 0);
    pthread_create(&thread, NULL, shuts_later, &fds[1]);
    CHECK(poll(&entry, 1, 5000) == 1 && (entry.revents & (POLLIN | POLLHUP)) == POLLIN);
    pthread_join(thread, NULL);
    entry.events = 0;
    CHECK(poll(&entry, 1, 0) == 0);
    pthread_create(&thread, NULL, shuts_later, &fds[0]);
    CHECK(poll(&entry, 1, 5000) == 1 && entry.revents == POLLHUP);
    pthread_join(thread, NULL);
    pair_close();
}

/* ---- names and options ---- */

static int option(int name) {
    int value = -1;
    socklen_t length = sizeof value;

    return getsockopt(fds[0], SOL_SOCKET, name, &value, &length) == 0 ? value : -errno;
}

static void test_names_and_options(void) {
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    struct stat st;
    int bytes = 32 * KIB;

    pair_make();
    CHECK(getsockname(fds[0], (struct sockaddr *)&name, &length) == 0 &&
          name.ss_family == AF_UNIX && length == sizeof(sa_family_t));
    length = sizeof name;
    CHECK(getpeername(fds[0], (struct sockaddr *)&name, &length) == 0 &&
          name.ss_family == AF_UNIX && length == sizeof(sa_family_t));
    CHECK(option(SO_TYPE) == SOCK_STREAM && option(SO_ERROR) == 0 && option(SO_ACCEPTCONN) == 0);
    CHECK(option(SO_RCVBUF) >= 4 * KIB && option(SO_SNDBUF) >= 4 * KIB);
    CHECK(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
    CHECK(fstat(fds[0], &st) == 0 && S_ISSOCK(st.st_mode));
    pair_close();
    /* A pipe is none. */
    CHECK(pipe(fds) == 0);
    CHECK_ERROR(shutdown(fds[1], SHUT_WR), ENOTSOCK);
    CHECK_ERROR(recv(fds[0], &st, 1, 0), ENOTSOCK);
    pair_close();
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    alarm(60); /* what must not wait may */
    test_peek();
    test_nonblock();
    test_all();
    test_flags_that_are_none();
    test_half_close();
    test_shut_reading();
    test_shut_by_both();
    test_poll();
    test_names_and_options();
    return tap_end();
}
