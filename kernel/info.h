/* SPDX-License-Identifier: MIT */
/* The info page, one for all: see struct info_page in abi/kernel.h. */
#pragma once

#include "kernel/types.h"

extern paddr_t info_page_frame;

/* Makes and fills the page; the clock is running. */
void info_init(void);

/* Sets the wall clock. */
void info_set_wall(int64_t offset_ns);
