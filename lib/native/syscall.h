/* SPDX-License-Identifier: MIT */
/*
 * The system calls as typed C functions, sys_NAME, in the order of abi/syscalls.def (which says
 * what each takes and gives). The five message calls are in lib/native/message.h, the interruptible
 * forms in lib/native/block.h.
 *
 * A result goes to a pointer and is written on success only. None of these blocks unless its
 * comment says so.
 */
#pragma once

#include "abi/kernel.h"
#include "lib/base/types.h"

/* Any system call may lose the vector registers and its argument registers, as any C call. */
#define SYSCALL_VECTOR_CLOBBER                                                                     \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",       \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* What every system call but the message calls returns. */
struct syscall_result {
    status_t status;
    uint64_t value;  /* rdx */
    uint64_t second; /* rsi */
};

static ALWAYS_INLINE struct syscall_result syscall_do(enum syscall_number number, uint64_t a,
                                                      uint64_t b, uint64_t c, uint64_t d,
                                                      uint64_t e, uint64_t f) {
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = f;
    uint64_t rax = number;

    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8), "+r"(r9)
                     :
                     : "rcx", "r11", "memory", SYSCALL_VECTOR_CLOBBER);
    return (struct syscall_result){(status_t)rax, c, b};
}

/* With fewer arguments, so that no register is loaded for nothing. */
static ALWAYS_INLINE struct syscall_result syscall_do3(enum syscall_number number, uint64_t a,
                                                       uint64_t b, uint64_t c) {
    uint64_t rax = number;

    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(a), "+S"(b), "+d"(c)
                     :
                     : "rcx", "r8", "r9", "r10", "r11", "memory", SYSCALL_VECTOR_CLOBBER);
    return (struct syscall_result){(status_t)rax, c, b};
}

/* The same for calls that may block. */
static ALWAYS_INLINE struct syscall_result
syscall_do_blocking(enum syscall_number number, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    return syscall_do(number, a, b, c, d, 0, 0);
}

/* Stores a handle result, if there is one. */
static ALWAYS_INLINE status_t syscall_handle(struct syscall_result result, handle_t *handle) {
    if (result.status == OK) {
        *handle = (handle_t)result.value;
    }
    return result.status;
}

static ALWAYS_INLINE status_t syscall_value(struct syscall_result result, uint64_t *value) {
    if (result.status == OK && value != NULL) {
        *value = result.value;
    }
    return result.status;
}

static inline uint64_t syscall_address(const volatile void *pointer) {
    return (uint64_t)(uintptr_t)pointer;
}

/* ---- messages ---- */

/* Does nothing: what an entry to the kernel costs. */
WARN_UNUSED static ALWAYS_INLINE status_t sys_null(void) {
    uint64_t rax = SYSCALL_null;

    __asm__ volatile("syscall" : "+a"(rax) : : "rcx", "r11", "memory", "rdx", "rsi");
    return (status_t)rax;
}

/* ORs bits (0 to 62) into the gate; never blocks. */
WARN_UNUSED static inline status_t sys_notify(handle_t gate, uint64_t bits) {
    return syscall_do3(SYSCALL_notify, gate, bits, 0).status;
}

/* Makes the current reply a handle; `cookie` comes with a CANCEL of it. */
WARN_UNUSED static inline status_t sys_reply_save(uint64_t cookie, handle_t *reply) {
    return syscall_handle(syscall_do3(SYSCALL_reply_save, cookie, 0, 0), reply);
}

/* Copies between lent memory of the caller that `reply` (HANDLE_NONE: the current one) answers and
 * ours. *copied may be NULL. */
WARN_UNUSED static inline status_t sys_lent_read(handle_t reply, uint64_t offset, void *buffer,
                                                 size_t length, uint64_t *copied) {
    return syscall_value(
        syscall_do(SYSCALL_lent_read, reply, offset, syscall_address(buffer), length, 0, 0),
        copied);
}

WARN_UNUSED static inline status_t sys_lent_write(handle_t reply, uint64_t offset,
                                                  const void *buffer, size_t length,
                                                  uint64_t *copied) {
    return syscall_value(
        syscall_do(SYSCALL_lent_write, reply, offset, syscall_address(buffer), length, 0, 0),
        copied);
}

WARN_UNUSED static inline status_t sys_endpoint_create(handle_t *endpoint) {
    return syscall_handle(syscall_do3(SYSCALL_endpoint_create, 0, 0, 0), endpoint);
}

WARN_UNUSED static inline status_t sys_gate_create(handle_t endpoint, uint64_t badge,
                                                   handle_t *gate) {
    return syscall_handle(
        syscall_do3(SYSCALL_gate_create, endpoint, badge, RIGHTS_ALL & ~RIGHT_RECEIVE), gate);
}

/* The receiver's own handle, with which nobody sends: copies can, and may be given out again after
 * CLOSED. */
WARN_UNUSED static inline status_t sys_gate_create_own(handle_t endpoint, uint64_t badge,
                                                       handle_t *gate) {
    return syscall_handle(syscall_do3(SYSCALL_gate_create, endpoint, badge,
                                      RIGHT_RECEIVE | RIGHT_MANAGE | RIGHT_COPY),
                          gate);
}

/* When it returns, nothing with this gate's badge is delivered any more. */
WARN_UNUSED static inline status_t sys_gate_revoke(handle_t gate) {
    return syscall_do3(SYSCALL_gate_revoke, gate, 0, 0).status;
}

/* ---- handles ---- */

WARN_UNUSED static inline status_t sys_handle_close(handle_t handle) {
    return syscall_do3(SYSCALL_handle_close, handle, 0, 0).status;
}

/* Rights are those of `handle` that are also in `rights`; flags: HANDLE_NO_FORK. */
WARN_UNUSED static inline status_t sys_handle_copy(handle_t handle, uint32_t rights, uint32_t flags,
                                                   handle_t *copy) {
    return syscall_handle(syscall_do3(SYSCALL_handle_copy, handle, rights, flags), copy);
}

WARN_UNUSED static inline status_t sys_handle_info(handle_t handle, struct handle_info *info) {
    return syscall_do3(SYSCALL_handle_info, handle, syscall_address(info), 0).status;
}

/* ---- memory ---- */

/* flags: MEMORY_CONTIGUOUS, MEMORY_DMA (needs a budget with WRITE); below: physical limit or 0;
 * budget: HANDLE_NONE for the caller's. */
WARN_UNUSED static inline status_t sys_memory_create(uint64_t n_pages, uint32_t flags,
                                                     uint64_t below, handle_t budget,
                                                     handle_t *memory) {
    return syscall_handle(syscall_do(SYSCALL_memory_create, n_pages, flags, below, budget, 0, 0),
                          memory);
}

WARN_UNUSED static inline status_t sys_memory_create_device(handle_t system, uint64_t physical,
                                                            uint64_t n_pages, uint32_t flags,
                                                            handle_t *memory) {
    return syscall_handle(
        syscall_do(SYSCALL_memory_create_device, system, physical, n_pages, flags, 0, 0), memory);
}

WARN_UNUSED static inline status_t sys_memory_control(handle_t memory,
                                                      enum memory_operation operation,
                                                      uint64_t argument, uint64_t *value) {
    return syscall_value(syscall_do3(SYSCALL_memory_control, memory, operation, argument), value);
}

/*
 * Maps `length` bytes of `memory` from `offset` (HANDLE_NONE: demand-zero memory) into `process`
 * (HANDLE_NONE: own) at `address` (a hint, 0 for none, unless MAP_FIXED). Everything in whole
 * pages. *mapped (may be NULL) gets the address.
 */
WARN_UNUSED static inline status_t sys_map(handle_t process, handle_t memory, uint64_t address,
                                           uint64_t length, uint64_t offset, uint32_t flags,
                                           uint64_t *mapped) {
    return syscall_value(syscall_do(SYSCALL_map, process, memory, address, length, offset, flags),
                         mapped);
}

WARN_UNUSED static inline status_t sys_unmap(handle_t process, uint64_t address, uint64_t length) {
    return syscall_do3(SYSCALL_unmap, process, address, length).status;
}

WARN_UNUSED static inline status_t sys_protect(handle_t process, uint64_t address, uint64_t length,
                                               uint32_t protection) {
    return syscall_do(SYSCALL_protect, process, address, length, protection, 0, 0).status;
}

/* ---- processes ---- */

/* name: up to 31 characters, for ps and reports. */
WARN_UNUSED static inline status_t sys_process_create(handle_t budget, const char *name,
                                                      handle_t *process) {
    return syscall_handle(syscall_do3(SYSCALL_process_create, budget, syscall_address(name), 0),
                          process);
}

/* A copy of `handle` with at most `rights` in `process`; *number is its number there. */
WARN_UNUSED static inline status_t sys_process_give(handle_t process, handle_t handle,
                                                    uint32_t rights, handle_t *number) {
    return syscall_handle(syscall_do(SYSCALL_process_give, process, handle, rights, 0, 0, 0),
                          number);
}

/* Several at once, at most PROCESS_GIVE_MAX: all of them or none. */
struct process_gift {
    handle_t handle;
    uint32_t rights;
};
WARN_UNUSED static inline status_t sys_process_give_all(handle_t process,
                                                        const struct process_gift *gifts, size_t n,
                                                        handle_t *numbers) {
    uint64_t handles[2] = {0}, rights = 0;

    for (size_t i = 0; i < n; i++) {
        handles[i / 2] |= (uint64_t)gifts[i].handle << (32 * (i & 1));
        rights |= (uint64_t)(gifts[i].rights & RIGHTS_ALL) << (8 * i);
    }
    struct syscall_result result =
        syscall_do(SYSCALL_process_give, process, handles[0], rights, handles[1], 0, 0);

    for (size_t i = 0; i < n && result.status == OK; i++) {
        numbers[i] = (handle_t)((i < 2 ? result.value : result.second) >> (32 * (i & 1)));
    }
    return result.status;
}

/* Into the memory of `process`, as it could write itself. */
WARN_UNUSED static inline status_t sys_process_write(handle_t process, uint64_t address,
                                                     const void *buffer, size_t length) {
    return syscall_do(SYSCALL_process_control, process, PROCESS_WRITE, address,
                      syscall_address(buffer), length, 0)
        .status;
}

/* First thread: at `entry` with this stack pointer and rdi = argument. A forked child: all 0. */
WARN_UNUSED static inline status_t sys_process_start(handle_t process, uint64_t entry,
                                                     uint64_t stack, uint64_t argument) {
    return syscall_do(SYSCALL_process_start, process, entry, stack, argument, 0, 0).status;
}

/* *child: the unstarted child in the parent, HANDLE_NONE in the child. */
WARN_UNUSED static inline status_t sys_process_fork(handle_t *child) {
    return syscall_handle(syscall_do_blocking(SYSCALL_process_fork, 0, 0, 0, 0), child);
}

/* Only returns on an error. `keep` handles stay at their numbers. */
WARN_UNUSED static inline status_t sys_process_become(handle_t prepared, const handle_t *keep,
                                                      uint64_t n_keep, uint64_t entry,
                                                      uint64_t stack, uint64_t argument) {
    return syscall_do(SYSCALL_process_become, prepared, syscall_address(keep), n_keep, entry, stack,
                      argument)
        .status;
}

NORETURN static inline void sys_process_exit(int32_t status) {
    for (;;) {
        (void)syscall_do3(SYSCALL_process_exit, (uint64_t)(int64_t)status, 0, 0);
    }
}

WARN_UNUSED static inline status_t sys_process_kill(handle_t process, int32_t status) {
    return syscall_do3(SYSCALL_process_kill, process, (uint64_t)(int64_t)status, 0).status;
}

/* argument2 is used by PROCESS_DISCARD only. */
WARN_UNUSED static inline status_t sys_process_control(handle_t process,
                                                       enum process_operation operation,
                                                       uint64_t argument, uint64_t argument2,
                                                       uint64_t *value) {
    return syscall_value(
        syscall_do(SYSCALL_process_control, process, operation, argument, argument2, 0, 0), value);
}

/* *next: cursor to go on with, 0 at the end. *opened: for PROCESS_INFO_OPEN the handle. Both may be
 * NULL. */
WARN_UNUSED static inline status_t sys_process_info(handle_t process, enum process_info_what what,
                                                    void *buffer, size_t size, uint64_t cursor,
                                                    uint64_t *next, handle_t *opened) {
    struct syscall_result result =
        syscall_do(SYSCALL_process_info, process, what, syscall_address(buffer), size, cursor, 0);

    if (result.status == OK && opened != NULL) {
        *opened = (handle_t)result.second;
    }
    return syscall_value(result, next);
}

WARN_UNUSED static inline status_t sys_process_identify(handle_t identity, handle_t process,
                                                        uint32_t tag, uint64_t word) {
    return syscall_do(SYSCALL_process_identify, identity, process, tag, word, 0, 0).status;
}

/* The gate is notified with `bits` when the process has ended. A second watch through the same
 * endpoint replaces the first. */
WARN_UNUSED static inline status_t sys_process_watch(handle_t process, handle_t gate,
                                                     uint64_t bits) {
    return syscall_do3(SYSCALL_process_watch, process, gate, bits).status;
}

/* ---- threads ---- */

/* A handle of it, if one is wanted: thread_control(HANDLE_NONE, THREAD_OPEN, id). */
WARN_UNUSED static inline status_t sys_thread_create(uint64_t entry, uint64_t stack,
                                                     uint64_t argument, uint64_t fs_base,
                                                     uint32_t *id) {
    struct syscall_result result =
        syscall_do(SYSCALL_thread_create, entry, stack, argument, fs_base, 0, 0);

    if (result.status == OK) {
        *id = (uint32_t)result.value;
    }
    return result.status;
}

/* Unmaps [base, base + length), stores 0 to *clear and wakes one futex waiter there, ends the
 * thread: in one call. */
NORETURN static inline void sys_thread_exit(volatile uint32_t *clear, uint64_t unmap_base,
                                            uint64_t unmap_length) {
    for (;;) {
        (void)syscall_do3(SYSCALL_thread_exit, syscall_address(clear), unmap_base, unmap_length);
    }
}

WARN_UNUSED static inline status_t sys_thread_control(handle_t thread,
                                                      enum thread_operation operation,
                                                      uint64_t argument, uint64_t *value) {
    return syscall_value(
        syscall_do_blocking(SYSCALL_thread_control, thread, operation, argument, 0), value);
}

WARN_UNUSED static inline status_t sys_thread_upcall(handle_t thread_or_process, uint64_t bits) {
    return syscall_do3(SYSCALL_thread_upcall, thread_or_process, bits, 0).status;
}

WARN_UNUSED static inline status_t sys_upcall_set(uint64_t entry, uint64_t block_begin,
                                                  uint64_t block_end) {
    return syscall_do3(SYSCALL_upcall_set, entry, block_begin, block_end).status;
}

NORETURN static inline void sys_upcall_return(const struct upcall_frame *frame) {
    for (;;) {
        (void)syscall_do3(SYSCALL_upcall_return, syscall_address(frame), 0, 0);
    }
}

/* Blocks while *address == expected, until woken (OK), the deadline (TIMEOUT) or an upcall
 * (INTERRUPTED). WOULD_BLOCK: it differs. */
WARN_UNUSED static inline status_t sys_futex_wait(const volatile uint32_t *address,
                                                  uint32_t expected, uint64_t deadline,
                                                  uint32_t flags) {
    return syscall_do_blocking(SYSCALL_futex_wait, syscall_address(address), expected, deadline,
                               flags)
        .status;
}

WARN_UNUSED static inline status_t sys_futex_wake(const volatile uint32_t *address, uint32_t n,
                                                  uint32_t flags, uint64_t *woken) {
    return syscall_value(syscall_do3(SYSCALL_futex_wake, syscall_address(address), n, flags),
                         woken);
}

WARN_UNUSED static inline status_t
sys_futex_requeue(const volatile uint32_t *address, uint32_t n_wake, const volatile uint32_t *other,
                  uint32_t n_move, uint32_t flags, uint64_t *moved) {
    return syscall_value(syscall_do(SYSCALL_futex_requeue, syscall_address(address), n_wake,
                                    syscall_address(other), n_move, flags, 0),
                         moved);
}

/* ---- devices, budgets, the system ---- */

WARN_UNUSED static inline status_t sys_irq_create(handle_t system, uint32_t line, uint32_t flags,
                                                  handle_t *irq) {
    return syscall_handle(syscall_do3(SYSCALL_irq_create, system, line, flags), irq);
}

/* A message-signalled interrupt: writing `value` to the physical `address` raises it. */
WARN_UNUSED static inline status_t sys_irq_create_message(handle_t system, handle_t *irq,
                                                          uint32_t *address, uint32_t *value) {
    struct syscall_result result = syscall_do3(SYSCALL_irq_create, system, 0, IRQ_MESSAGE);

    if (result.status == OK) {
        *address = (uint32_t)result.second;
        *value = (uint32_t)(result.second >> 32);
    }
    return syscall_handle(result, irq);
}

WARN_UNUSED static inline status_t sys_irq_control(handle_t irq, enum irq_operation operation,
                                                   handle_t gate, uint64_t bits) {
    return syscall_do(SYSCALL_irq_control, irq, operation, gate, bits, 0, 0).status;
}

WARN_UNUSED static inline status_t sys_ioports_create(handle_t system, uint16_t first,
                                                      uint32_t n_ports, handle_t *ioports) {
    return syscall_handle(syscall_do3(SYSCALL_ioports_create, system, first, n_ports), ioports);
}

/* operation: size 1, 2 or 4, | IOPORTS_OUT. */
WARN_UNUSED static inline status_t sys_ioports_access(handle_t ioports, uint16_t port,
                                                      uint32_t operation, uint32_t value,
                                                      uint64_t *in) {
    return syscall_value(syscall_do(SYSCALL_ioports_access, ioports, port, operation, value, 0, 0),
                         in);
}

WARN_UNUSED static inline status_t sys_budget_create(handle_t parent, uint64_t n_frames,
                                                     handle_t *budget) {
    return syscall_handle(syscall_do3(SYSCALL_budget_create, parent, n_frames, 0), budget);
}

WARN_UNUSED static inline status_t sys_system_control(handle_t system,
                                                      enum system_operation operation, uint64_t a,
                                                      uint64_t b, uint64_t c, uint64_t *value) {
    return syscall_value(syscall_do(SYSCALL_system_control, system, operation, a, b, c, 0), value);
}
