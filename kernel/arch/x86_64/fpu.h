/* SPDX-License-Identifier: MIT */
/*
 * x87 and SSE state. Eager: a thread that runs in user mode has its own state in the processor,
 * always; CR0.TS is never set. The kernel itself uses no such register. AVX is not enabled.
 *
 * Invariant: while a user thread is current, its newest state is in its CPU. That of all others is
 * where `fpu_kept` says:
 * - FPU_CALL: it gave up the CPU in a system call, which loses vector registers as any C call does:
 *   the image holds its mxcsr and fcw, and is clean in all else;
 * - FPU_IMAGE: in the image, all of it (pre-empted, or given by a program).
 * So one FXRSTOR loads either, and a thread that makes one call after the other stores two control
 * words each time. Nothing is remembered of who ran on a CPU before: threads move.
 */
#pragma once

#include "kernel/types.h"

struct thread;

enum fpu_kept { FPU_CALL = 0, FPU_IMAGE = 1 };

/* FXSAVE area, 64-bit form (SDM 1, 10.5.1). */
struct fpu_image {
    uint16_t fcw;
    uint8_t before_mxcsr[22];
    uint32_t mxcsr;
    uint32_t mxcsr_mask;
    uint8_t registers[480];
} ALIGNED(16);

/* Default control words, everything else 0. */
extern const struct fpu_image fpu_clean;

/* Finds out the processor's MXCSR mask, and loads the clean state. CR0 and CR4 are set. */
void fpu_init_cpu(void);

/* A clean state for a new thread, whose structure is zeros. */
void fpu_init_thread(struct thread *thread);

/* The same for one that begins anew. The current one must then go through arch_thread_activate. */
void fpu_clean_thread(struct thread *thread);

/* What a C call keeps of the current thread's state. */
static inline void fpu_store_control(struct fpu_image *image) {
    __asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(image->fcw), "=m"(image->mxcsr));
}

/* To and from the vector_state of an upcall frame (512 bytes, any alignment). `thread` is current,
 * or not running. Any bytes will do: reserved bits of MXCSR are cleared. */
void fpu_export(struct thread *thread, void *vector_state);
void fpu_import(struct thread *thread, const void *vector_state);
