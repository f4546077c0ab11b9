/* SPDX-License-Identifier: MIT */
/*
 * How the C library keeps signals out of its own critical moments: the mask is a word of the
 * thread, changed in place. Nobody else is told, as the program will never look for a signal behind
 * such a mask; those that it sets itself go through sigprocmask.
 */
#include "hooks.h"
#include "pthread_impl.h"

/* Cancellation, timers with threads and setuid use signals that programs do not have. */
#define LIBRARY_SIGNALS (1UL << (SIGTIMER - 1) | 1UL << (SIGCANCEL - 1) | 1UL << (SIGSYNCCALL - 1))

void __block_all_sigs(void *old) {
    __euralios_mask_add(~0UL, old);
}

void __block_app_sigs(void *old) {
    __euralios_mask_add(~LIBRARY_SIGNALS, old);
}

void __restore_sigs(void *old) {
    __euralios_mask_restore(old);
}
