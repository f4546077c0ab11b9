/* SPDX-License-Identifier: MIT */
#include "kernel/info.h"

#include "abi/kernel.h"
#include "kernel/arch/x86_64/clock.h"
#include "kernel/frame.h"
#include "kernel/panic.h"

paddr_t info_page_frame;

static struct info_page *page(void) {
    return paddr_to_pointer(info_page_frame);
}

void info_init(void) {
    info_page_frame = frame_take_zeroed();
    if (info_page_frame == PADDR_NONE) {
        panic("no memory for the info page");
    }
    arch_clock_fill(page());
}

void info_set_wall(int64_t offset_ns) {
    struct info_page *info = page();

    /* Odd while it changes: a reader that meets it tries again. */
    info->sequence++;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    info->wall_offset_ns = offset_ns;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    info->sequence++;
}
