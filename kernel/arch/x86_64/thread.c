/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/thread.h"

#include "kernel/lock.h"
#include "kernel/process.h"

#define OFFSET(name, structure, member, offset)                                                    \
    _Static_assert(offsetof(struct structure, member) == (offset), #name);
#define NUMBER(name, value, truth) _Static_assert(truth, #name);
#include "kernel/arch/x86_64/offsets.def"
#undef OFFSET
#undef NUMBER
_Static_assert(_Alignof(struct thread) >= 16, "interrupts push at multiples of 16");

status_t arch_thread_set_fs_base(struct thread *thread, uint64_t fs_base) {
    if (fs_base >= USER_TOP) {
        return ERROR_BAD_ADDRESS; /* a non-canonical one would be a fault of the kernel */
    }
    if (thread->state == THREAD_RUNNING && thread != cpu_this()->current) {
        return ERROR_BAD_STATE; /* the register is another CPU's */
    }
    thread->fs_base = fs_base;
    if (thread == cpu_this()->current) {
        msr_write(MSR_FS_BASE, fs_base);
    }
    return OK;
}
