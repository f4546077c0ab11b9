/* SPDX-License-Identifier: MIT */
/*
 * What the system calls that are not messages exchange with programs: flags, operations,
 * structures, fixed addresses.
 */
#pragma once

#include "abi/types.h"

/* The user half: page 0 and the last page below USER_TOP can never be mapped. */
#define USER_BOTTOM 0x1000ULL
#define USER_TOP    0x00007ffffffff000ULL
/* Two pages mapped read-only into every process by the kernel. */
#define INFO_PAGE_ADDRESS    0x00007fffffffc000ULL
#define PROCESS_PAGE_ADDRESS 0x00007fffffffd000ULL

/*
 * The info page. Monotonic time in ns = base_ns + ((rdtsc - base_tsc) * ns_per_tick_32 >> 32), read
 * with the sequence even and the same before and after. Wall time = monotonic + wall_offset_ns, 0
 * until the clock server has set it.
 */
struct info_page {
    volatile uint32_t sequence;
    uint32_t version;
    uint64_t base_tsc;
    uint64_t base_ns;
    uint64_t ns_per_tick_32; /* nanoseconds per TSC tick, 32.32 fixed point */
    uint64_t tsc_hz;
    int64_t wall_offset_ns; /* since 1970-01-01 00:00:00 UTC */
    uint64_t entry_tsc;     /* TSC when the kernel was entered */
    uint32_t n_cpus;
    uint32_t hypervisor; /* 1 if CPUID says so */
};
#define INFO_PAGE_VERSION 1

/* The process page: changes only with process_identify. */
struct process_page {
    volatile uint32_t tag;  /* what the proc server gave (abi/tag.h), 0 before */
    uint32_t id;            /* the kernel's number for this process */
    volatile uint64_t word; /* what process_identify said: the parent's pid */
};

/* map flags */
enum {
    MAP_READ = 1,
    MAP_WRITE = 2,
    MAP_EXECUTE = 4,
    MAP_PROTECTION = 7,
    MAP_FIXED = 8, /* exactly at address, which must be free */
    /* with FIXED: what is there is unmapped first, once nothing but POPULATE can fail */
    MAP_REPLACE = 16,
    MAP_PRIVATE = 32,  /* of a memory object: copy-on-write */
    MAP_POPULATE = 64, /* touch all pages now; if one cannot be had, nothing is mapped */
    MAP_GUARD = 128,   /* nothing there, and nothing else will be placed there */
};

/* memory_create flags */
enum {
    /* physically contiguous, allocated at once; `below` limits the last byte (0: none) */
    MEMORY_CONTIGUOUS = 1,
    /* A device will use it: quarantined when its last user dies, until SYSTEM_RELEASE_DMA. Needs a
     * handle of the budget with WRITE: who drives a device is given such a one, and may have this
     * much of it; a budget split off with budget_create gets no more rights than its parent's
     * handle has. */
    MEMORY_DMA = 2,
};
/* memory_create_device flags */
enum { MEMORY_CACHED = 1, MEMORY_WRITE_COMBINING = 2 };

enum memory_operation {
    /* argument: pages; those cut off are freed, mappings of them and private copies fault */
    MEMORY_RESIZE = 1,
    /* argument: page index -> physical address; contiguous and device memory only */
    MEMORY_PHYSICAL = 2,
    MEMORY_SIZE = 3,    /* -> pages */
    MEMORY_DISCARD = 4, /* argument: first page | n_pages << 32: back to zero, frames freed */
};

/*
 * process_give: copies of up to four handles in one call, all of them or none. Handle 0 is in the
 * low half of its register, handle 1 in the high half, and so for 2 and 3, and for the numbers; 0
 * stands for no handle, but as the first. Rights are 8 bits each, the first the lowest: the copy
 * has those of them that the handle has.
 */
enum { PROCESS_GIVE_MAX = 4 };

enum process_operation {
    PROCESS_STOP = 1,
    PROCESS_CONTINUE = 2,
    /* argument: ceiling for its threads and value of the first; not above the caller's ceiling */
    PROCESS_SET_PRIORITY = 3,
    /* self: drop the private pages in [argument, argument 2): zero at the next touch */
    PROCESS_DISCARD = 5,
    /* arguments: address there, buffer here, length: writes as the process itself could. What it
     * may not, or has no budget for, is BAD_ADDRESS or OUT_OF_BUDGET; what lies before is written
     * then.
     */
    PROCESS_WRITE = 6,
};

enum process_info_what {
    PROCESS_INFO_STATUS = 1, /* struct process_status */
    PROCESS_INFO_DEATH = 2,  /* struct death_record */
    /* identity: array of struct process_status from cursor (0 first) -> next cursor, 0 at the end
     */
    PROCESS_INFO_LIST = 3,
    PROCESS_INFO_OPEN = 4, /* identity: cursor = kernel id -> handle of that process in rsi */
};

enum process_state {
    PROCESS_NEW = 0,
    PROCESS_RUNNING = 1,
    PROCESS_STOPPED = 2,
    PROCESS_DYING = 3,
    PROCESS_DEAD = 4
};

struct process_status {
    uint32_t id;  /* kernel's number, never reused */
    uint32_t tag; /* abi/tag.h */
    uint32_t parent_id;
    uint32_t state; /* enum process_state */
    int32_t status; /* exit status, or that of process_kill; valid when dead */
    uint32_t cause; /* enum death_cause */
    uint64_t word;
    uint64_t cpu_ns;
    uint64_t start_ns;
    uint32_t n_threads;
    uint32_t n_handles;
    uint64_t n_frames; /* private frames and page tables */
    char name[32];
};

enum death_cause {
    DEATH_NONE = 0,
    DEATH_EXIT = 1,   /* process_exit, or the last thread ended */
    DEATH_KILLED = 2, /* process_kill */
    DEATH_FAULT = 3,  /* an exception that nobody handled */
    DEATH_BUDGET = 4, /* a page could not be had within the budget */
};

struct user_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
};

struct death_record {
    uint32_t cause; /* enum death_cause */
    int32_t status;
    uint32_t vector; /* x86 exception number, for DEATH_FAULT and DEATH_BUDGET */
    uint32_t error_code;
    uint64_t fault_address; /* CR2 for page faults */
    uint32_t thread_id;
    uint32_t n_backtrace;
    struct user_registers registers;
    uint64_t backtrace[16]; /* return addresses, innermost first */
};

enum thread_operation {
    THREAD_SET_FS_BASE = 1,
    THREAD_SET_PRIORITY = 2,
    THREAD_ABANDON_CALL = 3, /* the call it waits in ends with OUTCOME_UNKNOWN */
    /* argument: top of the stack for upcalls that find the usual one unusable, 0: none */
    THREAD_SET_UPCALL_STACK = 4,
    THREAD_YIELD = 5,
    THREAD_GET_ID = 6,
    /* argument: id of a thread of the caller's process, 0: the thread itself -> a handle, all
       rights */
    THREAD_OPEN = 7,
};

/*
 * An upcall: the kernel stores this frame below the thread's stack (128 bytes of red zone skipped,
 * 64-byte aligned) and enters the process's upcall address with rdi = its address, rsp = its
 * address - 8 (as after a call). upcall_return takes it back. vector is 0xff for thread_upcall,
 * else the exception that the thread raised.
 */
struct upcall_frame {
    uint8_t vector_state[512]; /* FXSAVE image */
    struct user_registers registers;
    uint64_t bits; /* of thread_upcall */
    uint32_t vector;
    uint32_t error_code;
    uint64_t fault_address;
    /* enum upcall_state of the interrupted program: upcall_return goes back to it, so that a fault
     * inside a handler does not end the handler's protection from further upcalls */
    uint64_t interrupted;
};
/* What runs: the program itself, its handler for a thread_upcall, or for a fault. While a handler
 * runs, thread_upcall waits; a fault in the handler for a fault ends the process. */
enum upcall_state { UPCALL_NOT = 0, UPCALL_BITS = 1, UPCALL_FAULT = 2 };
#define UPCALL_VECTOR_NONE 0xff
/* error_code bit of a page fault upcall that means: out of budget */
#define FAULT_OUT_OF_BUDGET (1u << 31)
/* and the one that means: the memory object that is mapped there is not so long */
#define FAULT_BEYOND_END (1u << 30)

/* futex flags */
enum { FUTEX_SHARED = 1 };

/*
 * irq_create: lines 0 to 15 are those of the ISA bus, with or without IRQ_LEVEL; where they come to
 * is the firmware's and the kernel's business (IRQ_ACTIVE_LOW says nothing there). From 16 on they
 * are ACPI's global system interrupts. IRQ_MESSAGE, alone and with line 0: a message-signalled
 * interrupt; the second result says how a device raises it: address | value << 32. TOO_MANY: all
 * are taken.
 */
enum { IRQ_LEVEL = 1, IRQ_ACTIVE_LOW = 2, IRQ_MESSAGE = 4 };
enum irq_operation {
    /* gate, bits: each interrupt notifies, and masks its line until that is acknowledged; an edge
     * that comes meanwhile is kept. Edges from line 16 on and messages mask nothing: they notify
     * again. Edges that came before may be lost: look at the device once it is bound. */
    IRQ_BIND = 1,
    IRQ_ACKNOWLEDGE = 2, /* unmasks the line */
};

/* ioports_access operations: size in bytes, | IOPORTS_OUT to write */
enum { IOPORTS_IN = 0, IOPORTS_OUT = 8 };

struct budget_figures {
    uint64_t limit; /* frames */
    uint64_t used;  /* frames, sub-budgets included */
};

struct handle_info {
    uint32_t type; /* enum object_type */
    uint32_t rights;
    /* gate: badge (with MANAGE); process and thread: kernel's number; ioports: first port */
    uint64_t id;
    uint64_t size;                /* memory: pages; ioports: number of ports */
    struct budget_figures budget; /* budget with READ */
};

enum system_operation {
    SYSTEM_LOG_WRITE = 1,  /* text address, length <= 256 */
    SYSTEM_LOG_MEMORY = 2, /* -> handle of the log ring (struct kernel_log), read-only */
    /* from now on the kernel does not write the serial port (but in a panic) -> the log ring's head
     * up to which it did */
    SYSTEM_CLAIM_SERIAL = 3,
    SYSTEM_POWER_OFF = 4, /* argument: exit code for QEMU's debug exit device, used if present */
    SYSTEM_REBOOT = 5,
    SYSTEM_INFO = 6,     /* address of struct system_info */
    SYSTEM_SET_WALL = 7, /* argument: offset in ns */
    SYSTEM_BIND_LOG = 8, /* gate, bits: notified when the log grows */
    /* bus mastering of the dead process (argument: its kernel id) is off: free its DMA memory */
    SYSTEM_RELEASE_DMA = 9,
    /* checks every invariant; argument, in debug kernels: breaks one of them first, 1 to 8 */
    SYSTEM_DEBUG = 10,
};

struct system_info {
    uint64_t frames_total, frames_free, frames_kernel; /* kernel: image, tables, frame table */
    uint64_t frames_quarantined;
    uint32_t n_processes, n_threads, n_endpoints, n_gates, n_memory, n_handles, n_budgets, n_irqs;
    uint64_t idle_ns;
    uint64_t context_switches, interrupts, system_calls;
    uint64_t lock_ticks; /* TSC ticks that CPUs have waited for the kernel lock, added up */
    uint64_t moves;      /* context switches to a thread that ran on another CPU before */
};

/* The kernel's log: a ring of bytes; head counts all bytes ever written. */
struct kernel_log {
    volatile uint64_t head;
    uint64_t size; /* bytes in data */
    uint8_t data[];
};
