/* SPDX-License-Identifier: MIT */
/*
 * The battery-backed clock (MC146818, "CMOS").
 */
#pragma once

#include "kernel/types.h"

/* Seconds since 1970-01-01 00:00:00, the clock being taken as UTC; 0 if there is no clock, or it
 * shows nonsense. Waits at most about 20 ms, if an update of the clock is under way. */
uint64_t rtc_read(void);
