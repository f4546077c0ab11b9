/* SPDX-License-Identifier: MIT */
/*
 * The way to the proc server. All of it fails with NO_SERVICE in a program that was not given
 * /proc: it then has no children to wait for, and no signals but its own.
 */
#pragma once

#include "lib/posix/call.h"
#include "abi/generated/proc.h"

/* HANDLE_NONE if there is none. */
handle_t proc_gate(void);

WARN_UNUSED status_t proc_call_set_handled(uint64_t handled, uint64_t ignored);
WARN_UNUSED status_t proc_call_stop(uint32_t signal);

/* From inside an upcall: waits a short while at most. */
void proc_send_held(uint64_t signals);
