/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/registers.h"

/* The same names on both sides. rip, rflags and what users do not see are apart. */
#define GENERAL_REGISTERS(X)                                                                       \
    X(rax)                                                                                         \
    X(rbx)                                                                                         \
    X(rcx) X(rdx) X(rsi) X(rdi) X(rbp) X(rsp) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15)

void registers_init_user(struct registers *registers, uint64_t entry, uint64_t stack_pointer,
                         uint64_t argument) {
    registers->rdi = argument;
    registers->rip = entry;
    registers->cs = SELECTOR_USER_CODE;
    registers->rflags = RFLAGS_FIXED | RFLAGS_INTERRUPT | RFLAGS_RESUME;
    registers->rsp = stack_pointer;
    registers->ss = SELECTOR_USER_DATA;
}

void registers_init_kernel(struct registers *registers, void (*entry)(void *), void *stack_top) {
    /* As after a call; the word there stays 0: nowhere to return. */
    registers_init_user(registers, (uint64_t)entry, (uint64_t)stack_top - 8, 0);
    registers->cs = SELECTOR_KERNEL_CODE;
    registers->ss = SELECTOR_KERNEL_DATA;
}

void registers_set_call(struct registers *registers, uint64_t entry, uint64_t stack_pointer,
                        uint64_t argument) {
    registers->rip = entry;
    registers->rsp = stack_pointer;
    registers->rdi = argument;
    registers->rflags &= ~(uint64_t)(RFLAGS_DIRECTION | RFLAGS_TRAP);
    registers_load_whole(registers);
}

void registers_export(const struct registers *registers, struct user_registers *user) {
#define COPY(name) user->name = registers->name;
    GENERAL_REGISTERS(COPY)
#undef COPY
    user->rip = registers->rip;
    user->rflags = registers->rflags & ~(uint64_t)RFLAGS_RESUME;
}

status_t registers_import(struct registers *registers, const struct user_registers *user) {
    if (user->rip >= USER_TOP) {
        return ERROR_BAD_ADDRESS;
    }
#define COPY(name) registers->name = user->name;
    GENERAL_REGISTERS(COPY)
#undef COPY
    registers->rip = user->rip;
    registers->rflags =
        (user->rflags & RFLAGS_USER) | RFLAGS_FIXED | RFLAGS_INTERRUPT | RFLAGS_RESUME;
    return OK;
}
