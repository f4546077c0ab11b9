/* SPDX-License-Identifier: MIT */
/* The kernel's only build switch: `make DEBUG=1` defines KERNEL_DEBUG. Both branches always compile. */
#pragma once

#ifdef KERNEL_DEBUG
#define DEBUG_KERNEL 1
#else
#define DEBUG_KERNEL 0
#endif
