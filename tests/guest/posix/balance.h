/* SPDX-License-Identifier: MIT */
/*
 * What the whole system holds, before and after: the kernel's counts of its objects and the memory
 * in use, servers included. Where there is no /proc/kernel (Linux) all is equal.
 *
 *     struct balance before = balance_settled();
 *     ... twice, after a first time that warms up what lives on ...
 *     CHECK_THAT(balance_returns(&before, 64 * 1024), "nothing is left");
 *
 * Neither allocates.
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const balance_names[] = {"processes",      "threads", "endpoints", "gates",
                                            "memory_objects", "handles", "budgets",   "irqs"};
enum { BALANCE_COUNTS = sizeof balance_names / sizeof balance_names[0] };

struct balance {
    long counts[BALANCE_COUNTS];
    long used_bytes;
};

/* The number after a name at the beginning of a line; -1: there is none. */
static inline long balance_figure(const char *text, const char *name) {
    size_t length = strlen(name);

    for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, name, length) == 0 && at[length] == ' ') {
            return atol(at + length + 1);
        }
    }
    return -1;
}

static inline void balance_file(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, size - 1) : 0;

    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}

static inline struct balance balance_read(void) {
    struct balance balance;
    char text[2048];

    balance_file("/proc/kernel", text, sizeof text);
    for (size_t i = 0; i < BALANCE_COUNTS; i++) {
        balance.counts[i] = balance_figure(text, balance_names[i]);
    }
    balance_file("/proc/memory", text, sizeof text);
    balance.used_bytes = balance_figure(text, "used_bytes");
    return balance;
}

/* The same when nothing has changed for 100 ms: what ended before is still being freed in the
 * background, and services that were restarted come up. After ten seconds as it is then. */
static inline struct balance balance_settled(void) {
    struct balance last = balance_read();

    for (int i = 0, n_same = 0; i < 500 && n_same < 5; i++) {
        nanosleep(&(struct timespec){0, 20000000}, NULL);
        struct balance now = balance_read();

        n_same = memcmp(&now, &last, sizeof now) == 0 ? n_same + 1 : 0;
        last = now;
    }
    return last;
}

/* Is all as it was, up to so many bytes of heaps that live on? Waits for what the kernel frees in
 * the background, for ten seconds. If it is not, says what differs. */
static inline bool balance_returns(const struct balance *before, long breath) {
    struct balance now;
    bool is_equal = false;

    for (int i = 0; i < 500 && !is_equal; i++) {
        now = balance_read();
        is_equal = memcmp(now.counts, before->counts, sizeof now.counts) == 0 &&
                   now.used_bytes - before->used_bytes <= breath;
        if (!is_equal) {
            nanosleep(&(struct timespec){0, 20000000}, NULL);
        }
    }
    for (size_t i = 0; i < BALANCE_COUNTS && !is_equal; i++) {
        if (now.counts[i] != before->counts[i]) {
            printf("# %s %ld -> %ld\n", balance_names[i], before->counts[i], now.counts[i]);
        }
    }
    if (!is_equal && now.used_bytes != before->used_bytes) {
        printf("# used_bytes %ld -> %ld\n", before->used_bytes, now.used_bytes);
    }
    return is_equal;
}
