/* SPDX-License-Identifier: MIT */
/*
 * x87 and SSE state. Eager: a thread that runs in user mode has its own state in the processor,
 * always; CR0.TS is never set. The kernel itself uses no such register. AVX is not enabled.
 *
 * The newest state of a thread is where `kept` says:
 *   FPU_LIVE   in the registers of the processor `cpu`
 *   FPU_IMAGE  in `image`, all of it (pre-empted, or given by a program)
 *   FPU_CALL   only mxcsr and fcw count: it waits in a system call, which loses vector registers as
 * any C call does The processor's registers may still hold what a thread that is IMAGE or CALL had:
 * cpu_this()->fpu_owner, if that thread's `cpu` is this one. Loading is skipped then.
 */
#pragma once

#include "kernel/types.h"

struct cpu;
struct thread;

enum fpu_kept { FPU_CALL = 0, FPU_IMAGE = 1, FPU_LIVE = 2 };

/* FXSAVE area, 64-bit form (SDM 1, 10.5.1). */
struct fpu_image {
    uint16_t fcw;
    uint8_t before_mxcsr[22];
    uint32_t mxcsr;
    uint32_t mxcsr_mask;
    uint8_t registers[480];
} ALIGNED(16);

struct fpu_state {
    struct fpu_image image;
    struct cpu *cpu; /* where it was loaded last; NULL: must be loaded */
    uint32_t kept;   /* enum fpu_kept */
};

/* Finds out the processor's MXCSR mask and makes the clean state. Once per CPU, CR0 and CR4 set. */
void fpu_init_cpu(struct cpu *cpu);

/* A clean state: default control words, everything else zero. Also needed before memory of a thread
 * is used anew. */
void fpu_init_thread(struct thread *thread);

/* Saves all of the state of `thread` if it is live on this CPU; arch_thread_activate does it. */
void fpu_save(struct thread *thread);

static inline void fpu_store_control(struct fpu_image *image) {
    __asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(image->fcw), "=m"(image->mxcsr));
}

/* Makes the processor's registers those of `thread`, unless they are. What they held before must
 * have been kept. arch_thread_activate does it. */
void fpu_load(struct thread *thread);

/* The child of a fork gets what a C call keeps of the caller's state: MXCSR and FCW. `from` is the
 * current thread. */
void fpu_copy(struct thread *to, struct thread *from);

/* To and from the vector_state of an upcall frame (512 bytes, any alignment). `thread` is current,
 * or not running. Any bytes will do: reserved bits of MXCSR are cleared. */
void fpu_export(struct thread *thread, void *vector_state);
void fpu_import(struct thread *thread, const void *vector_state);
