/* SPDX-License-Identifier: MIT */
/*
 * Stands in for musl's arch/x86_64/syscall_arch.h: each "system call" of the C library becomes a
 * C call of __euralios_syscall, which lib/native or lib/posix defines (contract: hooks.h).
 *
 * musl's src/internal/syscall.h includes this file in quotes, so the -iquote in config.mak.in makes
 * the compiler find it before musl's own. It is included in every file of the library: nothing but
 * what syscall.h asks for may be declared here. `hidden` is musl's macro: the call needs no PLT.
 */
#pragma once

/* How a 64-bit argument is split over argument words: it is not. */
#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

/* [book:libc-syscall] */
hidden long __euralios_syscall(long number, long a, long b, long c, long d, long e, long f);

static __inline long __syscall0(long number) {
    return __euralios_syscall(number, 0, 0, 0, 0, 0, 0);
}

static __inline long __syscall1(long number, long a) {
    return __euralios_syscall(number, a, 0, 0, 0, 0, 0);
}
/* [/book] */

static __inline long __syscall2(long number, long a, long b) {
    return __euralios_syscall(number, a, b, 0, 0, 0, 0);
}

static __inline long __syscall3(long number, long a, long b, long c) {
    return __euralios_syscall(number, a, b, c, 0, 0, 0);
}

static __inline long __syscall4(long number, long a, long b, long c, long d) {
    return __euralios_syscall(number, a, b, c, d, 0, 0);
}

static __inline long __syscall5(long number, long a, long b, long c, long d, long e) {
    return __euralios_syscall(number, a, b, c, d, e, 0);
}

static __inline long __syscall6(long number, long a, long b, long c, long d, long e, long f) {
    return __euralios_syscall(number, a, b, c, d, e, f);
}

/*
 * VDSO_USEFUL stays undefined: musl then has no vdso code, and clock_gettime comes here as any
 * other call. It costs no system call for that: the personality reads the kernel's info page.
 */

/* The System V IPC calls need no version flag on a 64-bit machine. */
#define IPC_64 0
