/* SPDX-License-Identifier: MIT */
/* Stand-in on the host: the kernel's image is 64 KiB of numbers at 1 MiB. */
#pragma once

#include_next "boot/boot_info.h"

#define kernel_text_start   ((char *)0xffffffff80100000)
#define kernel_text_end     ((char *)0xffffffff80108000)
#define kernel_rodata_start kernel_text_end
#define kernel_rodata_end   ((char *)0xffffffff8010c000)
#define kernel_data_start   kernel_rodata_end
#define kernel_end          ((char *)0xffffffff80110000)
