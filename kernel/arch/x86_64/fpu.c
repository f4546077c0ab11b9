/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/thread.h"

#include "lib/base/string.h"

_Static_assert(sizeof(struct fpu_image) == 512, "SDM 1, 10.5.1");
_Static_assert(offsetof(struct fpu_image, mxcsr) == 24, "SDM 1, table 10-2");
_Static_assert(sizeof(((struct upcall_frame *)NULL)->vector_state) == sizeof(struct fpu_image),
               "abi/kernel.h");

#define FCW_DEFAULT        0x37f  /* all exceptions masked, 64-bit precision (SDM 1, 8.1.5) */
#define MXCSR_DEFAULT      0x1f80 /* all exceptions masked (SDM 1, 10.2.3) */
#define MXCSR_MASK_DEFAULT 0xffbf /* where FXSAVE stores 0 as the mask (SDM 1, 11.6.6) */

const struct fpu_image fpu_clean = {.fcw = FCW_DEFAULT, .mxcsr = MXCSR_DEFAULT};

static uint32_t mxcsr_mask;

void fpu_init_cpu(void) {
    struct fpu_image image;

    memset(&image, 0, sizeof(image));
    fpu_image_store(&image);
    mxcsr_mask = image.mxcsr_mask != 0 ? image.mxcsr_mask : MXCSR_MASK_DEFAULT;
    fpu_restore(&fpu_clean);
}

void fpu_init_thread(struct thread *thread) {
    thread->fpu.fcw = FCW_DEFAULT;
    thread->fpu.mxcsr = MXCSR_DEFAULT;
}

void fpu_clean_thread(struct thread *thread) {
    thread->fpu = fpu_clean;
    thread->fpu_kept = FPU_CALL;
}

void fpu_export(struct thread *thread, void *vector_state) {
    if (thread == cpu_this()->current) {
        fpu_image_store(&thread->fpu);
        thread->fpu_kept = FPU_IMAGE;
    }
    memcpy(vector_state, &thread->fpu, sizeof(thread->fpu));
}

void fpu_import(struct thread *thread, const void *vector_state) {
    struct fpu_image *image = &thread->fpu;

    memcpy(image, vector_state, sizeof(*image));
    image->mxcsr &= mxcsr_mask; /* a reserved bit would be a fault of the kernel */
    thread->fpu_kept = FPU_IMAGE;
    if (thread == cpu_this()->current) {
        fpu_restore(image);
    }
}
