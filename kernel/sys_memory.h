/* SPDX-License-Identifier: MIT */
#pragma once

#include "kernel/thread.h"

/* PROCESS_DISCARD of process_control: drops the private pages in [rdx, r10) of the own
 * space, in steps. */
WARN_UNUSED status_t process_discard(struct thread *thread);
