/* SPDX-License-Identifier: MIT */
/* The reaper: a kernel thread that finishes what takes many steps (dead processes, large memory
 * objects, dead endpoints). */
#pragma once

#include "kernel/object.h"

/* Queues work; its `step` is called under the kernel lock until it says that all is done. */
void reaper_add(struct reapable *reapable);

/* Its deadline has passed: work has waited for long, behind threads of a higher priority. */
void reaper_is_late(void);
