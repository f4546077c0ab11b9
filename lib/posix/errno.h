/* SPDX-License-Identifier: MIT */
/*
 * Status codes of the system as errno values.
 */
#pragma once

#include "lib/native/syscall.h"

/* Minus an errno for an error, 0 for OK. */
int errno_from_status(status_t status);

/* For what may fail without anything that could be done about it; say at the place why. */
static inline void status_ignore(status_t status) {
    (void)status;
}

/* Closes a handle that is ours; it can only fail if it was not. */
static inline void handle_drop(handle_t handle) {
    status_ignore(sys_handle_close(handle));
}

/* For results: value if the status is OK. */
static inline long errno_or(status_t status, long value) {
    return status == OK ? value : errno_from_status(status);
}
