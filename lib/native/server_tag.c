/* SPDX-License-Identifier: MIT */
/* What each client of a server holds: objects and saved replies, counted by tag, so that none takes
 * more than its share. */
#include "lib/native/server_state.h"

#include <stdlib.h>

#include "abi/tag.h"
#include "lib/base/share.h"
#include "lib/base/string.h"
#include "lib/native/recycle.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"

/* Saved replies that are looked at between two requests: some 10,000 instructions. */
enum { SWEEP_STEP = 64 };

/*
 * What a request that waits takes: its saved reply's handle and entry, and the server's own memory
 * of it. One of each process is free (there are some thousand of them), the others are divided
 * among logins: they may take a 16th of the budget, in a small server more, for a single process
 * with many threads.
 */
enum { SAVED_BYTES = 256, SAVED_SHARE = 16, SAVED_LEAST = 2048 };

static struct shares saved_shares;

/* The entry of `tag`; NULL if there is none. */
static struct server_tag *entry_find(struct server *server, uint32_t tag) {
    struct server_tag *entry = &server->tags[tag % TAG_BUCKETS];

    while (entry != NULL && entry->tag != tag) {
        entry = entry->next;
    }
    return entry;
}

/* A new one. NULL: no memory. */
static struct server_tag *entry_make(struct server *server, uint32_t tag) {
    struct server_tag *first = &server->tags[tag % TAG_BUCKETS], *entry = first;

    if (first->tag != 0) {
        entry = recycle_allocate(sizeof *entry);
        if (entry == NULL) {
            return NULL;
        }
        entry->next = first->next;
        first->next = entry;
    }
    entry->tag = tag;
    return entry;
}

static void entry_free(struct server *server, struct server_tag *entry) {
    struct server_tag *before = &server->tags[entry->tag % TAG_BUCKETS];

    if (entry == before) {
        entry->tag = 0;
        return;
    }
    while (before->next != entry) {
        before = before->next;
    }
    before->next = entry->next;
    recycle_free(entry, sizeof *entry);
}

/* Counts one more, if the login may have it. Not inlined: objects are counted more often. */
NOINLINE static bool saved_share_get(uint32_t tag) {
    if (saved_shares.total == 0) {
        saved_shares.total =
            MAX(server_budget_bytes() / SAVED_SHARE / SAVED_BYTES, (uint64_t)SAVED_LEAST);
    }
    return share_try(&saved_shares, tag_login(tag), 1);
}

status_t server_tag_get(struct server *server, uint32_t tag, enum server_tag_count what) {
    if (tag == 0) {
        return OK;
    }
    struct server_tag *entry = entry_find(server, tag);

    if (entry == NULL) {
        entry = entry_make(server, tag);
    }
    if (entry == NULL) {
        return ERROR_NO_MEMORY;
    }
    if (entry->counts[what] >= server->limits[what]) {
        return ERROR_TOO_MANY; /* not new, so it stays */
    }
    if (what == TAG_SAVED && entry->counts[what] != 0 && !saved_share_get(tag)) {
        return ERROR_TOO_MANY; /* nor here */
    }
    entry->counts[what]++;
    return OK;
}

void server_tag_put(struct server *server, uint32_t tag, enum server_tag_count what) {
    struct server_tag *entry = tag == 0 ? NULL : entry_find(server, tag);

    if (entry == NULL) {
        return;
    }
    entry->counts[what]--;
    if (what == TAG_SAVED && entry->counts[what] != 0) {
        share_return(&saved_shares, tag_login(tag), 1);
    }
    for (unsigned i = 0; i < TAG_COUNTS; i++) {
        if (entry->counts[i] != 0) {
            return;
        }
    }
    entry_free(server, entry);
}

/* The one server of the process, remembered for those who hold only a saved reply's handle. */
static struct server *saved_owner;

status_t server_saved_add(struct server *server, handle_t saved, const struct server_saved *entry) {
    if (saved >= server->n_saved) {
        uint32_t n = MAX(saved + 1, MAX(server->n_saved * 2, 16u));
        struct server_saved *grown = realloc(server->saved, n * sizeof *grown);

        if (grown == NULL) {
            return ERROR_NO_MEMORY;
        }
        memset(&grown[server->n_saved], 0, (n - server->n_saved) * sizeof *grown);
        server->saved = grown;
        server->n_saved = n;
    }
    server->saved[saved] = *entry;
    saved_owner = server;
    return OK;
}

void server_saved_remove(handle_t saved) {
    struct server *server = saved_owner;

    if (server != NULL && saved < server->n_saved && server->saved[saved].used) {
        server->saved[saved].used = false;
        server_tag_put(server, server->saved[saved].tag, TAG_SAVED);
    }
}

/* Tells the object that this one is cancelled, if nobody waits for the answer any more. */
static void saved_check(struct server *server, handle_t saved) {
    struct server_saved entry = server->saved[saved];
    struct server_slot *slot;
    struct handle_info info;

    if (sys_handle_info(saved, &info) != ERROR_NO_REPLY) {
        return;
    }
    slot = server_badge_find(server, entry.badge);
    if (slot != NULL && slot->class->cancelled != NULL) {
        slot->class->cancelled(server, slot->object, entry.cookie);
    }
}

/*
 * A killed client sends no CANCEL, so its saved replies would pile up where nothing ever answers
 * them. Told as cancelled, their objects answer them, and find that nobody waits. The kernel says
 * only that there is one: a process with thousands of waiting threads ends in as many steps, so
 * going through all after each would keep the server from its clients.
 */
static void sweep_one(struct server *server) {
    server->sweep_left--;
    server->sweep_at = server->sweep_at + 1 < server->n_saved ? server->sweep_at + 1 : 0;
    if (server->saved[server->sweep_at].used) {
        saved_check(server, server->sweep_at);
    }
}

static void on_sweep(struct server *server, struct server_timer *timer) {
    for (unsigned i = 0; i < SWEEP_STEP && server->sweep_left > 0; i++) {
        sweep_one(server);
    }
    if (server->sweep_left > 0) {
        server_timer_arm(server, timer, time_now_ns() + 1, on_sweep);
    }
}

void server_saved_abandoned(struct server *server) {
    server->sweep_left = server->n_saved; /* all of them once more: it may be one we have passed */
    if (server->sweep_left > 0 && !list_is_linked(&server->sweep.node)) {
        server_timer_arm(server, &server->sweep, time_now_ns(), on_sweep);
    }
}

void server_saved_sweep(struct server *server) {
    while (server->sweep_left > 0) {
        sweep_one(server);
    }
    server_timer_stop(&server->sweep);
}

void server_saved_end(struct server *server, uint64_t badge) {
    for (handle_t saved = 1; saved < server->n_saved; saved++) {
        if (server->saved[saved].used && server->saved[saved].badge == badge) {
            saved_check(server, saved);
        }
    }
}
