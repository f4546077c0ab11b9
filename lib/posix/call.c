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

/* [book:posix-call] */
status_t posix_call(struct message *m) {
    const struct posix_thread *self = thread_self();
    status_t status;

    do {
        status = native_call(m, stop_word(self));
    } while (UNLIKELY(status == ERROR_INTERRUPTED) && !is_ended(self));
    return status;
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
