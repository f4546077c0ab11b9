/* SPDX-License-Identifier: MIT */
/*
 * Exceptions end only the program that raised them, and the record says why; whatever it does with
 * its flags, selectors, stack and instruction pointer. #AC and #XM are not raised by QEMU's TCG:
 * the tests take both outcomes. #NM cannot be raised: CR0.TS is never set.
 */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

static int read_null(uint64_t address) {
    return *(volatile int *)(uintptr_t)address;
}

static void page_faults(void) {
    static const uint64_t addresses[] = {
        0, 0x10, 0xffff800000000000, 0xffffffff80100000, 0x00007ffffffff000, 0x0000700000000000};
    struct death_record record;

    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
        child_dies(read_null, addresses[i], &record);
        CHECK(record.vector == 14 && record.fault_address == addresses[i]);
        CHECK(record.n_backtrace >= 1 && record.backtrace[0] == record.registers.rip);
    }
    child_dies(read_null, 0x8000000000000000, &record);
    CHECK(record.vector == 13);
}

/* Each is a function of its own, so that a label at its end tells where the fault was. */
#define FAULT(name, text)                                                                          \
    static void name(void) {                                                                       \
        __asm__ volatile(text : : : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "memory", "cc");     \
    }
FAULT(divide_by_zero, "xorl %%edx, %%edx; xorl %%ecx, %%ecx; movl $1, %%eax; divl %%ecx")
FAULT(divide_overflow, "movq $-1, %%rdx; movl $1, %%ecx; divq %%rcx")
FAULT(divide_minimum, "movl $0x80000000, %%eax; cltd; movl $-1, %%ecx; idivl %%ecx")
FAULT(single_step, "pushfq; orq $0x100, (%%rsp); popfq; nop; nop")
FAULT(step_syscall, "xorl %%eax, %%eax; pushfq; orq $0x100, (%%rsp); popfq; syscall; nop; nop")
FAULT(debug_trap, ".byte 0xf1")
FAULT(breakpoint, "int3")
FAULT(breakpoint_long, ".byte 0xcd, 3")
FAULT(overflow, "int $4")
FAULT(bound, ".byte 0x62, 0x00; nop; nop; nop; nop")
FAULT(undefined, "ud2")
FAULT(undefined_lock, ".byte 0xf0; nop")
FAULT(undefined_push_cs, ".byte 0x0e")
FAULT(too_long,
      ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90")
FAULT(no_device, "int $7")
FAULT(stack_push, "movq $0x8000000000000000, %%rsp; pushq %%rax")
FAULT(stack_read, "movq $0x8000000000000000, %%rbp; movq (%%rbp), %%rax; xorl %%ebp, %%ebp")
FAULT(protection_read, "movabsq $0x7fffffffffffffff, %%rax; movb (%%rax), %%al")
FAULT(protection_write, "movabsq $0x8000000000000000, %%rax; movb %%al, (%%rax)")
FAULT(far_call_null, "pushq $0; pushq $0; lcall *(%%rsp)")
FAULT(load_ss, "movl $0x10, %%eax; movl %%eax, %%ss")
FAULT(load_ds_kernel, "movl $0x10, %%eax; movl %%eax, %%ds")
FAULT(load_fs_beyond, "movl $0xfff8, %%eax; movl %%eax, %%fs")
FAULT(load_gs_ldt, "movl $0x7, %%eax; movl %%eax, %%gs")
FAULT(return_ring0, "pushq $0x8; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1: nop")
FAULT(return_rpl0, "movq %%cs, %%rcx; andl $~3, %%ecx; pushq %%rcx; leaq 1f(%%rip), %%rax;"
                   "pushq %%rax; lretq; 1: nop")
FAULT(jump_beyond, "pushq $0xfff8; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1: nop")
FAULT(interrupt_return_ring0,
      "movq %%rsp, %%rbx; pushq $0x10; pushq %%rbx; pushq $2; pushq $8; leaq 1f(%%rip), %%rax;"
      "pushq %%rax; iretq; 1: nop")
FAULT(interrupt_return_ss,
      "movq %%rsp, %%rbx; movq %%cs, %%rcx; pushq $0x10; pushq %%rbx; pushq $2; pushq %%rcx;"
      "leaq 1f(%%rip), %%rax; pushq %%rax; iretq; 1: nop")
FAULT(interrupt_return_wild,
      "movq %%rsp, %%rbx; movq %%cs, %%rcx; movq %%ss, %%rdx; pushq %%rdx; pushq %%rbx; pushq $2;"
      "pushq %%rcx; movabsq $0x8000000000000000, %%rax; pushq %%rax; iretq; nop")
FAULT(jump_wild, "movabsq $0x8000000000000000, %%rax; jmpq *%%rax")
FAULT(jump_above, "movabsq $0x800000000000, %%rax; jmpq *%%rax")
FAULT(return_wild, "movabsq $0xdeadbeefdeadbeef, %%rax; pushq %%rax; ret")
FAULT(x87_divide, "fninit; pushq $0x37b; fldcw (%%rsp); fld1; fldz; fdivrp; fwait; popq %%rax")
FAULT(stack_gone, "xorl %%esp, %%esp; pushq %%rax")
FAULT(stack_of_kernel, "movq $0xffffffff80200000, %%rsp; pushq %%rax")
#undef FAULT

static const struct {
    const char *name;
    void (*run)(void);
    uint32_t vector, other; /* either */
} faults[] = {
#define ROW(name, vector)                                                                          \
    { #name, name, vector, vector }
#define ROW2(name, vector, other)                                                                  \
    { #name, name, vector, other }
    ROW(divide_by_zero, 0),
    ROW(divide_overflow, 0),
    ROW(divide_minimum, 0),
    ROW(single_step, 1),
    ROW(step_syscall, 1),
    ROW2(debug_trap, 1, 6), /* QEMU does not know it */
    ROW(breakpoint, 3),
    ROW(breakpoint_long, 3),
    ROW2(overflow, 13, 4),
    ROW2(bound, 6, 14), /* an EVEX prefix where there is AVX-512 */
    ROW(undefined, 6),
    ROW(undefined_lock, 6),
    ROW(undefined_push_cs, 6),
    ROW2(too_long, 13, 6),
    ROW(no_device, 13),
    ROW2(stack_push, 12, 13),
    ROW2(stack_read, 12, 13),
    ROW(protection_read, 13),
    ROW(protection_write, 13),
    ROW2(far_call_null, 13, 6),
    ROW(load_ss, 13),
    ROW(load_ds_kernel, 13),
    ROW(load_fs_beyond, 13),
    ROW(load_gs_ldt, 13),
    /* QEMU pops far frames with ring 0's rights, which SMAP does not allow: a page fault there. */
    ROW2(return_ring0, 13, 14),
    ROW2(return_rpl0, 13, 14),
    ROW2(jump_beyond, 13, 14),
    ROW2(interrupt_return_ring0, 13, 14),
    ROW2(interrupt_return_ss, 13, 14),
    ROW2(interrupt_return_wild, 13, 14),
    ROW2(jump_wild, 13, 14),
    ROW2(jump_above, 13, 14),
    ROW2(return_wild, 13, 14),
    ROW(x87_divide, 16),
    ROW(stack_gone, 14),
    ROW(stack_of_kernel, 14),
#undef ROW
#undef ROW2
};

static int fault_child(uint64_t i) {
    faults[i].run();
    return 0;
}

/* A process that checks itself while others die: all its registers, and its memory. */
static int bystander(uint64_t unused) {
    static uint64_t memory[512];
    uint64_t n = 0;

    (void)unused;
    priority_set(PRIORITY_PROGRAM); /* below the reaper, as every program */
    while (test_shared[0] == 0 || n == 0) {
        uint64_t wrong;

        __asm__ volatile(
            "movq $0x1111, %%rbx; movq $0x2222, %%r12; movq $0x3333, %%r13;"
            "movq $0x4444, %%r14; movq $0x5555, %%r15; movq %%rbx, %%xmm3;"
            "movq %%r15, %%xmm15; fninit; fld1; movl $20000, %%ecx;"
            "1: decl %%ecx; jnz 1b;"
            "movq %%xmm3, %%rax; movq %%xmm15, %%rdx;"
            "xorq %%rbx, %%rax; xorq %%r15, %%rdx; orq %%rdx, %%rax;"
            "xorq $0x1111, %%rbx; orq %%rbx, %%rax; xorq $0x2222, %%r12;"
            "orq %%r12, %%rax; xorq $0x3333, %%r13; orq %%r13, %%rax;"
            "xorq $0x4444, %%r14; orq %%r14, %%rax; xorq $0x5555, %%r15;"
            "orq %%r15, %%rax; fld1; fcomip %%st(1), %%st; setne %%cl; movzbl %%cl, %%ecx;"
            "orq %%rcx, %%rax; fstp %%st(0)"
            : "=a"(wrong)
            :
            : "rbx", "rcx", "rdx", "r12", "r13", "r14", "r15", "xmm3", "xmm15", "cc");
        CHECK(wrong == 0);
        for (unsigned i = 0; i < ARRAY_SIZE(memory); i++) {
            CHECK(memory[i] == n);
            memory[i]++;
        }
        n++;
    }
    return 0;
}

static void every_fault(void) {
    struct death_record record;
    handle_t other = child_start(bystander, 0);

    for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
        child_dies(fault_child, i, &record);
        sleep_us(200); /* the other one's turn */
        if (record.vector != faults[i].vector && record.vector != faults[i].other) {
            test_print("# %s: vector %u, error %#x, address %#llx\n", faults[i].name, record.vector,
                       record.error_code, (unsigned long long)record.fault_address);
            CHECK(record.vector == faults[i].vector);
        }
        CHECK(record.cause == DEATH_FAULT && record.n_backtrace >= 1);
    }
    test_shared[0] = 1;
    CHECK(child_wait(other).status == 0);
}

static int unaligned_access(uint64_t unused) {
    static char bytes[16] __attribute__((aligned(16)));

    (void)unused;
    /* AC is the program's own to set; in the kernel it would let SMAP down, so `syscall` clears it.
     */
    __asm__ volatile("pushfq; orq $0x40000, (%%rsp); popfq; xorl %%eax, %%eax; syscall;"
                     "pushfq; popq %%rdx; pushfq; andq $~0x40000, (%%rsp); popfq; movl %%edx, %%eax"
                     :
                     :
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    __asm__ volatile("pushfq; orq $0x40000, (%%rsp); popfq; movl %0, %%eax; pushfq;"
                     "andq $~0x40000, (%%rsp); popfq"
                     :
                     : "m"(*(uint32_t *)(bytes + 1))
                     : "rax", "memory", "cc");
    return 0;
}

static int divide_vector(uint64_t unused) {
    static const uint32_t mxcsr = 0x1f80 & ~(1u << 9); /* division by zero not masked */
    volatile float zero = 0, one = 1, result;

    (void)unused;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    __asm__ volatile("movss %1, %%xmm0; divss %2, %%xmm0; movss %%xmm0, %0"
                     : "=m"(result)
                     : "m"(one), "m"(zero)
                     : "xmm0");
    return 0;
}

/* Either the processor raises it, and the record says so, or it does not. */
static void raised_or_not(int (*function)(uint64_t), uint32_t vector) {
    struct death_record record = {0};
    handle_t child = child_start(function, 0), copy = HANDLE_NONE;

    CHECK_OK(sys_handle_copy(child, RIGHTS_ALL, 0, &copy));
    struct process_status status = child_wait(child);

    CHECK_OK(sys_process_info(copy, PROCESS_INFO_DEATH, &record, sizeof(record), 0, NULL, NULL));
    CHECK((status.cause == DEATH_EXIT && status.status == 0) ||
          (status.cause == DEATH_FAULT && record.vector == vector));
    closed(copy);
}

static void alignment_and_vectors(void) {
    raised_or_not(unaligned_access, 17);
    raised_or_not(divide_vector, 19);
}

/* `int n` for every n: only the breakpoint is let through. */
static uint8_t *interrupt_code;

static int interrupt_child(uint64_t n) {
    (void)n;
    ((void (*)(void))(uintptr_t)interrupt_code)();
    return 0;
}

static void every_interrupt(void) {
    struct death_record record;

    interrupt_code = (uint8_t *)pages_map(HANDLE_NONE, 1, MAP_READ | MAP_WRITE);
    uint64_t at = (uint64_t)(uintptr_t)interrupt_code;

    for (unsigned n = 0; n < 256; n++) {
        CHECK_OK(sys_protect(HANDLE_NONE, at, PAGE_BYTES, MAP_READ | MAP_WRITE));
        interrupt_code[0] = 0xcd;
        interrupt_code[1] = (uint8_t)n;
        interrupt_code[2] = 0xc3;
        CHECK_OK(sys_protect(HANDLE_NONE, at, PAGE_BYTES, MAP_READ | MAP_EXECUTE));
        child_dies(interrupt_child, n, &record);
        CHECK(n == 3 ? record.vector == 3 : record.vector == 13 || (n == 4 && record.vector == 4));
    }
    pages_unmap(interrupt_code, 1);
}

/* The flags that a system call is made with are there again after it, and not in the kernel. */
static int flags_child(uint64_t flags) {
    for (unsigned i = 0; i < 100; i++) {
        uint64_t after;

        __asm__ volatile("pushfq; popq %%rbx; movq %%rbx, %%rdx; orq %1, %%rdx; pushq %%rdx; popfq;"
                         "xorl %%eax, %%eax; syscall; pushfq; popq %0; pushq %%rbx; popfq; cld"
                         : "=&r"(after)
                         : "r"(flags)
                         : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
                           "memory", "cc");
        CHECK((after & flags) == flags);
        CHECK((after & 0x3200) == 0x200); /* IOPL 0, interrupts on */
    }
    return 0;
}

static void flags_over_syscalls(void) {
    CHECK(child_run(flags_child, 0x400) == 0);   /* direction */
    CHECK(child_run(flags_child, 0x40000) == 0); /* alignment check */
    CHECK(child_run(flags_child, 0x4000) == 0);  /* nested task */
    CHECK(child_run(flags_child, 0x44400) == 0);
}

/* `syscall` as the last instruction of the last page that can be mapped. */
static int last_page_child(uint64_t unused) {
    uint64_t at = INFO_PAGE_ADDRESS - PAGE_BYTES, mapped = 0;
    handle_t memory = memory_new(1);
    uint8_t *code = (uint8_t *)pages_map(memory, 1, MAP_READ | MAP_WRITE);

    (void)unused;
    memset(code, 0x90, PAGE_BYTES);
    code[PAGE_BYTES - 2] = 0x0f;
    code[PAGE_BYTES - 1] = 0x05;
    CHECK_OK(sys_map(HANDLE_NONE, memory, at, PAGE_BYTES, 0,
                     MAP_FIXED | MAP_REPLACE | MAP_READ | MAP_EXECUTE, &mapped));
    __asm__ volatile("jmpq *%0" : : "r"(at + PAGE_BYTES - 2), "a"(SYSCALL_null));
    return 0;
}

static uint64_t last_page_stack;

/* The stack may be in that page: the child moves to another first. */
static int last_page_moved(uint64_t unused) {
    __asm__ volatile("movq %0, %%rsp; xorl %%edi, %%edi; xorl %%ebp, %%ebp; call *%1; ud2"
                     :
                     : "r"(last_page_stack), "r"(last_page_child)
                     : "memory");
    return (int)unused;
}

static void last_user_page(void) {
    struct death_record record;
    char *stack = pages_map(HANDLE_NONE, 4, MAP_READ | MAP_WRITE);

    last_page_stack = (uint64_t)(uintptr_t)stack + 4 * PAGE_BYTES;
    child_dies(last_page_moved, 0, &record);
    CHECK(record.vector == 14 && record.registers.rip == INFO_PAGE_ADDRESS);
    CHECK(record.fault_address == INFO_PAGE_ADDRESS && (record.error_code & 0x10) != 0);
    pages_unmap(stack, 4);
}

static void wild_bases(void) {
    static const uint64_t wild[] = {0x8000000000000000, 0xffff800000000000, 0x0000800000000000,
                                    UINT64_MAX, USER_TOP};
    uint32_t id = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(wild); i++) {
        CHECK_STATUS(sys_thread_control(HANDLE_NONE, THREAD_SET_FS_BASE, wild[i], NULL),
                     ERROR_BAD_ADDRESS);
        CHECK_STATUS(sys_thread_create(0x1000, 0x1000, 0, wild[i], &id), ERROR_BAD_ADDRESS);
        CHECK_STATUS(sys_thread_create(wild[i], 0x1000, 0, 0, &id), ERROR_BAD_ADDRESS);
        CHECK_STATUS(sys_thread_create(0x1000, wild[i], 0, 0, &id), ERROR_BAD_ADDRESS);
        CHECK_STATUS(sys_upcall_set(wild[i], 0, 0), ERROR_BAD_ADDRESS);
        CHECK_STATUS(sys_thread_control(HANDLE_NONE, THREAD_SET_UPCALL_STACK, wild[i], NULL),
                     ERROR_BAD_ADDRESS);
    }
}

static __attribute__((noinline)) void chain_third(void) {
    test_shared[3] = (uint64_t)(uintptr_t)__builtin_return_address(0);
    *(volatile int *)(uintptr_t)test_shared[0] = 1;
}

static __attribute__((noinline)) void chain_second(void) {
    test_shared[2] = (uint64_t)(uintptr_t)__builtin_return_address(0);
    chain_third();
    test_shared[9] = 1; /* no tail call */
}

static __attribute__((noinline)) int chain_first(uint64_t unused) {
    (void)unused;
    test_shared[1] = (uint64_t)(uintptr_t)__builtin_return_address(0);
    chain_second();
    test_shared[9] = 1;
    return 0;
}

/* The return addresses of a chain of calls, as the functions saw them themselves. */
static void backtrace(void) {
    struct death_record record;

    test_shared[0] = 0x30;
    child_dies(chain_first, 0, &record);
    CHECK(record.vector == 14 && record.fault_address == 0x30 && (record.error_code & 2) != 0);
    CHECK(record.n_backtrace >= 4 && record.backtrace[0] == record.registers.rip);
    CHECK(record.backtrace[1] == test_shared[3]);
    CHECK(record.backtrace[2] == test_shared[2]);
    CHECK(record.backtrace[3] == test_shared[1]);
}

/* Frame pointers that lead into the kernel, in circles, or nowhere. */
static int wild_frame_child(uint64_t frame) {
    static uint64_t circle[2];

    circle[0] = (uint64_t)(uintptr_t)circle;
    circle[1] = 1;
    __asm__ volatile("movq %0, %%rbp; ud2"
                     :
                     : "r"(frame == 1 ? (uint64_t)(uintptr_t)circle : frame)
                     : "memory");
    return 0;
}

static void wild_backtrace(void) {
    static const uint64_t frames[] = {0,
                                      1,
                                      8,
                                      0xffffffff80100000,
                                      UINT64_MAX - 7,
                                      USER_TOP,
                                      4097,
                                      USER_TOP - 8,
                                      0xffff800000000000};
    struct death_record record;

    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
        child_dies(wild_frame_child, frames[i], &record);
        CHECK(record.vector == 6 && record.n_backtrace >= 1 && record.n_backtrace <= 16);
    }
}

const struct test fault_tests[] = {
    {"fault pages", page_faults},
    {"fault of every kind", every_fault},
    {"fault alignment and vectors", alignment_and_vectors},
    {"fault every interrupt number", every_interrupt},
    {"fault flags over system calls", flags_over_syscalls},
    {"fault last user page", last_user_page},
    {"fault wild bases", wild_bases},
    {"fault backtrace", backtrace},
    {"fault wild backtrace", wild_backtrace},
    {NULL, NULL},
};
