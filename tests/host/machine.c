/* SPDX-License-Identifier: MIT */
/* What the kernel finds below itself on the host: see kernel.h. */
#include "tests/host/kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "boot/boot_info.h"
#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/irq.h"
#include "kernel/arch/x86_64/power.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/budget.h"
#include "kernel/console.h"
#include "kernel/frame.h"
#include "kernel/info.h"
#include "kernel/kernel_threads.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/reaper.h"
#include "kernel/scheduler.h"

#include <sanitizer/asan_interface.h>

struct cpu cpus[CPU_MAX];
uint32_t cpu_n = 1;
uint32_t host_cpu;
uint64_t host_now_ns = 1;
uint64_t host_fault_address;
struct arch_features arch_features;
const struct boot_info *boot_info_kept;
void (*host_on_panic)(const char *text);

/* --- the end -------------------------------------------------------------------------------------
 */

void panic(const char *format, ...) {
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (host_on_panic != NULL) {
        host_on_panic(text);
    }
    fprintf(stderr, "kernel panic: %s\n", text);
    abort();
}

void arch_power_off(unsigned code) {
    panic("power off: %u", code);
}

void arch_reboot(void) {
    panic("reboot");
}

/* --- clock, timer, other devices -----------------------------------------------------------------
 */

static uint64_t timer_ns = UINT64_MAX;

uint64_t clock_now_ns(void) {
    return host_now_ns;
}

uint64_t arch_clock_ticks_to_ns(uint64_t ticks) {
    return ticks;
}

void arch_timer_arm(uint64_t deadline_ns) {
    timer_ns = deadline_ns;
}

void arch_clock_fill(struct info_page *page) {
    page->tsc_hz = 1000000000;
}

static bool irq_routed[IRQS];

bool arch_irq_route(unsigned number, bool is_level, bool is_active_low) {
    (void)is_level;
    (void)is_active_low;
    irq_routed[number] = number != 2;
    return irq_routed[number];
}

void arch_irq_mask(unsigned number) {
    ASSERT(irq_routed[number]);
}

void arch_irq_unmask(unsigned number) {
    ASSERT(irq_routed[number]);
}

uint64_t arch_irq_message(unsigned number) {
    return number;
}

bool irq_acknowledge(unsigned vector, unsigned *number) {
    *number = vector - VECTOR_IRQ;
    return irq_routed[*number];
}

static void (*console_sink)(const char *text, size_t n);

void console_set_sink(void (*sink)(const char *text, size_t n)) {
    console_sink = sink;
}

void console_write(const char *text, size_t n) {
    if (console_sink != NULL) {
        console_sink(text, n);
    }
}

void console_release_serial(void) {
}

void console_panic_mode(const struct boot_info *boot) {
    (void)boot;
}

void kernel_log(const char *format, ...) {
    console_write(format, strlen(format));
}

/* --- processors ----------------------------------------------------------------------------------
 */

bool cpu_is_guard(uint64_t address) {
    (void)address;
    return false;
}

void arch_cpu_kick(const struct cpu *cpu) {
    (void)cpu;
    panic("there is one processor");
}

void cpu_mailbox_answer(struct cpu *cpu) {
    (void)cpu;
    panic("there is one processor");
}

void arch_space_request(paddr_t root, enum cpu_request request) {
    (void)root;
    (void)request;
}

void arch_return(void) {
    panic("the host has nowhere to return to");
}

/* Translations of the loaded space: what an access that was allowed left in the TLB. */
#define TLB_MAX 64
static struct {
    uint64_t address;
    pte_t entry; /* as it was; 0: free place */
} tlb[TLB_MAX];

void arch_tlb_flush_all(void) {
    memset(tlb, 0, sizeof(tlb));
}

void arch_tlb_flush_page(uint64_t address) {
    for (unsigned i = 0; i < TLB_MAX; i++) {
        if (tlb[i].address == ALIGN_DOWN(address, PAGE_SIZE)) {
            tlb[i].entry = 0;
        }
    }
}

void host_tlb_note(uint64_t address) {
    static unsigned next;
    const pte_t *entry = page_table_find(cpu_this()->space_root, address);

    ASSERT(entry != NULL && (*entry & PTE_PRESENT) != 0);
    tlb[next].address = ALIGN_DOWN(address, PAGE_SIZE);
    tlb[next].entry = *entry;
    next = (next + 1) % TLB_MAX;
}

void host_tlb_check(void) {
    for (unsigned i = 0; i < TLB_MAX; i++) {
        const pte_t *entry;
        pte_t rights = PTE_PRESENT | PTE_WRITE | PTE_USER;

        if (tlb[i].entry == 0) {
            continue;
        }
        entry = page_table_find(cpu_this()->space_root, tlb[i].address);
        ASSERT(entry != NULL && (*entry & PTE_ADDRESS) == (tlb[i].entry & PTE_ADDRESS));
        ASSERT((tlb[i].entry & rights & ~*entry) == 0);
        ASSERT((*entry & ~tlb[i].entry & PTE_NO_EXECUTE) == 0);
    }
}

/* --- the kernel's own threads: their work is done by calls
 * ---------------------------------------- */

static struct list work = LIST_INITIALIZER(work);
static uint64_t n_reaps;

void reaper_add(struct reapable *reapable) {
    list_push_back(&work, &reapable->link);
}

void reaper_is_late(void) {
    panic("there is no reaper");
}

void host_reap(void) {
    struct list_node *node;

    while ((node = list_pop_front(&work)) != NULL) {
        struct reapable *reapable = CONTAINER_OF(node, struct reapable, link);

        n_reaps++;
        if (!reapable->step(reapable)) {
            list_push_front(&work, node);
        }
    }
}

uint64_t host_n_reaps(void) {
    return n_reaps;
}

void scrubber_wake(void) {
}

bool kernel_thread_is_guard(uint64_t address) {
    (void)address;
    return false;
}

static void nothing(void *unused) {
    (void)unused;
}

/* --- start ---------------------------------------------------------------------------------------
 */

void host_kernel_start(void) {
    static struct boot_info boot = {
        .n_ranges = 2,
        .ranges = {{0, 0xa0000, BOOT_RANGE_USABLE}, {0x100000, HOST_MEMORY, BOOT_RANGE_USABLE}}};
    static char stack[64];
    struct thread *idle;

    if (boot_info_kept != NULL) {
        return;
    }
    if (mmap(paddr_to_pointer(0), HOST_MEMORY, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED) {
        panic("no memory at the direct map");
    }
    boot_info_kept = &boot;
    frame_init(&boot);
    log_init();
    kernel_lock_take();
    cpus[0].self = &cpus[0];
    idle = thread_create_kernel(nothing, 0, stack + sizeof(stack));
    scheduler_add_cpu(&cpus[0], idle);
    info_init();
    budget_init((frame_n_free() - 64) * PAGE_SIZE);
    object_get(&budget_root->object);
    budget_spender_add(budget_root); /* as if init had a handle of it */
    arch_thread_activate(idle, page_table_kernel_root);
}

struct process *host_process(uint64_t bytes, uint32_t n_threads, unsigned priority) {
    struct process *process;
    struct budget *budget;
    struct thread *thread;

    if (budget_create(budget_root, bytes, &budget) != OK ||
        process_create(budget, NULL, &process) != OK) {
        panic("no memory for a process of the test");
    }
    object_put(&budget->object); /* the process has it */
    process->state = PROCESS_RUNNING;
    for (uint32_t i = 0; i < n_threads; i++) {
        if (thread_create(process, PAGE_SIZE, 0, 0, &thread) != OK) {
            panic("no memory for a thread of the test");
        }
        thread->priority = (uint8_t)priority;
        scheduler_ready(thread);
    }
    return process;
}

/* --- what programs and devices do
 * ----------------------------------------------------------------- */

/* The current thread leaves the kernel: somebody runs, and the lock is free. */
static void left(void) {
    ASSERT(kernel_lock.next == kernel_lock.serving);
    ASSERT(host_current()->state == THREAD_RUNNING);
    kernel_lock_take();
}

void host_syscall(uint64_t number, const uint64_t *arguments, size_t n) {
    struct registers *r = &host_current()->registers;
    uint64_t *const places[] = {&r->rdi, &r->rsi, &r->rdx, &r->r10, &r->r8, &r->r9,
                                &r->r12, &r->r13, &r->r14, &r->r15, &r->rbx};

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        *places[i] = i < n ? arguments[i] : 0;
    }
    r->rax = number;
    r->rip = HOST_SYSCALL_RIP;
    host_resume();
}

void host_resume(void) {
    struct thread *thread = host_current();

    ASSERT(registers_are_user(&thread->registers));
    thread->registers.rip += 2;
    thread->registers.rflags &= ~(uint64_t)RFLAGS_RESUME;
    syscall_enter(thread);
    left();
}

void host_fault(uint64_t address, uint64_t error_code) {
    struct thread *thread = host_current();

    ASSERT(registers_are_user(&thread->registers));
    host_fault_address = address;
    thread->registers.vector = VECTOR_PAGE_FAULT;
    thread->registers.error_code = error_code;
    kernel_lock_release();
    exception_enter(thread);
    left();
}

void host_wait(uint64_t end_ns) {
    host_now_ns = MAX(host_now_ns, MIN(timer_ns, end_ns));
    if (timer_ns <= host_now_ns) {
        timer_ns = UINT64_MAX;
        kernel_lock_release();
        timer_enter(host_current());
        left();
    }
}

void host_run(struct thread *thread) {
    struct cpu_generic *cpu = &cpu_this()->generic;
    struct thread *current = host_current();

    if (thread == current) {
        return;
    }
    ASSERT(thread->state == THREAD_READY && thread->priority >= current->priority);
    /* The others of its queue wait behind it. */
    while (LIST_FIRST(&run_queues[thread->priority][cpu->index], struct thread, item.link) !=
           thread) {
        struct thread *first =
            LIST_FIRST(&run_queues[thread->priority][cpu->index], struct thread, item.link);

        scheduler_unready(first);
        scheduler_ready(first);
    }
    if (current != cpu->idle) {
        scheduler_yield(current);
    }
    scheduler_leave(current, SWITCH_PREEMPT);
    left();
    ASSERT(host_current() == thread);
}
