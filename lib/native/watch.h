/* SPDX-License-Identifier: MIT */
/*
 * The watch list of one open file, for the `watch` message of protocol file: who is to be told when
 * which events come true.
 *
 *     status = watch_arm(&file->watches, request, events, key, gate, events_now, &ready);   in the
 * handler watch_changed(&file->watches, events_now); whenever they may have come true
 *     watch_clear(&file->watches);                                                          in
 * `closed`
 */
#pragma once

#include "lib/base/list.h"
#include "lib/native/request.h"

/* Watches of services per list; the oldest gives way, notified that it must ask again. Those of
 * programs are limited by what their login may have. */
enum { WATCH_UNTAGGED_MAX = 32 };

struct watch_list {
    struct list watches;
    uint32_t n_untagged; /* of these, with tag 0 */
};

void watch_init(struct watch_list *list);

/*
 * Answers in *ready which of `events` hold (error and hang-up always count). If none does and the
 * request brought a gate, keeps it (under the caller's tag and `key`, in place of an earlier one)
 * to notify it once with the events. With HANDLE_NONE the watch of that key is taken away.
 * TOO_MANY: the login has its share (lib/base/share.h) of what a 16th of the budget holds.
 */
WARN_UNUSED status_t watch_arm(struct watch_list *list, struct request *request, uint32_t events,
                               uint32_t key, handle_t gate, uint32_t events_now, uint32_t *ready);

/* Notifies, and forgets, every watch that waits for one of these events. */
void watch_changed(struct watch_list *list, uint32_t events_now);

/* Notifies all with hang-up, and forgets them. */
void watch_clear(struct watch_list *list);
