/* SPDX-License-Identifier: MIT */
/*
 * What the C library asks of the system below it: all of it, there are no other undefined symbols
 * in libc.a. lib/native defines a small set (memory, log output, clock, exit), lib/posix the whole.
 *
 * Every one of these is called as an ordinary C function, in user space. The first calls of each
 * program, __euralios_set_tp and set_tid_address, come before there is a thread-local block: until
 * __euralios_set_tp has returned nothing may touch %fs, so no errno, no _Thread_local and no stack
 * protector (lib/native and lib/posix are compiled without it).
 *
 * In a program with upcalls all of them must be safe to call from an upcall handler.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Linux x86-64 system call `number` (bits/syscall.h). Returns the result, or an error as a value
 * in -4095 .. -1 (minus an errno). An unknown number is -ENOSYS. Blocks as the call does.
 */
long __euralios_syscall(long number, long a, long b, long c, long d, long e, long f);

/*
 * The same for calls at which a thread can be cancelled. Must return -EINTR, with nothing done, if
 * *cancel is not 0 on entry or becomes so, with an interruption of this thread, while it blocks:
 * musl then ends the thread. An interruption between the look and the block must not be lost.
 */
long __euralios_syscall_cp(volatile void *cancel, long number, long a, long b, long c, long d,
                           long e, long f);

/*
 * Makes a thread (flags 0x7d0f00: as pthread_create asks) or the child of posix_spawn (0x4111).
 * It runs function(argument) on `stack`, with `tls` as its thread pointer if CLONE_SETTLS.
 * *parent_tid holds the new tid before the thread runs (CLONE_PARENT_SETTID). When it is gone from
 * its stack, *child_tid becomes 0 and a waiter on it is woken (CLONE_CHILD_CLEARTID): musl's
 * thread-list lock is that word, so a thread that ends otherwise blocks all others for good.
 * Returns the tid or minus an errno.
 */
int __euralios_clone(int (*function)(void *), void *stack, int flags, void *argument,
                     int *parent_tid, void *tls, int *child_tid);

/*
 * Ends the calling thread, which stands on the memory [base, base + size), and unmaps that memory,
 * and clears and wakes the child_tid word, as one operation. Called by detached threads.
 */
_Noreturn void __euralios_unmapself(void *base, size_t size);

/*
 * In place of mmap, mprotect and munmap for what pthread_create maps for a thread and pthread_join
 * gives back. Results and errno as theirs.
 */
void *__euralios_stack_map(void *where, size_t size, int protection, int flags, int fd,
                           off_t offset);
int __euralios_stack_protect(void *address, size_t size, int protection);
int __euralios_stack_unmap(void *address, size_t size);

/* Makes `tp` the thread pointer (FS base) of the calling thread. Returns 0 or minus an errno. */
int __euralios_set_tp(void *tp);

/*
 * The restorer that musl's sigaction names: entered, not called, when a signal handler returns,
 * with RSP just above the return address that the personality pushed below the frame.
 */
_Noreturn void __euralios_sigreturn(void);

/*
 * The library's own changes of the calling thread's signal mask (override/signal/block.c): adds
 * `signals` (bit signal - 1), with the mask before in *old if that is not NULL; puts it back, and
 * delivers what came meanwhile.
 */
void __euralios_mask_add(unsigned long signals, unsigned long *old);
void __euralios_mask_restore(const unsigned long *old);

/* vfork; may be an ordinary fork. Returns twice. */
int __euralios_vfork(void);

/*
 * posix_spawn (override/process/posix_spawn.c): returns 0 or an errno. `attributes` is a
 * posix_spawnattr_t or NULL. `search`: look for a name without a slash in PATH. `actions` is the
 * newest of the file actions, in the layout of musl's struct fdop.
 */
struct hooks_file_action {
    struct hooks_file_action *next, *previous; /* next: the one added before */
    int kind;
    int fd, source, flags;
    unsigned mode;
    char path[];
};
enum {
    HOOKS_ACTION_CLOSE = 1,
    HOOKS_ACTION_DUP2 = 2,
    HOOKS_ACTION_OPEN = 3,
    HOOKS_ACTION_CHDIR = 4,
    HOOKS_ACTION_FCHDIR = 5,
};
int __euralios_spawn(int *pid, const char *path, const struct hooks_file_action *actions,
                     const void *attributes, char *const *argv, char *const *envp, int search);
