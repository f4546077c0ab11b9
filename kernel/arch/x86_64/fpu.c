/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/thread.h"

#include "kernel/arch/x86_64/features.h"
#include "lib/base/string.h"

_Static_assert(sizeof(struct fpu_image) == 512, "SDM 1, 10.5.1");
_Static_assert(offsetof(struct fpu_image, mxcsr) == 24, "SDM 1, table 10-2");
_Static_assert(sizeof(((struct upcall_frame *)NULL)->vector_state) == sizeof(struct fpu_image),
               "abi/kernel.h");

#define FCW_DEFAULT        0x37f  /* all exceptions masked, 64-bit precision (SDM 1, 8.1.5) */
#define MXCSR_DEFAULT      0x1f80 /* all exceptions masked (SDM 1, 10.2.3) */
#define MXCSR_MASK_DEFAULT 0xffbf /* where FXSAVE stores 0 as the mask (SDM 1, 11.6.6) */

static uint32_t mxcsr_mask;

static void image_store(struct fpu_image *image) {
    __asm__ volatile("fxsave64 %0" : "=m"(*image));
}

/*
 * AMD processors without RstrFpErrPtrs restore the address of the last x87 instruction only if an
 * exception is pending (APM 5, FXRSTOR), so that of the last thread would be seen. Loading any
 * number sets it; clear exceptions first, or the load raises them, and free a register for it.
 */
static void image_load(const struct fpu_image *image) {
    static const uint32_t any_number;

    if (UNLIKELY(arch_features.fxsave_leaks)) {
        __asm__ volatile("fnclex\n\temms\n\tfildl %0" : : "m"(any_number));
    }
    __asm__ volatile("fxrstor64 %0" : : "m"(*image));
}

void fpu_init_cpu(struct cpu *cpu) {
    memset(&cpu->fpu_clean, 0, sizeof(cpu->fpu_clean));
    image_store(&cpu->fpu_clean);
    mxcsr_mask = cpu->fpu_clean.mxcsr_mask != 0 ? cpu->fpu_clean.mxcsr_mask : MXCSR_MASK_DEFAULT;
    memset(&cpu->fpu_clean, 0, sizeof(cpu->fpu_clean));
    cpu->fpu_clean.fcw = FCW_DEFAULT;
    cpu->fpu_clean.mxcsr = MXCSR_DEFAULT;
    cpu->fpu_owner = NULL;
    image_load(&cpu->fpu_clean);
}

void fpu_init_thread(struct thread *thread) {
    thread->fpu.image.fcw = FCW_DEFAULT;
    thread->fpu.image.mxcsr = MXCSR_DEFAULT;
    thread->fpu.cpu = NULL;
    thread->fpu.kept = FPU_CALL;
}

void fpu_save(struct thread *thread) {
    if (thread->fpu.kept == FPU_LIVE) {
        image_store(&thread->fpu.image);
        thread->fpu.kept = FPU_IMAGE;
    }
}

void fpu_load(struct thread *thread) {
    struct cpu *cpu = cpu_this();
    struct fpu_state *fpu = &thread->fpu;

    if (cpu->fpu_owner != thread || fpu->cpu != cpu) {
        if (fpu->kept == FPU_CALL) {
            cpu->fpu_clean.fcw = fpu->image.fcw;
            cpu->fpu_clean.mxcsr = fpu->image.mxcsr;
            image_load(&cpu->fpu_clean);
        } else {
            image_load(&fpu->image);
        }
        cpu->fpu_owner = thread;
        fpu->cpu = cpu;
    }
    fpu->kept = FPU_LIVE;
}

/* After this the image holds all of the state; what is live stays so. */
static void image_complete(struct fpu_state *fpu) {
    if (fpu->kept == FPU_LIVE) {
        image_store(&fpu->image);
    } else if (fpu->kept == FPU_CALL) {
        uint16_t fcw = fpu->image.fcw;
        uint32_t mxcsr = fpu->image.mxcsr;

        memset(&fpu->image, 0, sizeof(fpu->image));
        fpu->image.fcw = fcw;
        fpu->image.mxcsr = mxcsr;
        fpu->kept = FPU_IMAGE;
        fpu->cpu = NULL;
    }
}

void fpu_copy(struct thread *to, struct thread *from) {
    fpu_init_thread(to);
    if (from->fpu.kept == FPU_LIVE) {
        fpu_store_control(&to->fpu.image);
    } else {
        to->fpu.image.fcw = from->fpu.image.fcw;
        to->fpu.image.mxcsr = from->fpu.image.mxcsr;
    }
}

void fpu_export(struct thread *thread, void *vector_state) {
    image_complete(&thread->fpu);
    memcpy(vector_state, &thread->fpu.image, sizeof(thread->fpu.image));
}

void fpu_import(struct thread *thread, const void *vector_state) {
    struct fpu_state *fpu = &thread->fpu;
    bool live = fpu->kept == FPU_LIVE;

    memcpy(&fpu->image, vector_state, sizeof(fpu->image));
    fpu->image.mxcsr &= mxcsr_mask; /* a reserved bit would be a fault of the kernel */
    fpu->kept = FPU_IMAGE;
    fpu->cpu = NULL;
    if (live) {
        fpu_load(thread);
    }
}
