/* SPDX-License-Identifier: MIT */
/* kernel/frame.c as it is, around which AddressSanitizer is told which frames are free. */
#include <sanitizer/asan_interface.h>

#define frame_take        frame_take_of_kernel
#define frame_take_zeroed frame_take_zeroed_of_kernel
#define frame_take_run    frame_take_run_of_kernel
#define frame_free        frame_free_of_kernel
#define frame_put_zeroed  frame_put_zeroed_of_kernel
#include "kernel/frame.c"
#undef frame_take
#undef frame_take_zeroed
#undef frame_take_run
#undef frame_free
#undef frame_put_zeroed

paddr_t frame_take(void);
paddr_t frame_take_zeroed(void);
enum frame_run_result frame_take_run(uint64_t n, uint64_t *below, paddr_t *start);
void frame_free(paddr_t frame);
void frame_put_zeroed(paddr_t frame);

static paddr_t frames_taken(paddr_t frame, uint64_t n) {
    if (frame != PADDR_NONE) {
        ASAN_UNPOISON_MEMORY_REGION(paddr_to_pointer(frame), n * PAGE_SIZE);
    }
    return frame;
}

paddr_t frame_take(void) {
    return frames_taken(frame_take_of_kernel(), 1);
}

paddr_t frame_take_zeroed(void) {
    return frames_taken(frame_take_zeroed_of_kernel(), 1);
}

enum frame_run_result frame_take_run(uint64_t n, uint64_t *below, paddr_t *start) {
    enum frame_run_result result = frame_take_run_of_kernel(n, below, start);

    if (result == FRAME_RUN_TAKEN) {
        frames_taken(*start, n);
    }
    return result;
}

void frame_free(paddr_t frame) {
    frame_free_of_kernel(frame);
    ASAN_POISON_MEMORY_REGION(paddr_to_pointer(frame), PAGE_SIZE);
}

void frame_put_zeroed(paddr_t frame) {
    const uint64_t *words = paddr_to_pointer(frame);

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
        ASSERT(words[i] == 0);
    }
    frame_put_zeroed_of_kernel(frame);
    ASAN_POISON_MEMORY_REGION(paddr_to_pointer(frame), PAGE_SIZE);
}
