/* SPDX-License-Identifier: MIT */
/*
 * Every system call with arguments that it must refuse: the documented error, and nothing changed.
 * A row gives the call and its registers; upper-case names stand for handles and addresses that are
 * made for the test.
 */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

/* Stand-ins: replaced by what they name, wherever a row has them. */
enum stand_in {
    FIRST_STAND_IN = 0x5eed0000,
    CLOSED = FIRST_STAND_IN, /* a handle that was closed */
    WIDE,                    /* an open handle, but for a bit beyond its 32 */
    ENDPOINT,
    ENDPOINT_BARE, /* a handle without a right but COPY, and so on for the others */
    GATE,
    GATE_BARE,
    GATE_REVOKED,
    MEMORY,
    MEMORY_BARE,
    PROCESS,
    PROCESS_BARE,
    PROCESS_DONE, /* dead */
    THREAD,
    THREAD_BARE,
    BUDGET,
    BUDGET_BARE,
    IRQ,
    IRQ_BARE,
    PORTS,
    PORTS_BARE,
    SYSTEM,
    SYSTEM_BARE,
    IDENTITY,
    IDENTITY_BARE,
    SELF,
    BUFFER,    /* a page of zeros */
    READ_ONLY, /* a page that is */
    UNMAPPED,
    EDGE, /* 8 bytes before a page that is not there */
    KERNEL,
    STAND_IN_END,
};

static uint64_t stand_ins[STAND_IN_END - FIRST_STAND_IN];

#define KERNEL_ADDRESS 0xffffffff80100000ULL
#define SEND_1         MESSAGE_SEND_HANDLES(1)

struct row {
    enum syscall_number number;
    status_t status;
    uint64_t v[RAW_REGISTERS]; /* rdi rsi rdx r10 r8 r9 r12 r13 r14 r15 rbx */
};

#define ROW(name, error, ...)                                                                      \
    {                                                                                              \
        SYSCALL_##name, ERROR_##error, {                                                           \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* [book:argument-rows] */
/* What all calls that take one handle in rdi refuse alike. */
#define HANDLE_ROWS(name, wrong, bare, ...)                                                        \
    ROW(name, BAD_HANDLE, 0, __VA_ARGS__), ROW(name, BAD_HANDLE, CLOSED, __VA_ARGS__),             \
        ROW(name, BAD_HANDLE, UINT32_MAX, __VA_ARGS__), ROW(name, BAD_HANDLE, WIDE, __VA_ARGS__),  \
        ROW(name, WRONG_TYPE, wrong, __VA_ARGS__), ROW(name, NO_RIGHT, bare, __VA_ARGS__)

static const struct row message_rows[] = {
    HANDLE_ROWS(send, ENDPOINT, GATE_BARE, 0),
    HANDLE_ROWS(call, ENDPOINT, GATE_BARE, 0),
    HANDLE_ROWS(receive, GATE, ENDPOINT_BARE, 0),
    HANDLE_ROWS(reply_receive, GATE, ENDPOINT_BARE, 0),
    HANDLE_ROWS(notify, ENDPOINT, GATE_BARE, 1),
    ROW(send, CLOSED, GATE_REVOKED),
    ROW(call, CLOSED, GATE_REVOKED),
    ROW(notify, CLOSED, GATE_REVOKED, 1),
    ROW(notify, BAD_ARGUMENT, GATE, NOTIFY_CLOSED),
    /* [/book] */
    ROW(notify, BAD_ARGUMENT, GATE, UINT64_MAX),
    ROW(send, TIMEOUT, GATE),
    ROW(call, TIMEOUT, GATE),
    ROW(receive, TIMEOUT, ENDPOINT),
    ROW(reply_receive, TIMEOUT, ENDPOINT),
    ROW(reply, NO_REPLY, 0),
    ROW(reply, BAD_HANDLE, CLOSED),
    ROW(reply, WRONG_TYPE, GATE),
    ROW(reply_save, NO_REPLY, 0),
    ROW(lent_read, NO_REPLY, 0, 0, BUFFER, 8),
    ROW(lent_write, NO_REPLY, 0, 0, BUFFER, 8),
    ROW(lent_read, BAD_HANDLE, CLOSED, 0, BUFFER, 8),
    ROW(lent_write, WRONG_TYPE, THREAD, 0, BUFFER, 8),
    /* r13: handles, segments, slots; r14: the handles; rbx: the segments. */
    ROW(call, BAD_ARGUMENT, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, 5),
    ROW(call, BAD_ARGUMENT, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, 7),
    ROW(call, BAD_ARGUMENT, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, MESSAGE_SEGMENTS(5)),
    ROW(call, BAD_ARGUMENT, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, MESSAGE_ACCEPT(5)),
    ROW(receive, BAD_ARGUMENT, ENDPOINT, 0, 0, 0, 0, 0, DEADLINE_NEVER, MESSAGE_ACCEPT(7)),
    ROW(call, BAD_HANDLE, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, SEND_1, 0),
    ROW(call, BAD_HANDLE, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, SEND_1, CLOSED),
    ROW(send, BAD_HANDLE, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, SEND_1, CLOSED),
    ROW(call, BAD_ADDRESS, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, MESSAGE_SEGMENTS(1), 0, 0, 0),
    ROW(call, BAD_ADDRESS, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, MESSAGE_SEGMENTS(1), 0, 0, KERNEL),
    ROW(call, BAD_ADDRESS, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, MESSAGE_SEGMENTS(1), 0, 0, EDGE),
    ROW(call, BAD_ADDRESS, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, MESSAGE_SEGMENTS(1), 0, 0,
        UNMAPPED),
    ROW(call, BAD_ARGUMENT, GATE, 0, 0, 0, 0, 0, DEADLINE_NEVER, MESSAGE_SEGMENTS(1), 0, 0, BUFFER),
};

static const struct row handle_rows[] = {
    HANDLE_ROWS(gate_create, GATE, ENDPOINT_BARE, 0),
    HANDLE_ROWS(gate_revoke, ENDPOINT, GATE_BARE, 0),
    ROW(handle_close, BAD_HANDLE, 0),
    ROW(handle_close, BAD_HANDLE, CLOSED),
    ROW(handle_close, BAD_HANDLE, UINT64_MAX),
    ROW(handle_copy, BAD_HANDLE, 0, RIGHTS_ALL),
    ROW(handle_copy, BAD_HANDLE, CLOSED, RIGHTS_ALL),
    ROW(handle_copy, BAD_ARGUMENT, GATE, RIGHTS_ALL, 2),
    ROW(handle_copy, BAD_ARGUMENT, GATE, RIGHTS_ALL, UINT64_MAX),
    ROW(handle_info, BAD_HANDLE, CLOSED, BUFFER),
    ROW(handle_info, BAD_ADDRESS, GATE, 0),
    ROW(handle_info, BAD_ADDRESS, GATE, KERNEL),
    ROW(handle_info, BAD_ADDRESS, GATE, UNMAPPED),
    ROW(handle_info, BAD_ADDRESS, GATE, READ_ONLY),
    ROW(handle_info, BAD_ADDRESS, GATE, EDGE),
    ROW(handle_info, BAD_ADDRESS, GATE, USER_TOP - 8),
    ROW(handle_info, BAD_ADDRESS, GATE, UINT64_MAX),
    ROW(budget_create, BAD_HANDLE, CLOSED, 1),
    ROW(budget_create, WRONG_TYPE, GATE, 1),
    ROW(budget_create, NO_RIGHT, BUDGET_BARE, 1),
    ROW(budget_create, OUT_OF_BUDGET, BUDGET, UINT64_MAX),
    ROW(budget_create, OUT_OF_BUDGET, BUDGET, 1ULL << 52),
    ROW(budget_create, OUT_OF_BUDGET, BUDGET, 1ULL << 40),
};

static const struct row memory_rows[] = {
    ROW(memory_create, BAD_ARGUMENT, 1, 4),
    ROW(memory_create, BAD_ARGUMENT, 1, UINT64_MAX),
    ROW(memory_create, BAD_ARGUMENT, 1, MEMORY_DMA),
    ROW(memory_create, TOO_MANY, UINT64_MAX, 0),
    ROW(memory_create, TOO_MANY, 0, MEMORY_CONTIGUOUS),
    ROW(memory_create, TOO_MANY, UINT64_MAX, MEMORY_CONTIGUOUS),
    ROW(memory_create, BAD_HANDLE, 1, 0, 0, CLOSED),
    ROW(memory_create, WRONG_TYPE, 1, 0, 0, GATE),
    ROW(memory_create, NO_RIGHT, 1, 0, 0, BUDGET_BARE),
    HANDLE_ROWS(memory_create_device, IDENTITY, SYSTEM_BARE, 0xb8000, 1, 0),
    ROW(memory_create_device, DENIED, SYSTEM, 0x100000, 1, 0),
    ROW(memory_create_device, BAD_ARGUMENT, SYSTEM, 0xb8000, UINT64_MAX, 0),
    HANDLE_ROWS(memory_control, GATE, MEMORY_BARE, MEMORY_RESIZE, 1),
    ROW(memory_control, NO_RIGHT, MEMORY_BARE, MEMORY_DISCARD, 1),
    ROW(memory_control, BAD_ARGUMENT, MEMORY, 0, 1),
    ROW(memory_control, BAD_ARGUMENT, MEMORY, UINT64_MAX, 1),
    ROW(memory_control, NOT_SUPPORTED, MEMORY, MEMORY_PHYSICAL, 0),
    ROW(memory_control, TOO_MANY, MEMORY, MEMORY_RESIZE, UINT64_MAX),
    ROW(memory_control, BAD_ARGUMENT, MEMORY, MEMORY_DISCARD, UINT64_MAX),
    ROW(map, BAD_HANDLE, CLOSED, 0, 0, PAGE_BYTES, 0, MAP_READ),
    ROW(map, WRONG_TYPE, GATE, 0, 0, PAGE_BYTES, 0, MAP_READ),
    ROW(map, NO_RIGHT, PROCESS_BARE, 0, 0, PAGE_BYTES, 0, MAP_READ),
    ROW(map, BAD_STATE, PROCESS_DONE, 0, 0, PAGE_BYTES, 0, MAP_READ),
    ROW(map, BAD_HANDLE, 0, CLOSED, 0, PAGE_BYTES, 0, MAP_READ),
    ROW(map, WRONG_TYPE, 0, GATE, 0, PAGE_BYTES, 0, MAP_READ),
    ROW(map, NO_RIGHT, 0, MEMORY_BARE, 0, PAGE_BYTES, 0, MAP_READ),
    ROW(map, BAD_ARGUMENT, 0, MEMORY, 0, PAGE_BYTES, 1, MAP_READ),
    ROW(map, BAD_ARGUMENT, 0, MEMORY, 0, PAGE_BYTES, 0xfffffffffffff000, MAP_READ),
    ROW(map, BAD_ARGUMENT, 0, 0, 0, 0, 0, MAP_READ),
    ROW(map, BAD_ARGUMENT, 0, 0, 0, PAGE_BYTES, 0, UINT64_MAX),
    ROW(map, BAD_ADDRESS, 0, 0, KERNEL, PAGE_BYTES, 0, MAP_FIXED | MAP_READ),
    ROW(unmap, BAD_HANDLE, CLOSED, BUFFER, PAGE_BYTES),
    ROW(unmap, NO_RIGHT, PROCESS_BARE, BUFFER, PAGE_BYTES),
    ROW(unmap, BAD_STATE, PROCESS_DONE, BUFFER, PAGE_BYTES),
    ROW(unmap, BAD_ARGUMENT, 0, BUFFER, 0),
    ROW(unmap, BAD_ARGUMENT, 0, EDGE, PAGE_BYTES),
    ROW(unmap, BAD_ARGUMENT, 0, BUFFER, UINT64_MAX),
    ROW(unmap, BAD_ARGUMENT, 0, KERNEL, PAGE_BYTES),
    ROW(unmap, BAD_ARGUMENT, 0, INFO_PAGE_ADDRESS, PAGE_BYTES),
    ROW(protect, BAD_HANDLE, CLOSED, BUFFER, PAGE_BYTES, MAP_READ),
    ROW(protect, BAD_ARGUMENT, 0, EDGE, PAGE_BYTES, MAP_READ),
    ROW(protect, BAD_ARGUMENT, 0, BUFFER, 0, MAP_READ),
    ROW(protect, BAD_ARGUMENT, 0, KERNEL, PAGE_BYTES, MAP_READ),
    ROW(protect, BAD_ARGUMENT, 0, BUFFER, PAGE_BYTES, MAP_FIXED),
    ROW(protect, BAD_ADDRESS, 0, UNMAPPED, PAGE_BYTES, MAP_READ),
    ROW(protect, NO_RIGHT, 0, BUFFER, PAGE_BYTES, MAP_PROTECTION),
};

static const struct row process_rows[] = {
    ROW(process_create, BAD_HANDLE, CLOSED, 0),
    ROW(process_create, WRONG_TYPE, GATE, 0),
    ROW(process_create, NO_RIGHT, BUDGET_BARE, 0),
    ROW(process_create, BAD_ADDRESS, 0, UNMAPPED),
    ROW(process_create, BAD_ADDRESS, 0, KERNEL),
    ROW(process_create, BAD_ADDRESS, 0, EDGE),
    HANDLE_ROWS(process_give, GATE, PROCESS_BARE, GATE, RIGHTS_ALL),
    ROW(process_give, BAD_HANDLE, PROCESS, CLOSED, RIGHTS_ALL),
    ROW(process_give, BAD_HANDLE, PROCESS, 0, RIGHTS_ALL),
    ROW(process_give, BAD_HANDLE, PROCESS, GATE, RIGHTS_ALL, CLOSED),
    ROW(process_give, BAD_HANDLE, PROCESS, GATE, RIGHTS_ALL, UINT64_MAX),
    ROW(process_give, BAD_STATE, PROCESS_DONE, GATE, RIGHTS_ALL),
    ROW(process_give, BAD_STATE, SELF, GATE, RIGHTS_ALL),
    HANDLE_ROWS(process_start, GATE, PROCESS_BARE, 0x1000, 0x1000),
    ROW(process_start, BAD_STATE, PROCESS_DONE, 0x1000, 0x1000),
    ROW(process_start, BAD_STATE, SELF, 0x1000, 0x1000),
    ROW(process_start, BAD_STATE, PROCESS, 0, 0x1000),
    ROW(process_start, BAD_ADDRESS, PROCESS, KERNEL, 0x1000),
    ROW(process_start, BAD_ADDRESS, PROCESS, 0x1000, KERNEL),
    ROW(process_start, BAD_ADDRESS, PROCESS, USER_TOP, 0x1000),
    HANDLE_ROWS(process_become, GATE, PROCESS_BARE, BUFFER, 0),
    ROW(process_become, BAD_STATE, PROCESS_DONE, BUFFER, 0),
    ROW(process_become, BAD_STATE, SELF, BUFFER, 0),
    ROW(process_become, TOO_MANY, PROCESS, BUFFER, UINT64_MAX),
    ROW(process_become, BAD_HANDLE, PROCESS, BUFFER, 1),
    ROW(process_become, BAD_HANDLE, PROCESS, BUFFER, 100),
    ROW(process_become, BAD_ADDRESS, PROCESS, KERNEL, 1),
    ROW(process_become, BAD_ADDRESS, PROCESS, UNMAPPED, 1000),
    ROW(process_become, BAD_ADDRESS, PROCESS, EDGE, 3),
    HANDLE_ROWS(process_kill, GATE, PROCESS_BARE, 0),
    ROW(process_control, BAD_HANDLE, CLOSED, PROCESS_STOP),
    ROW(process_control, WRONG_TYPE, GATE, PROCESS_STOP),
    ROW(process_control, NO_RIGHT, PROCESS_BARE, PROCESS_STOP),
    ROW(process_control, BAD_STATE, PROCESS_DONE, PROCESS_STOP),
    ROW(process_control, BAD_ARGUMENT, 0, 0),
    ROW(process_control, BAD_ARGUMENT, 0, UINT64_MAX),
    ROW(process_control, NO_RIGHT, 0, PROCESS_SET_PRIORITY, PRIORITY_MAX + 1),
    ROW(process_control, NO_RIGHT, 0, PROCESS_SET_PRIORITY, UINT64_MAX),
    ROW(process_control, NOT_SUPPORTED, PROCESS, PROCESS_DISCARD, BUFFER, BUFFER),
    ROW(process_control, BAD_ARGUMENT, 0, PROCESS_DISCARD, BUFFER, 0),
    ROW(process_control, BAD_ARGUMENT, 0, PROCESS_DISCARD, KERNEL, UINT64_MAX),
    ROW(process_control, BAD_STATE, PROCESS_DONE, PROCESS_WRITE, BUFFER, BUFFER, 8),
    /* Nothing is mapped there. */
    ROW(process_control, BAD_ADDRESS, PROCESS, PROCESS_WRITE, BUFFER, BUFFER, 8),
    ROW(process_control, BAD_ADDRESS, 0, PROCESS_WRITE, READ_ONLY, BUFFER, 8),
    ROW(process_control, BAD_ADDRESS, 0, PROCESS_WRITE, KERNEL, BUFFER, 8),
    ROW(process_control, BAD_ADDRESS, 0, PROCESS_WRITE, INFO_PAGE_ADDRESS, BUFFER, 8),
    ROW(process_control, BAD_ADDRESS, 0, PROCESS_WRITE, BUFFER, KERNEL, 8),
    ROW(process_control, BAD_ADDRESS, 0, PROCESS_WRITE, BUFFER, UNMAPPED, 8),
    ROW(process_control, BAD_ADDRESS, 0, PROCESS_WRITE, BUFFER, EDGE, UINT64_MAX),
    /* Handle 0 is the own process. */
    ROW(process_info, BAD_HANDLE, CLOSED, PROCESS_INFO_STATUS, BUFFER, PAGE_BYTES),
    ROW(process_info, BAD_HANDLE, UINT32_MAX, PROCESS_INFO_STATUS, BUFFER, PAGE_BYTES),
    ROW(process_info, BAD_HANDLE, WIDE, PROCESS_INFO_STATUS, BUFFER, PAGE_BYTES),
    ROW(process_info, WRONG_TYPE, GATE, PROCESS_INFO_STATUS, BUFFER, PAGE_BYTES),
    ROW(process_info, NO_RIGHT, PROCESS_BARE, PROCESS_INFO_STATUS, BUFFER, PAGE_BYTES),
    ROW(process_info, BAD_HANDLE, 0, PROCESS_INFO_LIST, BUFFER, PAGE_BYTES),
    ROW(process_info, BAD_ARGUMENT, 0, PROCESS_INFO_STATUS, BUFFER, 8),
    ROW(process_info, BAD_STATE, 0, PROCESS_INFO_DEATH, BUFFER, PAGE_BYTES),
    ROW(process_info, BAD_ARGUMENT, PROCESS, 0, BUFFER, PAGE_BYTES),
    ROW(process_info, BAD_ARGUMENT, PROCESS, PROCESS_INFO_STATUS, BUFFER, 8),
    ROW(process_info, BAD_STATE, PROCESS, PROCESS_INFO_DEATH, BUFFER, PAGE_BYTES),
    ROW(process_info, BAD_ARGUMENT, PROCESS_DONE, PROCESS_INFO_DEATH, BUFFER, 8),
    ROW(process_info, BAD_ADDRESS, PROCESS, PROCESS_INFO_STATUS, KERNEL, PAGE_BYTES),
    ROW(process_info, BAD_ADDRESS, PROCESS, PROCESS_INFO_STATUS, READ_ONLY, PAGE_BYTES),
    ROW(process_info, BAD_ADDRESS, PROCESS_DONE, PROCESS_INFO_DEATH, EDGE, PAGE_BYTES),
    ROW(process_info, WRONG_TYPE, PROCESS, PROCESS_INFO_LIST, BUFFER, PAGE_BYTES),
    ROW(process_info, NO_RIGHT, IDENTITY_BARE, PROCESS_INFO_LIST, BUFFER, PAGE_BYTES),
    ROW(process_info, BAD_ADDRESS, IDENTITY, PROCESS_INFO_LIST, KERNEL, PAGE_BYTES),
    ROW(process_info, NOT_FOUND, IDENTITY, PROCESS_INFO_OPEN, 0, 0, UINT32_MAX),
    HANDLE_ROWS(process_identify, SYSTEM, IDENTITY_BARE, PROCESS, 1, 1),
    ROW(process_identify, BAD_HANDLE, IDENTITY, CLOSED, 1, 1),
    ROW(process_identify, NO_RIGHT, IDENTITY, PROCESS_BARE, 1, 1),
    HANDLE_ROWS(process_watch, GATE, PROCESS_BARE, GATE, 1),
    ROW(process_watch, BAD_HANDLE, PROCESS, CLOSED, 1),
    ROW(process_watch, NO_RIGHT, PROCESS, GATE_BARE, 1),
    ROW(process_watch, WRONG_TYPE, PROCESS, ENDPOINT, 1),
    ROW(process_watch, BAD_ARGUMENT, PROCESS, GATE, 0),
    ROW(process_watch, BAD_ARGUMENT, PROCESS, GATE, NOTIFY_CLOSED | 1),
    ROW(process_watch, CLOSED, PROCESS_DONE, GATE_REVOKED, 1),
};

static const struct row thread_rows[] = {
    ROW(thread_create, BAD_ADDRESS, KERNEL, 0x1000),
    ROW(thread_create, BAD_ADDRESS, 0x1000, KERNEL),
    ROW(thread_create, BAD_ADDRESS, 0x1000, 0x1000, 0, KERNEL),
    ROW(thread_exit, BAD_ARGUMENT, 0, EDGE, PAGE_BYTES),
    ROW(thread_exit, BAD_ARGUMENT, 0, BUFFER, 1),
    ROW(thread_exit, BAD_ARGUMENT, 0, KERNEL, PAGE_BYTES),
    ROW(thread_exit, BAD_ARGUMENT, 0, 0xfffffffffffff000, PAGE_BYTES),
    ROW(thread_control, BAD_HANDLE, CLOSED, THREAD_GET_ID),
    ROW(thread_control, WRONG_TYPE, GATE, THREAD_GET_ID),
    ROW(thread_control, NO_RIGHT, THREAD_BARE, THREAD_GET_ID),
    ROW(thread_control, BAD_ARGUMENT, 0, 0),
    ROW(thread_control, BAD_ARGUMENT, 0, UINT64_MAX),
    ROW(thread_control, BAD_ADDRESS, 0, THREAD_SET_FS_BASE, KERNEL),
    ROW(thread_control, NO_RIGHT, 0, THREAD_SET_PRIORITY, PRIORITY_MAX + 1),
    ROW(thread_control, NO_RIGHT, 0, THREAD_SET_PRIORITY, UINT64_MAX),
    ROW(thread_control, BAD_ADDRESS, 0, THREAD_SET_UPCALL_STACK, KERNEL),
    HANDLE_ROWS(thread_upcall, GATE, THREAD_BARE, 1),
    ROW(thread_upcall, NO_RIGHT, PROCESS_BARE, 1),
    ROW(thread_upcall, CLOSED, PROCESS_DONE, 1),
    ROW(thread_upcall, CLOSED, PROCESS, 1), /* it has no thread */
    ROW(upcall_set, BAD_ADDRESS, KERNEL, 0, 0),
    ROW(upcall_set, BAD_ADDRESS, 0, 2, 1),
    ROW(upcall_set, BAD_ADDRESS, 0, 0, UINT64_MAX),
    ROW(upcall_return, BAD_ADDRESS, 0),
    ROW(upcall_return, BAD_ADDRESS, KERNEL),
    ROW(upcall_return, BAD_ADDRESS, UNMAPPED),
    ROW(upcall_return, BAD_ADDRESS, EDGE),
    ROW(futex_wait, BAD_ARGUMENT, BUFFER + 0x100000000, 0, 0, 0), /* misaligned, see fill_in */
    ROW(futex_wait, BAD_ADDRESS, 0, 0, 0, 0),
    ROW(futex_wait, BAD_ADDRESS, KERNEL, 0, 0, 0),
    ROW(futex_wait, BAD_ADDRESS, UNMAPPED, 0, 0, 0),
    ROW(futex_wait, BAD_ADDRESS, UNMAPPED, 0, 0, FUTEX_SHARED),
    ROW(futex_wait, WOULD_BLOCK, BUFFER, 1, 0, 0),
    ROW(futex_wait, TIMEOUT, BUFFER, 0, 0, 0),
    ROW(futex_wake, BAD_ARGUMENT, 1, 1, 0),
    ROW(futex_wake, BAD_ADDRESS, UNMAPPED, 1, FUTEX_SHARED),
    ROW(futex_wake, BAD_ADDRESS, KERNEL, 1, FUTEX_SHARED),
    ROW(futex_requeue, BAD_ARGUMENT, 1, 1, BUFFER, 1, 0),
    ROW(futex_requeue, BAD_ARGUMENT, BUFFER, 1, 3, 1, 0),
    ROW(futex_requeue, BAD_ADDRESS, BUFFER, 1, UNMAPPED, 1, FUTEX_SHARED),
};

static const struct row device_rows[] = {
    HANDLE_ROWS(irq_create, IDENTITY, SYSTEM_BARE, 6, 0),
    ROW(irq_create, BAD_ARGUMENT, SYSTEM, 2, 0),
    ROW(irq_create, BAD_ARGUMENT, SYSTEM, 64, 0),
    ROW(irq_create, BAD_ARGUMENT, SYSTEM, UINT64_MAX, 0),
    ROW(irq_create, BAD_ARGUMENT, SYSTEM, 6, 8),
    ROW(irq_create, BAD_ARGUMENT, SYSTEM, 6, IRQ_MESSAGE),
    ROW(irq_create, BAD_ARGUMENT, SYSTEM, 0, IRQ_MESSAGE | IRQ_LEVEL),
    ROW(irq_create, BUSY, SYSTEM, 5, 0),
    HANDLE_ROWS(irq_control, GATE, IRQ_BARE, IRQ_BIND, GATE, 1),
    ROW(irq_control, BAD_ARGUMENT, IRQ, 0),
    ROW(irq_control, BAD_STATE, IRQ, IRQ_ACKNOWLEDGE),
    ROW(irq_control, BAD_HANDLE, IRQ, IRQ_BIND, CLOSED, 1),
    ROW(irq_control, NO_RIGHT, IRQ, IRQ_BIND, GATE_BARE, 1),
    ROW(irq_control, BAD_ARGUMENT, IRQ, IRQ_BIND, GATE, 0),
    ROW(irq_control, BAD_ARGUMENT, IRQ, IRQ_BIND, GATE, NOTIFY_CLOSED),
    HANDLE_ROWS(ioports_create, IDENTITY, SYSTEM_BARE, 0x300, 1),
    ROW(ioports_create, BAD_ARGUMENT, SYSTEM, 0x10000, 1),
    ROW(ioports_create, BAD_ARGUMENT, SYSTEM, UINT64_MAX, 2),
    ROW(ioports_create, BAD_ARGUMENT, SYSTEM, 1, UINT64_MAX),
    HANDLE_ROWS(ioports_access, IRQ, PORTS_BARE, 0x300, 1, 0),
    ROW(ioports_access, NO_RIGHT, PORTS_BARE, 0x300, 1 | IOPORTS_OUT, 0),
    ROW(ioports_access, BAD_ARGUMENT, PORTS, 0x2ff, 1),
    HANDLE_ROWS(system_control, IDENTITY, SYSTEM_BARE, SYSTEM_POWER_OFF, 0),
    ROW(system_control, NO_RIGHT, SYSTEM_BARE, SYSTEM_REBOOT),
    ROW(system_control, NO_RIGHT, SYSTEM_BARE, SYSTEM_INFO, BUFFER),
    ROW(system_control, NO_RIGHT, SYSTEM_BARE, SYSTEM_LOG_WRITE, BUFFER, 1),
    ROW(system_control, NO_RIGHT, SYSTEM_BARE, SYSTEM_LOG_MEMORY),
    ROW(system_control, NO_RIGHT, SYSTEM_BARE, SYSTEM_CLAIM_SERIAL),
    ROW(system_control, NO_RIGHT, SYSTEM_BARE, SYSTEM_SET_WALL),
    ROW(system_control, NO_RIGHT, SYSTEM_BARE, SYSTEM_RELEASE_DMA),
    ROW(system_control, BAD_ARGUMENT, SYSTEM, 0),
    ROW(system_control, BAD_ARGUMENT, SYSTEM, UINT64_MAX),
    ROW(system_control, TOO_MANY, SYSTEM, SYSTEM_LOG_WRITE, BUFFER, 257),
    ROW(system_control, BAD_ADDRESS, SYSTEM, SYSTEM_LOG_WRITE, KERNEL, 1),
    ROW(system_control, BAD_ADDRESS, SYSTEM, SYSTEM_LOG_WRITE, EDGE, 16),
    ROW(system_control, BAD_ADDRESS, SYSTEM, SYSTEM_INFO, READ_ONLY),
    ROW(system_control, BAD_ADDRESS, SYSTEM, SYSTEM_INFO, 0),
    ROW(system_control, BAD_HANDLE, SYSTEM, SYSTEM_BIND_LOG, CLOSED, 1),
    ROW(system_control, NO_RIGHT, SYSTEM, SYSTEM_BIND_LOG, GATE_BARE, 1),
    {SYSCALL_COUNT, ERROR_BAD_SYSCALL, {0}},
    {(enum syscall_number)0x7fffffff, ERROR_BAD_SYSCALL, {0}},
};

static void stand_in_set(enum stand_in which, uint64_t value) {
    stand_ins[which - FIRST_STAND_IN] = value;
}

/* A handle and one to the same that has lost all rights but COPY. */
static void pair_set(enum stand_in which, handle_t handle) {
    handle_t bare = HANDLE_NONE;

    CHECK_OK(sys_handle_copy(handle, RIGHT_COPY, 0, &bare));
    stand_in_set(which, handle);
    stand_in_set((enum stand_in)(which + 1), bare);
}

static void thread_waits(void *endpoint) {
    struct message m = {.gate = (handle_t)(uintptr_t)endpoint, .deadline = DEADLINE_NEVER};

    CHECK_OK(message_receive(&m));
}

static int exit_at_once(uint64_t status) {
    return (int)status;
}

static struct thread waiting;
static handle_t waiting_endpoint, waiting_gate;

static void objects_make(void) {
    handle_t handle = HANDLE_NONE, copy = HANDLE_NONE;

    pair_set(ENDPOINT, endpoint_new());
    stand_in_set(WIDE, stand_ins[ENDPOINT - FIRST_STAND_IN] | (uint64_t)1 << 32);
    pair_set(GATE, gate_new((handle_t)stand_ins[ENDPOINT - FIRST_STAND_IN], 1));
    handle = gate_new((handle_t)stand_ins[ENDPOINT - FIRST_STAND_IN], 2);
    CHECK_OK(sys_gate_revoke(handle));
    stand_in_set(GATE_REVOKED, handle);
    pair_set(MEMORY, memory_new(4));
    CHECK_OK(sys_process_create(HANDLE_NONE, "argument", &handle));
    pair_set(PROCESS, handle);
    handle = child_start(exit_at_once, 0);
    CHECK_OK(sys_handle_copy(handle, RIGHTS_ALL, 0, &copy));
    (void)child_wait(handle);
    stand_in_set(PROCESS_DONE, copy);
    waiting_endpoint = endpoint_new();
    waiting_gate = gate_new(waiting_endpoint, 1);
    CHECK_OK(thread_start(&waiting, thread_waits, (void *)(uintptr_t)waiting_endpoint, 0));
    pair_set(THREAD, thread_opened(waiting.id));
    pair_set(BUDGET, budget_new(test_budget, 100));
    CHECK_OK(sys_irq_create(test_system, 5, 0, &handle));
    pair_set(IRQ, handle);
    CHECK_OK(sys_ioports_create(test_system, 0x300, 8, &handle));
    pair_set(PORTS, handle);
    pair_set(SYSTEM, test_system);
    pair_set(IDENTITY, test_identity);
    stand_in_set(SELF, test_self);
    handle = endpoint_new();
    closed(handle);
    stand_in_set(CLOSED, handle + 1000);
    stand_in_set(KERNEL, KERNEL_ADDRESS);
}

static char *pages;

static void pages_make(void) {
    pages = pages_map(HANDLE_NONE, 4, MAP_READ | MAP_WRITE | MAP_POPULATE);
    uint64_t at = (uint64_t)(uintptr_t)pages;

    stand_in_set(BUFFER, at);
    stand_in_set(EDGE, at + 2 * PAGE_BYTES - 8);
    pages_unmap(pages + 2 * PAGE_BYTES, 1);
    stand_in_set(UNMAPPED, at + 2 * PAGE_BYTES);
    CHECK_OK(sys_protect(HANDLE_NONE, at + 3 * PAGE_BYTES, PAGE_BYTES, MAP_READ));
    stand_in_set(READ_ONLY, at + 3 * PAGE_BYTES);
}

static void objects_close(void) {
    struct message m = {.gate = waiting_gate, .deadline = DEADLINE_NEVER};

    CHECK_OK(message_send(&m));
    thread_join(&waiting);
    closed(waiting_gate);
    closed(waiting_endpoint);
    for (unsigned i = ENDPOINT; i <= IDENTITY_BARE; i++) {
        if (i != SYSTEM && i != IDENTITY) {
            closed((handle_t)stand_ins[i - FIRST_STAND_IN]);
        }
    }
    pages_unmap(pages, 4);
}

static uint64_t fill_in(uint64_t value) {
    if (value >= FIRST_STAND_IN && value < STAND_IN_END) {
        return stand_ins[value - FIRST_STAND_IN];
    }
    if (value == (uint64_t)BUFFER + 0x100000000) {
        return stand_ins[BUFFER - FIRST_STAND_IN] + 2;
    }
    return value;
}

/* Counts that a refused call leaves as they are. */
static void figures_read(struct system_info *info) {
    CHECK_OK(sys_system_control(test_system, SYSTEM_INFO, (uint64_t)(uintptr_t)info, 0, 0, NULL));
    info->idle_ns = info->context_switches = info->interrupts = info->system_calls = 0;
    info->lock_ticks = info->moves = 0;
    info->frames_free = 0; /* the scrubber and the reaper are at work too */
}

static void rows_run(const struct row *rows, unsigned n) {
    struct system_info before, after;

    objects_make();
    pages_make();
    memset(&before, 0, sizeof(before));
    memset(&after, 0, sizeof(after));
    for (unsigned i = 0; i < n; i++) {
        uint64_t values[RAW_REGISTERS];

        for (unsigned j = 0; j < RAW_REGISTERS; j++) {
            values[j] = fill_in(rows[i].v[j]);
        }
        figures_read(&before);
        uint64_t used = budget_used(test_budget);
        int64_t status = call_raw(rows[i].number, values);

        if (status != rows[i].status) {
            test_print("# row %u, system call %u: %d, not %d\n", i, rows[i].number, (int)status,
                       rows[i].status);
            CHECK(status == rows[i].status);
        }
        CHECK(budget_used(test_budget) == used);
        figures_read(&after);
        CHECK(memcmp(&before, &after, sizeof(before)) == 0);
        /* What crosses into a missing page may have been stored up to there. */
        for (unsigned j = 0; j < 2 * PAGE_BYTES - 8; j++) {
            CHECK(pages[j] == 0);
        }
        memset(pages, 0, 2 * PAGE_BYTES);
    }
    objects_close();
}

static void messages(void) {
    rows_run(message_rows, ARRAY_SIZE(message_rows));
}

static void handles(void) {
    rows_run(handle_rows, ARRAY_SIZE(handle_rows));
}

static void memory(void) {
    rows_run(memory_rows, ARRAY_SIZE(memory_rows));
}

static void processes(void) {
    rows_run(process_rows, ARRAY_SIZE(process_rows));
}

static void threads(void) {
    rows_run(thread_rows, ARRAY_SIZE(thread_rows));
}

static void devices(void) {
    rows_run(device_rows, ARRAY_SIZE(device_rows));
}

/* Every call is in a table, but for those that have nothing to refuse. */
static void complete(void) {
    static const struct {
        const struct row *rows;
        unsigned n;
    } tables[] = {
        {message_rows, ARRAY_SIZE(message_rows)}, {handle_rows, ARRAY_SIZE(handle_rows)},
        {memory_rows, ARRAY_SIZE(memory_rows)},   {process_rows, ARRAY_SIZE(process_rows)},
        {thread_rows, ARRAY_SIZE(thread_rows)},   {device_rows, ARRAY_SIZE(device_rows)},
    };
    bool seen[SYSCALL_COUNT] = {[SYSCALL_null] = true,
                                [SYSCALL_endpoint_create] = true,
                                [SYSCALL_process_fork] = true,
                                [SYSCALL_process_exit] = true};

    for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
        for (unsigned j = 0; j < tables[i].n; j++) {
            if (tables[i].rows[j].number < SYSCALL_COUNT) {
                seen[tables[i].rows[j].number] = true;
            }
        }
    }
    for (unsigned i = 0; i < SYSCALL_COUNT; i++) {
        CHECK(seen[i]);
    }
}

const struct test argument_tests[] = {
    {"argument tables are complete", complete},
    {"argument of messages", messages},
    {"argument of handles and budgets", handles},
    {"argument of memory", memory},
    {"argument of processes", processes},
    {"argument of threads", threads},
    {"argument of devices", devices},
    {NULL, NULL},
};
