/* SPDX-License-Identifier: MIT */
#include "kernel/ioports.h"

#include "abi/kernel.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/process.h"
#include "kernel/syscall.h"

#define N_IO_PORTS 0x10000ULL

/* (system, first port, n_ports) -> ioports */
status_t sys_ioports_create(struct thread *thread, struct object *system) {
    const struct registers *registers = &thread->registers;
    struct object *object;
    struct ioports *ioports;
    status_t status;

    (void)system;
    if (registers->rdx == 0 || !u64_range_is_within(registers->rsi, registers->rdx, N_IO_PORTS)) {
        return ERROR_BAD_ARGUMENT;
    }
    status = object_create(OBJECT_IOPORTS, thread->process->space->budget, &object);
    if (status != OK) {
        return status;
    }
    ioports = CONTAINER_OF(object, struct ioports, object);
    ioports->first = (uint32_t)registers->rsi;
    ioports->n_ports = (uint32_t)registers->rdx;
    return handle_give(thread, object, RIGHTS_ALL);
}

static void port_access(uint16_t port, unsigned size, bool out, uint64_t *value) {
    if (size == 1 && out) {
        io_out8(port, (uint8_t)*value);
    } else if (size == 1) {
        *value = io_in8(port);
    } else if (size == 2 && out) {
        io_out16(port, (uint16_t)*value);
    } else if (size == 2) {
        *value = io_in16(port);
    } else if (out) {
        io_out32(port, (uint32_t)*value);
    } else {
        *value = io_in32(port);
    }
}

/* [book:ioports-access] */
/* (ioports, port, operation, value) -> value */
status_t sys_ioports_access(struct thread *thread) {
    struct registers *registers = &thread->registers;
    bool out = (registers->rdx & IOPORTS_OUT) != 0;
    uint64_t size = registers->rdx & ~(uint64_t)IOPORTS_OUT;
    struct object *object;
    const struct ioports *ioports;
    status_t status = handle_find(&thread->process->handles, registers->rdi, OBJECT_IOPORTS,
                                  out ? RIGHT_WRITE : RIGHT_READ, &object);

    if (status != OK) {
        return status;
    }
    ioports = CONTAINER_OF(object, struct ioports, object);
    if ((size != 1 && size != 2 && size != 4) || registers->rsi < ioports->first ||
        !u64_range_is_within(registers->rsi - ioports->first, size, ioports->n_ports)) {
        return ERROR_BAD_ARGUMENT;
    }
    port_access((uint16_t)registers->rsi, (unsigned)size, out,
                out ? &registers->r10 : &registers->rdx);
    return OK;
}
/* [/book] */
