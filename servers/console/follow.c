/* SPDX-License-Identifier: MIT */
#include "servers/console/follow.h"

#include "abi/generated/file.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/server_state.h"
#include "lib/native/time.h"

enum {
    PATIENCE_MS = 20,   /* of a call: the servers followed answer at once or are gone */
    CHECK_MS = 1000,    /* how soon it is noticed that a server is gone that said nothing */
    RETRY_MIN_MS = 100, /* for one that is not there, doubled up to ... */
    RETRY_MAX_MS = 8000,
    READ_BYTES = 1024,
    /* At once; then others are heard, init first: a line that scrolls the screen may take an
     * emulator 0.3 ms, and of that one processor may be a quarter of one. */
    READS_MAX = 2,
    WATCH_KEY = 1,
};

static void follow(struct follower *follower);

static uint64_t patience(void) {
    return time_deadline(PATIENCE_MS * NS_PER_MS);
}

static void on_timer(struct server *server, struct server_timer *timer) {
    (void)server;
    follow(CONTAINER_OF(timer, struct follower, timer));
}

static void check_after(struct follower *follower, uint64_t ns) {
    server_timer_arm(follower->server, &follower->timer, time_deadline(ns), on_timer);
}

static void drop(struct follower *follower) {
    server_handle_close(follower->file);
    follower->file = HANDLE_NONE;
}

static bool is_open(struct follower *follower) {
    if (follower->file != HANDLE_NONE) {
        return true;
    }
    if (follower->open(&follower->file, patience()) != OK) {
        follower->file = HANDLE_NONE;
        follower->retry_ns =
            MIN(MAX(follower->retry_ns * 2, RETRY_MIN_MS * NS_PER_MS), RETRY_MAX_MS * NS_PER_MS);
        return false;
    }
    follower->retry_ns = 0;
    if (follower->opened != NULL) {
        follower->opened();
    }
    return true;
}

/* Asks to be told of more. *ready: there is more already. */
static status_t watch(struct follower *follower, bool *ready) {
    uint32_t events = 0;
    handle_t gate;
    status_t status = server_gate_copy(follower->gate, &gate);

    if (status == OK) {
        status = file_watch(follower->file, FILE_EVENT_READ, WATCH_KEY, gate, &events, patience());
        if (status != OK) {
            server_handle_close(gate);
        }
    }
    *ready = events != 0;
    return status;
}

static void follow(struct follower *follower) {
    char bytes[READ_BYTES];
    bool ready;

    if (!is_open(follower)) {
        check_after(follower, follower->retry_ns);
        return;
    }
    for (unsigned i = 0; i < READS_MAX; i++) {
        uint64_t n = 0;
        status_t status =
            file_read(follower->file, FILE_OFFSET_CURRENT, bytes, sizeof bytes, &n, patience());

        if (status == OK && n > 0) {
            follower->receive(bytes, MIN(n, sizeof bytes));
            continue;
        }
        if (status == OK || status == ERROR_WOULD_BLOCK) {
            status = watch(follower, &ready);
            if (status == OK && ready) {
                continue;
            }
        }
        if (status != OK) {
            drop(follower);
            check_after(follower, RETRY_MIN_MS * NS_PER_MS);
            return;
        }
        check_after(follower, CHECK_MS * NS_PER_MS);
        return;
    }
    check_after(follower, 0);
}

static void on_notified(struct server *server, void *object, uint64_t bits) {
    (void)server, (void)bits;
    follow(object);
}

static const struct server_class follower_class = {.notified = on_notified};

void follower_start(struct follower *follower, struct server *server,
                    status_t (*open)(handle_t *file, uint64_t deadline), void (*opened)(void),
                    void (*receive)(const char *bytes, size_t n)) {
    *follower = (struct follower){
        .file = HANDLE_NONE, .server = server, .open = open, .opened = opened, .receive = receive};
    status_t status = server_notification_gate(server, &follower_class, follower, &follower->gate);
    if (status != OK) {
        /* Still followed, by the check. */
        log_write(LOG_WARNING, "no gate for notifications: %s", status_text(status));
    }
    follow(follower);
}
