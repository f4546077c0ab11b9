/* SPDX-License-Identifier: MIT */
/* Stand-in on the host: the vector registers are the test's own, and are neither saved nor loaded.
 */
#pragma once

#define fpu_image_store      fpu_image_store_of_kernel
#define fpu_restore          fpu_restore_of_kernel
#define fpu_save             fpu_save_of_kernel
#define arch_thread_activate arch_thread_activate_of_kernel
#include_next "kernel/arch/x86_64/thread.h"
#undef fpu_image_store
#undef fpu_restore
#undef fpu_save
#undef arch_thread_activate

static inline void fpu_image_store(struct fpu_image *image) {
    *image = fpu_clean;
}

static inline void fpu_restore(const struct fpu_image *image) {
    (void)image;
}

static inline void fpu_save(struct thread *thread) {
    if (registers_are_user(&thread->registers)) {
        fpu_image_store(&thread->fpu);
        thread->fpu_kept = FPU_IMAGE;
    }
}

static inline void arch_thread_activate(struct thread *next, paddr_t root) {
    struct cpu *cpu = cpu_this();

    cpu->current = next;
    if (cpu->space_root != root && root != 0) {
        arch_space_load(root);
    }
}
