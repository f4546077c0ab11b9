/* SPDX-License-Identifier: MIT */
/* The one program that the kernel loads itself: bin/init of the boot archive. All others are
 * started from user space. */
#pragma once

struct boot_info;

/* Makes the process, its memory, stack and start block, and makes it ready. Panics with a clear
 * text if anything is wrong. */
void loader_start_init(const struct boot_info *boot);
