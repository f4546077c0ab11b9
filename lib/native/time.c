/* SPDX-License-Identifier: MIT */
#include "lib/native/time.h"

#include "lib/native/block.h"

void time_sleep_until(uint64_t deadline) {
    static const volatile uint32_t nobody_wakes;

    /* The word never changes and nobody knows it: this ends with TIMEOUT, or with an upcall's
     * INTERRUPTED. */
    status_t status = native_futex_wait(&nobody_wakes, 0, deadline, 0, NULL);
    (void)status;
}
