/* SPDX-License-Identifier: MIT */
#include "lib/native/watch.h"

#include <stdlib.h>

#include "abi/generated/file.h"
#include "abi/tag.h"
#include "lib/base/share.h"
#include "lib/native/server_state.h"
#include "lib/native/syscall.h"

struct watch {
    struct list_node node; /* oldest first */
    uint32_t tag;
    uint32_t key;
    uint32_t events;
    handle_t gate;
};

enum { EVENTS_ALWAYS = FILE_EVENT_ERROR | FILE_EVENT_HANGUP };

/* What one takes, its gate's handle with it, and what of the budget all may. */
enum { WATCH_BYTES = 128, WATCHES_SHARE = 16 };

/* The watches in all lists; services' count for nobody. */
static struct shares shares;

static bool watch_count(uint32_t tag) {
    if (tag == 0) {
        return true;
    }
    if (shares.total == 0) {
        shares.total = server_budget_bytes() / WATCHES_SHARE / WATCH_BYTES;
    }
    return share_try(&shares, tag_login(tag), 1);
}

static void watch_uncount(uint32_t tag) {
    if (tag != 0) {
        share_return(&shares, tag_login(tag), 1);
    }
}

void watch_init(struct watch_list *list) {
    list_init(&list->watches);
    list->n_untagged = 0;
}

/* Forgets a watch, notifying it first unless events is 0. */
static void watch_end(struct watch_list *list, struct watch *watch, uint32_t events) {
    if (events != 0) {
        status_t status = sys_notify(watch->gate, events);
        (void)status; /* CLOSED: nobody is interested any more */
    }
    server_handle_close(watch->gate);
    watch_uncount(watch->tag);
    list->n_untagged -= watch->tag == 0;
    list_remove(&watch->node);
    free(watch);
}

/* A service's, which counts for nobody, gives way to another. */
static void watch_end_untagged(struct watch_list *list) {
    struct watch *watch;

    LIST_FOR_EACH_SAFE(watch, &list->watches, node) {
        if (watch->tag == 0) {
            watch_end(list, watch, FILE_EVENT_AGAIN);
            return;
        }
    }
}

static void watch_remove(struct watch_list *list, uint32_t tag, uint32_t key) {
    struct watch *watch;

    LIST_FOR_EACH_SAFE(watch, &list->watches, node) {
        if (watch->tag == tag && watch->key == key) {
            watch_end(list, watch, 0);
            return;
        }
    }
}

/* Whoever ended while it waited has left its watch here. The oldest are looked at each time that
 * one is added, and all when there is no more room, so they do not pile up until something happens.
 */
static void watch_drop_dead(struct watch_list *list, bool all) {
    struct watch *watch;

    LIST_FOR_EACH_SAFE(watch, &list->watches, node) {
        if (sys_notify(watch->gate, 0) == ERROR_CLOSED) {
            watch_end(list, watch, 0);
        } else if (!all) {
            return;
        }
    }
}

status_t watch_arm(struct watch_list *list, struct request *request, uint32_t events, uint32_t key,
                   handle_t gate, uint32_t events_now, uint32_t *ready) {
    watch_remove(list, request->tag, key);
    *ready = events_now & (events | EVENTS_ALWAYS);
    if (*ready != 0 || gate == HANDLE_NONE) {
        return OK;
    }
    watch_drop_dead(list, false);
    if (request->tag == 0 && list->n_untagged == WATCH_UNTAGGED_MAX) {
        watch_end_untagged(list);
    }
    if (!watch_count(request->tag)) {
        watch_drop_dead(list, true);
        if (!watch_count(request->tag)) {
            return ERROR_TOO_MANY;
        }
    }
    struct watch *watch = malloc(sizeof *watch);
    if (watch == NULL) {
        watch_uncount(request->tag);
        return ERROR_NO_MEMORY;
    }
    *watch = (struct watch){.tag = request->tag,
                            .key = key,
                            .events = events | EVENTS_ALWAYS,
                            .gate = request_keep(request, gate)};
    list_push_back(&list->watches, &watch->node);
    list->n_untagged += request->tag == 0;
    return OK;
}

void watch_changed(struct watch_list *list, uint32_t events_now) {
    struct watch *watch;

    LIST_FOR_EACH_SAFE(watch, &list->watches, node) {
        if ((watch->events & events_now) != 0) {
            watch_end(list, watch, watch->events & events_now);
        }
    }
}

void watch_clear(struct watch_list *list) {
    while (!list_is_empty(&list->watches)) {
        watch_end(list, LIST_FIRST(&list->watches, struct watch, node), FILE_EVENT_HANGUP);
    }
}
