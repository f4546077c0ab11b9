/* SPDX-License-Identifier: MIT */
/* Upcalls: nothing of the interrupted program changes, none is lost, none nests; faults as upcalls.
 */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

#include "lib/native/block.h"

static uint64_t block_begin_address(void) {
    return (uint64_t)(uintptr_t)native_block_begin;
}

static uint64_t block_end_address(void) {
    return (uint64_t)(uintptr_t)native_block_end;
}

static status_t handler_set(void (*handler)(struct upcall_frame *)) {
    return sys_upcall_set((uint64_t)(uintptr_t)handler, block_begin_address(), block_end_address());
}

static volatile uint64_t n_upcalls, bits_seen, depth, max_depth;
static volatile uint32_t stop;

/* Spoils every register that it may. */
static void counting_handler(struct upcall_frame *frame) {
    if (++depth > max_depth) {
        max_depth = depth;
    }
    n_upcalls++;
    bits_seen |= frame->bits;
    if (frame->vector != UPCALL_VECTOR_NONE) {
        sys_process_exit(77);
    }
    for (volatile unsigned i = 0; i < 200; i++) {
    }
    __asm__ volatile("fninit; fldpi; pcmpeqb %%xmm0, %%xmm0; pcmpeqb %%xmm7, %%xmm7;"
                     "pcmpeqb %%xmm15, %%xmm15; std; cld"
                     :
                     :
                     : "xmm0", "xmm7", "xmm15", "cc");
    depth--;
    sys_upcall_return(frame);
}

struct upcaller {
    handle_t target; /* a thread */
    volatile uint32_t done;
};

/* Until 300 have come through, whatever else the machine does. */
static void upcaller_main(void *argument) {
    struct upcaller *upcaller = argument;
    uint64_t deadline = time_deadline(8 * NS_PER_S);

    for (unsigned i = 0; n_upcalls < 300 && time_now_ns() < deadline; i++) {
        CHECK_OK(sys_thread_upcall(upcaller->target, 1ULL << (i % 64)));
        sleep_us(30);
    }
    upcaller->done = 1;
}

/* All general registers, vector registers, the x87 stack and the red zone over thousands of
 * upcalls. */
static uint64_t registers_spin(volatile uint32_t *done) {
    uint64_t value = (uint64_t)(uintptr_t)done;

    __asm__ volatile(
        "leaq -256(%%rsp), %%rsp; pushq %%rbp; movq $0x1001, %%rbx; movq $0x1002, %%rcx; movq "
        "$0x1003, %%rdx;"
        "movq $0x1004, %%rsi; movq $0x1005, %%rdi; movq $0x1006, %%rbp; movq $0x1007, %%r8;"
        "movq $0x1008, %%r9; movq $0x1009, %%r10; movq $0x100a, %%r11; movq $0x100b, %%r12;"
        "movq $0x100c, %%r13; movq $0x100d, %%r14; movq $0x100e, %%r15;"
        "movq %%rbx, %%xmm0; movq %%rdi, %%xmm7; movq %%r15, %%xmm15; fninit; fldl2e;"
        "movq %%r14, -64(%%rsp); movq %%r13, -128(%%rsp);"
        "1: cmpl $0, (%%rax); je 1b;"
        "subq $0x1001, %%rbx; subq $0x1002, %%rcx; orq %%rcx, %%rbx; subq $0x1003, %%rdx;"
        "orq %%rdx, %%rbx; subq $0x1004, %%rsi; orq %%rsi, %%rbx; subq $0x1005, %%rdi;"
        "orq %%rdi, %%rbx; subq $0x1006, %%rbp; orq %%rbp, %%rbx; subq $0x1007, %%r8;"
        "orq %%r8, %%rbx; subq $0x1008, %%r9; orq %%r9, %%rbx; subq $0x1009, %%r10;"
        "orq %%r10, %%rbx; subq $0x100a, %%r11; orq %%r11, %%rbx; subq $0x100b, %%r12;"
        "orq %%r12, %%rbx; cmpq %%r14, -64(%%rsp); setne %%cl; movzbl %%cl, %%ecx;"
        "orq %%rcx, %%rbx; cmpq %%r13, -128(%%rsp); setne %%cl; orq %%rcx, %%rbx;"
        "subq $0x100c, %%r13; orq %%r13, %%rbx; subq $0x100d, %%r14; orq %%r14, %%rbx;"
        "subq $0x100e, %%r15; orq %%r15, %%rbx;"
        "movq %%xmm0, %%rcx; subq $0x1001, %%rcx; orq %%rcx, %%rbx;"
        "movq %%xmm7, %%rcx; subq $0x1005, %%rcx; orq %%rcx, %%rbx;"
        "movq %%xmm15, %%rcx; subq $0x100e, %%rcx; orq %%rcx, %%rbx;"
        "fldl2e; fcomip %%st(1), %%st; setne %%cl; movzbl %%cl, %%ecx; orq %%rcx, %%rbx;"
        "fstp %%st(0); movq %%rbx, %0; popq %%rbp;"
        "leaq 256(%%rsp), %%rsp"
        : "+a"(value)
        :
        : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
          "xmm0", "xmm7", "xmm15", "memory", "cc");
    return value;
}

static handle_t own_thread; /* of the thread that upcalls itself */

static void spinner_main(void *argument) {
    *(volatile uint64_t *)argument = registers_spin(&stop);
}

static int exact_child(uint64_t unused) {
    static volatile uint64_t wrong = 1;
    struct thread spinner, caller;
    struct upcaller upcaller = {0};

    (void)unused;
    priority_set(PRIORITY_PROGRAM);
    CHECK_OK(handler_set(counting_handler));
    stop = 0;
    CHECK_OK(thread_start(&spinner, spinner_main, (void *)(uintptr_t)&wrong, 0));
    upcaller.target = thread_opened(spinner.id);
    CHECK_OK(thread_start(&caller, upcaller_main, &upcaller, 0));
    CHECK_OK(sys_thread_control(thread_opened(caller.id), THREAD_SET_PRIORITY, PRIORITY_PROGRAM + 1,
                                NULL));
    while (upcaller.done == 0) {
        sleep_us(2000);
    }
    stop = 1;
    thread_join(&caller);
    thread_join(&spinner);
    CHECK(wrong == 0);
    CHECK(n_upcalls >= 300 && max_depth == 1 && bits_seen == UINT64_MAX);
    return 0;
}

static void registers_exact(void) {
    CHECK(child_run(exact_child, 0) == 0);
}

/* A handler that says: do not wait. */
static void stopping_handler(struct upcall_frame *frame) {
    stop = 1;
    n_upcalls++;
    sys_upcall_return(frame);
}

static volatile uint32_t word;

static void waiter_main(void *argument) {
    volatile uint64_t *n_waits = argument;

    while (*n_waits < 3000) {
        status_t status = native_futex_wait(&word, 0, DEADLINE_NEVER, 0, &stop);

        CHECK(status == ERROR_INTERRUPTED);
        stop = 0;
        ++*n_waits;
    }
}

/* Test of the flag and wait are one step for an upcall: or one wake-up is lost, and all hang. */
static int window_child(uint64_t unused) {
    static volatile uint64_t n_waits;
    struct thread waiter;
    handle_t handle;
    uint64_t random = 1, last = 0;

    (void)unused;
    n_waits = 0;
    stop = 0;
    CHECK_OK(handler_set(stopping_handler));
    CHECK_OK(thread_start(&waiter, waiter_main, (void *)(uintptr_t)&n_waits, 0));
    handle = thread_opened(waiter.id);
    CHECK_OK(sys_thread_control(handle, THREAD_SET_PRIORITY, PRIORITY_PROGRAM, NULL));
    while (n_waits < 3000) {
        CHECK(sys_thread_upcall(handle, 1) == OK || n_waits >= 3000);
        unsigned n_sleeps = 0; /* of 100 us, by count: all of the machine may stand for a second */

        /* At random moments: while it waits, runs, or is on its way. */
        last = n_waits;
        sleep_us(random_next(&random) % 60);
        while (n_waits == last && n_waits < 3000) {
            CHECK(++n_sleeps < 10000);
            sleep_us(100);
        }
    }
    thread_join(&waiter);
    return 0;
}

static void no_wakeup_lost(void) {
    CHECK(child_run(window_child, 0) == 0);
}

static volatile uint64_t resume_at, n_spinning;

/* The first upcall puts its thread right onto the `syscall` of a wait, with the next one pending:
 * just where it would be if the second came between the test of the flag and the wait. */
static void placing_handler(struct upcall_frame *frame) {
    struct user_registers *registers = &frame->registers;
    uint64_t at = block_begin_address();

    n_upcalls++;
    if (frame->bits == 2) {
        sys_upcall_return(frame);
    }
    while (memcmp((const void *)(uintptr_t)at, "\x0f\x05", 2) != 0) {
        at++;
    }
    CHECK(at < block_end_address());
    registers->rip = at;
    registers->rsp -= 8;
    *(uint64_t *)(uintptr_t)registers->rsp = resume_at;
    registers->rax = SYSCALL_futex_wait;
    registers->rdi = (uint64_t)(uintptr_t)&word;
    registers->rsi = 0;
    registers->rdx = time_deadline(NS_PER_S);
    registers->r10 = 0;
    CHECK_OK(sys_thread_upcall(own_thread, 2)); /* held until the return */
    sys_upcall_return(frame);
}

static void placed_main(void *unused) {
    (void)unused;
    for (unsigned i = 1; i <= 50; i++) {
        int64_t status;

        __asm__ volatile("leaq -128(%%rsp), %%rsp; leaq 2f(%%rip), %%rax; movq %%rax, %1;"
                         "incq %2; 1: jmp 1b; 2: leaq 128(%%rsp), %%rsp"
                         : "=&a"(status), "+m"(resume_at), "+m"(n_spinning)
                         :
                         : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
        CHECK_STATUS((status_t)status, ERROR_INTERRUPTED);
        CHECK(n_upcalls == 2 * i);
    }
}

static int placed_child(uint64_t unused) {
    struct thread thread;

    (void)unused;
    CHECK_OK(handler_set(placing_handler));
    CHECK_OK(thread_start(&thread, placed_main, NULL, 0));
    own_thread = thread_opened(thread.id);
    CHECK_OK(sys_thread_control(own_thread, THREAD_SET_PRIORITY, PRIORITY_PROGRAM, NULL));
    for (unsigned i = 1; i <= 50; i++) {
        while (n_spinning < i) {
            sleep_us(50);
        }
        CHECK_OK(sys_thread_upcall(own_thread, 1));
    }
    thread_join(&thread);
    return 0;
}

static void in_the_window(void) {
    CHECK(child_run(placed_child, 0) == 0);
}

static void block_waits(void *unused) {
    struct message m = {.gate = (handle_t)(uintptr_t)unused, .deadline = DEADLINE_NEVER};
    uint64_t deadline = time_deadline(5 * NS_PER_S);

    test_shared[0] = (uint64_t)(int64_t)native_message(SYSCALL_receive, &m, NULL);
    m = (struct message){.gate = (handle_t)test_shared[9], .deadline = DEADLINE_NEVER};
    test_shared[1] = (uint64_t)(int64_t)native_message(SYSCALL_call, &m, NULL);
    test_shared[2] = (uint64_t)(int64_t)native_futex_wait(&word, 0, deadline, 0, NULL);
}

/* receive, call and futex_wait end INTERRUPTED; bits from before there was a handler count too. */
static int interrupted_child(uint64_t unused) {
    handle_t endpoint = endpoint_new(), other = endpoint_new();
    struct thread thread;
    handle_t handle;

    (void)unused;
    test_shared[9] = gate_new(other, 1);
    CHECK_OK(thread_start(&thread, block_waits, (void *)(uintptr_t)endpoint, 0));
    handle = thread_opened(thread.id);
    sleep_us(MACHINE_PAUSE_US);
    CHECK_OK(sys_thread_upcall(handle, 4));
    sleep_us(MACHINE_PAUSE_US);
    CHECK(test_shared[0] == 0); /* nobody to tell yet */
    CHECK_OK(handler_set(stopping_handler));
    sleep_us(MACHINE_PAUSE_US);
    CHECK((int64_t)test_shared[0] == ERROR_INTERRUPTED && n_upcalls == 1);
    CHECK_OK(sys_thread_upcall(handle, 4));
    sleep_us(MACHINE_PAUSE_US);
    CHECK((int64_t)test_shared[1] == ERROR_INTERRUPTED && n_upcalls == 2);
    CHECK_OK(sys_thread_upcall(handle, 4));
    thread_join(&thread);
    CHECK((int64_t)test_shared[2] == ERROR_INTERRUPTED && n_upcalls == 3);
    return 0;
}

static void blocked_calls(void) {
    CHECK(child_run(interrupted_child, 0) == 0);
}

/* While one is handled others wait; all their bits come together in the next. */
static void holding_handler(struct upcall_frame *frame) {
    depth++;
    if (depth > max_depth) {
        max_depth = depth;
    }
    if (++n_upcalls == 1) {
        for (unsigned i = 0; i < 10; i++) {
            CHECK_OK(sys_thread_upcall(own_thread, 2ULL << i));
        }
        /* A blocking call in a handler is not interrupted by what is held. */
        CHECK_STATUS(native_futex_wait(&word, 0, time_deadline(NS_PER_MS), 0, NULL), ERROR_TIMEOUT);
    } else {
        bits_seen |= frame->bits;
    }
    depth--;
    sys_upcall_return(frame);
}

static void holding_main(void *unused) {
    (void)unused;
    while (own_thread == HANDLE_NONE) {
        sleep_us(100);
    }
    CHECK_OK(sys_thread_upcall(own_thread, 1));
    CHECK(n_upcalls == 2 && bits_seen == 0x7fe && max_depth == 1);
}

static int holding_child(uint64_t unused) {
    struct thread thread;

    (void)unused;
    own_thread = HANDLE_NONE;
    CHECK_OK(handler_set(holding_handler));
    CHECK_OK(thread_start(&thread, holding_main, NULL, 0));
    own_thread = thread_opened(thread.id);
    thread_join(&thread);
    return 0;
}

static void held_inside(void) {
    CHECK(child_run(holding_child, 0) == 0);
}

static volatile uint64_t fault_frame_at;

/* Goes on behind the two-byte ud2, or exits with the vector. */
static void fault_handler(struct upcall_frame *frame) {
    n_upcalls++;
    fault_frame_at = (uint64_t)(uintptr_t)frame;
    if (frame->vector == 6) {
        frame->registers.rip += 2;
        frame->registers.rax = 0x600d;
        sys_upcall_return(frame);
    }
    sys_process_exit((int32_t)(frame->vector * 1000 + (frame->fault_address & 0xfff)));
}

static int fault_child(uint64_t how) {
    static char alternate[16384] __attribute__((aligned(64)));
    uint64_t rax = 0;

    CHECK_OK(handler_set(fault_handler));
    if (how == 0) {
        for (unsigned i = 1; i <= 100; i++) {
            __asm__ volatile("ud2" : "=a"(rax) : : "memory");
            CHECK(rax == 0x600d && n_upcalls == i);
        }
        return 0;
    }
    if (how >= 2) {
        CHECK_OK(sys_thread_control(HANDLE_NONE, THREAD_SET_UPCALL_STACK,
                                    how == 2 ? (uint64_t)(uintptr_t)(alternate + 16384) : 0x123000,
                                    NULL));
    }
    /* The stack is gone: with the other one the handler still runs; without, this is the end. */
    __asm__ volatile("movq %%rsp, %%rbx; xorl %%esp, %%esp; ud2; movq %%rbx, %%rsp"
                     : "=a"(rax)
                     :
                     : "rbx", "memory");
    CHECK(fault_frame_at >= (uint64_t)(uintptr_t)alternate &&
          fault_frame_at < (uint64_t)(uintptr_t)alternate + sizeof(alternate));
    return (int)*(volatile char *)(uintptr_t)(0x121 +
                                              how); /* and this is told with vector and address */
}

static void fault_upcalls(void) {
    struct death_record record;

    CHECK(child_run(fault_child, 0) == 0);
    CHECK(child_run(fault_child, 2) == 14000 + 0x123);
    child_dies(fault_child, 1, &record);
    CHECK(record.vector == 6);
    child_dies(fault_child, 3, &record);
    CHECK(record.vector == 6);
}

/* For bits: faults, and calls itself; what comes then must wait. For a fault: goes on behind the
 * ud2, or (bit 1) faults again. */
static void faulting_handler(struct upcall_frame *frame) {
    if (++depth > max_depth) {
        max_depth = depth;
    }
    test_shared[0]++;
    if (frame->vector == UPCALL_VECTOR_NONE) {
        bits_seen |= frame->bits;
        CHECK((frame->bits & 4) == 0 || depth == 1); /* not inside the one that called for it */
        if ((frame->bits & 1) != 0) {
            __asm__ volatile("ud2" : : : "rax", "memory");
            CHECK_OK(sys_thread_upcall(own_thread, 4));
            for (volatile unsigned i = 0; i < 100; i++) {
            }
        }
    } else {
        frame->registers.rip += 2;
        if (test_shared[1] == 1) {
            __asm__ volatile("ud2");
        }
    }
    depth--;
    sys_upcall_return(frame);
}

static int nesting_child(uint64_t twice) {
    uint64_t own = 0;

    CHECK_OK(handler_set(faulting_handler));
    CHECK_OK(sys_thread_control(HANDLE_NONE, THREAD_OPEN, 0, &own));
    own_thread = (handle_t)own;
    test_shared[1] = twice;
    CHECK_OK(sys_thread_upcall(own_thread, 1));
    CHECK(bits_seen == 5 && depth == 0);
    CHECK(max_depth == 2); /* the fault in the handler */
    return 0;
}

/* A fault in a handler, and its return, does not let further upcalls into that handler; a fault in
 * the handler for a fault is the end. */
static void fault_nesting(void) {
    struct death_record record;

    CHECK(child_run(nesting_child, 0) == 0);
    test_shared[0] = 0;
    child_dies(nesting_child, 1, &record);
    CHECK(record.vector == 6 && test_shared[0] == 2);
}

static __attribute__((noinline)) void garbage_landing(void) {
    uint64_t flags;

    __asm__ volatile("cld; pushfq; popq %0" : "=r"(flags));
    sys_process_exit((flags & 0x3200) == 0x200 ? 55 : 56); /* IOPL 0, interrupts on */
}

static char garbage_stack[8192] __attribute__((aligned(64)));

/* Frames of random bytes, of which some lead to sane code. */
static int garbage_child(uint64_t seed) {
    static struct upcall_frame frame __attribute__((aligned(64)));
    uint64_t *words = (uint64_t *)&frame, random = seed;

    for (unsigned i = 0; i < sizeof(frame) / 8; i++) {
        words[i] = random_next(&random);
    }
    if (seed % 8 != 0) {
        frame.registers.rip = (uint64_t)(uintptr_t)garbage_landing;
        frame.registers.rsp = (uint64_t)(uintptr_t)garbage_stack + sizeof(garbage_stack) - 8;
        frame.registers.rflags &= ~0x100ULL; /* no step */
        if (seed % 8 == 1) {
            frame.registers.rflags = UINT64_MAX & ~0x100ULL;
            memset(frame.vector_state, 0xff, sizeof(frame.vector_state));
        }
    }
    CHECK_STATUS(syscall_do3(SYSCALL_upcall_return, (uint64_t)(uintptr_t)&frame, 0, 0).status,
                 ERROR_BAD_ADDRESS);
    return 57;
}

static void garbage_frames(void) {
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct process_status status = child_wait(child_start(garbage_child, seed));

        if (seed % 8 != 0) {
            CHECK(status.cause == DEATH_EXIT && status.status == 55);
        } else {
            CHECK(status.cause == DEATH_FAULT ||
                  (status.cause == DEATH_EXIT && status.status == 57));
        }
    }
}

const struct test upcall_tests[] = {
    {"upcall keeps every register", registers_exact},
    {"upcall is never lost", no_wakeup_lost},
    {"upcall in the window before a wait", in_the_window},
    {"upcall ends blocked calls", blocked_calls},
    {"upcall held inside another", held_inside},
    {"upcall for faults", fault_upcalls},
    {"upcall faults nest once", fault_nesting},
    {"upcall garbage frames", garbage_frames},
    {NULL, NULL},
};
