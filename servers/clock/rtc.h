/* SPDX-License-Identifier: MIT */
/*
 * The battery-backed clock (MC146818, "CMOS").
 */
#pragma once

#include "lib/native/driver.h"

/*
 * Seconds since 1970-01-01 00:00:00, the clock being taken as UTC; 0 if there is none, or it shows
 * nonsense. `ports` are its two. Blocks for at most about 20 ms, if the clock is just going on by a
 * second.
 */
uint64_t rtc_read(const struct driver_ports *ports);
