/* SPDX-License-Identifier: MIT */
#include "lib/posix/call.h"

#include "lib/base/string.h"
#include "lib/native/block.h"
#include "lib/posix/thread.h"

/* What blocking calls of this thread look at: NULL if nothing may end them. */
static const volatile uint32_t *stop_word(const struct posix_thread *self) {
    return self->slow != CALL_FAST || self->cancel != NULL ? &self->interrupt : NULL;
}

static bool is_ended(const struct posix_thread *self) {
    const volatile uint32_t *stop = stop_word(self);

    return stop != NULL && *stop != 0;
}

/* What an answer overwrites of a request. */
struct request_part {
    uint32_t label;
    uint64_t words[MESSAGE_WORDS];
    uint64_t control;
    handle_t handles[MESSAGE_HANDLES_MAX];
};

static ALWAYS_INLINE void request_keep(struct request_part *part, const struct message *m) {
    part->label = m->label;
    memcpy(part->words, m->words, sizeof part->words);
    part->control = m->control;
    memcpy(part->handles, m->handles, sizeof part->handles);
}

static void request_restore(struct message *m, const struct request_part *part) {
    m->label = part->label;
    memcpy(m->words, part->words, sizeof m->words);
    m->control = part->control;
    memcpy(m->handles, part->handles, sizeof m->handles);
}

/* [book:posix-call] */
status_t posix_call(struct message *m) {
    const struct posix_thread *self = thread_self();
    struct request_part request;

    request_keep(&request, m);

    for (;;) {
        status_t status = native_message(SYSCALL_call, m, stop_word(self));
        bool was_interrupted = status == ERROR_INTERRUPTED ||
                               (status == OK && (status_t)m->label == ERROR_INTERRUPTED);

        if (!was_interrupted || is_ended(self)) {
            return status;
        }
        request_restore(m, &request);
    }
}
/* [/book] */

status_t posix_futex_wait(const volatile uint32_t *address, uint32_t expected, uint64_t deadline,
                          uint32_t flags) {
    const struct posix_thread *self = thread_self();

    for (;;) {
        status_t status = native_futex_wait(address, expected, deadline, flags, stop_word(self));

        if (status != ERROR_INTERRUPTED || is_ended(self)) {
            return status;
        }
    }
}
