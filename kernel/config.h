/* SPDX-License-Identifier: MIT */
/* The kernel's only build switch: `make DEBUG=1`. It is a constant, not an #if: both branches
 * always compile. */
#pragma once

#define DEBUG_KERNEL DEBUG
