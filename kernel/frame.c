/* SPDX-License-Identifier: MIT */
#include "kernel/frame.h"

#include "boot/boot_info.h"
#include "kernel/arch/x86_64/page_table.h"
#include "kernel/debug/check.h"
#include "kernel/kernel_threads.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

/* What the boot code mapped directly. */
#define BOOT_MAPPED     (4 * GiB)
#define ZEROED_POOL_MAX 256
/* The scrubber is woken when so few are left. */
#define ZEROED_POOL_LOW 192
/* The scrubber leaves the last frames alone. */
#define SCRUB_MIN_FREE 256

/* Words of the bitmap looked at for a run in one step. */
#define RUN_STEP_WORDS 64

static struct frame_allocator allocator;
static uint64_t n_total;
static paddr_t zeroed_pool[ZEROED_POOL_MAX];
static uint32_t n_zeroed;

uint32_t *frame_references;

/* The largest usable range below the boot mapping in which `size` bytes are free of kernel image
 * and boot archive. */
static paddr_t metadata_place(const struct boot_info *boot, uint64_t size) {
    paddr_t image_end = ALIGN_UP((uint64_t)kernel_end - KERNEL_BASE, PAGE_SIZE);
    paddr_t archive_start = ALIGN_DOWN(boot->archive_paddr, PAGE_SIZE);
    paddr_t archive_end = ALIGN_UP(boot->archive_paddr + boot->archive_size, PAGE_SIZE);

    for (uint32_t i = 0; i < boot->n_ranges; i++) {
        const struct boot_range *range = &boot->ranges[i];
        paddr_t start = MAX(ALIGN_UP(range->start, PAGE_SIZE), image_end);
        paddr_t end = MIN(ALIGN_DOWN(range->end, PAGE_SIZE), BOOT_MAPPED);

        if (range->type != BOOT_RANGE_USABLE) {
            continue;
        }
        if (start < archive_end && archive_start < start + size) {
            start = archive_end;
        }
        if (start < end && end - start >= size) {
            return start;
        }
    }
    panic("no %llu KiB of contiguous memory for the frame table", (unsigned long long)size / 1024);
}

static uint64_t highest_frame(const struct boot_info *boot) {
    uint64_t highest = 0;

    for (uint32_t i = 0; i < boot->n_ranges; i++) {
        if (boot->ranges[i].type == BOOT_RANGE_USABLE) {
            highest = MAX(highest, boot->ranges[i].end / PAGE_SIZE);
        }
    }
    return highest;
}

/* Adds the whole frames of usable ranges between `from` and `to`. */
static void add_usable(const struct boot_info *boot, paddr_t from, paddr_t to) {
    for (uint32_t i = 0; i < boot->n_ranges; i++) {
        const struct boot_range *range = &boot->ranges[i];
        paddr_t start = MAX(ALIGN_UP(range->start, PAGE_SIZE), from);
        paddr_t end = MIN(ALIGN_DOWN(range->end, PAGE_SIZE), to);

        if (range->type == BOOT_RANGE_USABLE && start < end) {
            if (!frame_allocator_give_run(&allocator, start / PAGE_SIZE,
                                          (end - start) / PAGE_SIZE)) {
                panic("memory map: range %u overlaps another", i);
            }
            n_total += (end - start) / PAGE_SIZE;
        }
    }
}

static void reserve(paddr_t start, paddr_t end) {
    frame_allocator_reserve(&allocator, start / PAGE_SIZE,
                            DIV_ROUND_UP(end, PAGE_SIZE) - start / PAGE_SIZE);
}

void frame_init(const struct boot_info *boot) {
    uint64_t n_frames = highest_frame(boot);
    uint64_t bitmap_size = ALIGN_UP(frame_allocator_metadata_size(n_frames), PAGE_SIZE);
    uint64_t table_size = ALIGN_UP(n_frames * sizeof(*frame_references), PAGE_SIZE);
    paddr_t metadata = metadata_place(boot, bitmap_size + table_size);

    frame_allocator_init(&allocator, paddr_to_pointer(metadata), n_frames);
    frame_references = paddr_to_pointer(metadata + bitmap_size);
    memset(frame_references, 0, table_size);
    add_usable(boot, PAGE_SIZE, BOOT_MAPPED);
    /* The first 64 KiB hold firmware data that some machines still use. */
    reserve(0, 0x10000);
    reserve((uint64_t)kernel_text_start - KERNEL_BASE, (uint64_t)kernel_end - KERNEL_BASE);
    reserve(metadata, metadata + bitmap_size + table_size);
    if (boot->archive_size != 0) {
        reserve(boot->archive_paddr, boot->archive_paddr + boot->archive_size);
    }
    page_table_init(boot);
    add_usable(boot, BOOT_MAPPED, UINT64_MAX);
}

static inline paddr_t pool_take(void) {
    paddr_t frame = zeroed_pool[--n_zeroed];

    *frame_count(frame) = 1;
    return frame;
}

static inline paddr_t allocator_take(void) {
    uint64_t frame = frame_allocator_take(&allocator);

    if (UNLIKELY(frame == FRAME_NONE)) {
        return PADDR_NONE;
    }
    frame_references[frame] = 1;
    return frame << PAGE_SHIFT;
}

paddr_t frame_take(void) {
    paddr_t frame = allocator_take();

    return UNLIKELY(frame == PADDR_NONE) && n_zeroed != 0 ? pool_take() : frame;
}

paddr_t frame_take_zeroed(void) {
    paddr_t frame;

    if (LIKELY(n_zeroed != 0)) {
        frame = pool_take();
        if (n_zeroed == ZEROED_POOL_LOW) {
            scrubber_wake();
        }
        return frame;
    }
    frame = allocator_take();
    if (LIKELY(frame != PADDR_NONE)) {
        arch_frame_zero(frame);
    }
    return frame;
}

enum frame_run_result frame_take_run(uint64_t n, uint64_t *below, paddr_t *start) {
    uint64_t first = 0;
    enum frame_run_result result =
        frame_allocator_take_run_step(&allocator, n, below, RUN_STEP_WORDS, &first);

    *start = first << PAGE_SHIFT;
    return result;
}

#define FRAME_POISON 0xf7

void frame_free(paddr_t frame) {
    if (DEBUG_KERNEL) {
        memset(paddr_to_pointer(frame), FRAME_POISON, PAGE_SIZE);
    }
    if (!frame_allocator_give(&allocator, frame >> PAGE_SHIFT)) {
        panic("frame %#llx freed twice", (unsigned long long)frame);
    }
}

void frame_put_zeroed(paddr_t frame) {
    if (DEBUG_KERNEL) {
        debug_fill_check(paddr_to_pointer(frame), PAGE_SIZE, 0);
    }
    ASSERT(*frame_count(frame) == 1);
    *frame_count(frame) = 0;
    if (n_zeroed < ZEROED_POOL_MAX) {
        zeroed_pool[n_zeroed++] = frame;
    } else {
        frame_free(frame);
    }
}

bool frame_scrub(void) {
    uint64_t frame;

    if (n_zeroed == ZEROED_POOL_MAX || allocator.n_free < SCRUB_MIN_FREE) {
        return false;
    }
    frame = frame_allocator_take(&allocator);
    arch_frame_zero(frame << PAGE_SHIFT);
    zeroed_pool[n_zeroed++] = frame << PAGE_SHIFT;
    return true;
}

uint64_t frame_n_total(void) {
    return n_total;
}

uint64_t frame_n_free(void) {
    return allocator.n_free + n_zeroed;
}

bool frame_is_ram(paddr_t start, paddr_t end) {
    for (uint32_t i = 0; i < boot_info_kept->n_ranges; i++) {
        const struct boot_range *range = &boot_info_kept->ranges[i];

        if (range->type == BOOT_RANGE_USABLE && start < range->end && range->start < end) {
            return true;
        }
    }
    return false;
}
