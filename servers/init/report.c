/* SPDX-License-Identifier: MIT */
/* The end of a service, as the log tells it: program, cause, address, registers, and who called
 * whom, with names from its file. */
#include "abi/kernel.h"
#include "lib/base/elf.h"
#include "lib/base/format.h"
#include "lib/native/log.h"
#include "lib/native/syscall.h"
#include "servers/init/service.h"

static const char *const exception_names[] = {
    "division by zero",
    "debug exception",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound exceeded",
    "invalid instruction",
    "no coprocessor",
    "double fault",
    "coprocessor overrun",
    "invalid task state",
    "segment not present",
    "stack fault",
    "protection fault",
    "page fault",
    "reserved",
    "floating-point",
    "alignment check",
    "machine check",
    "vector floating-point",
};

struct symbol_source {
    struct elf_source source;
    struct elf_symbols symbols;
    bool has_symbols;
};

/*
 * `back` is 1 for return addresses: the call before it is what matters, and may be the last
 * instruction of its function.
 */
static void report_address(const struct symbol_source *source, const char *what, uint64_t address,
                           unsigned back) {
    char name[64];
    uint64_t offset;

    if (source->has_symbols && elf_symbols_find(&source->symbols, &source->source, address - back,
                                                name, sizeof name, &offset) == ELF_OK) {
        log_write(LOG_ERROR, "  %s %#llx %s + %#llx", what, (unsigned long long)address, name,
                  (unsigned long long)offset + back);
    } else {
        log_write(LOG_ERROR, "  %s %#llx", what, (unsigned long long)address);
    }
}

static void report_registers(const struct user_registers *r) {
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        {"rax", r->rax}, {"rbx", r->rbx}, {"rcx", r->rcx}, {"rdx", r->rdx},
        {"rsi", r->rsi}, {"rdi", r->rdi}, {"rbp", r->rbp}, {"rsp", r->rsp},
        {"r8", r->r8},   {"r9", r->r9},   {"r10", r->r10}, {"r11", r->r11},
        {"r12", r->r12}, {"r13", r->r13}, {"r14", r->r14}, {"r15", r->r15},
    };

    for (size_t i = 0; i < ARRAY_SIZE(list); i += 4) {
        log_write(LOG_ERROR, "  %3s %016llx  %3s %016llx  %3s %016llx  %3s %016llx", list[i].name,
                  (unsigned long long)list[i].value, list[i + 1].name,
                  (unsigned long long)list[i + 1].value, list[i + 2].name,
                  (unsigned long long)list[i + 2].value, list[i + 3].name,
                  (unsigned long long)list[i + 3].value);
    }
}

static void report_fault(const struct service *service, const struct death_record *death) {
    const char *name = service->manifest.name;

    if (death->cause == DEATH_BUDGET) {
        log_write(LOG_ERROR, "%s ended: out of budget at %#llx", name,
                  (unsigned long long)death->fault_address);
    } else if (death->vector == 14) {
        log_write(LOG_ERROR, "%s ended: page fault at %#llx (%s, error %#x)", name,
                  (unsigned long long)death->fault_address,
                  (death->error_code & 16) != 0  ? "executing"
                  : (death->error_code & 2) != 0 ? "writing"
                                                 : "reading",
                  death->error_code);
    } else {
        log_write(LOG_ERROR, "%s ended: %s (vector %u, error %#x)", name,
                  death->vector < ARRAY_SIZE(exception_names) ? exception_names[death->vector]
                                                              : "exception",
                  death->vector, death->error_code);
    }
}

static void report_places(const struct service *service, const struct death_record *death) {
    struct symbol_source source = {.source = {elf_read_memory,
                                              (void *)(uintptr_t)service->program.data,
                                              service->program.size}};

    source.has_symbols = elf_symbols_open(&source.symbols, &source.source) == ELF_OK;
    report_address(&source, "at  ", death->registers.rip, 0);
    for (uint32_t i = 0; i < MIN(death->n_backtrace, (uint32_t)ARRAY_SIZE(death->backtrace)); i++) {
        if (i > 0 || death->backtrace[i] != death->registers.rip) {
            report_address(&source, "from", death->backtrace[i], 1);
        }
    }
}

void service_report(struct service *service) {
    struct death_record death;
    const char *name = service->manifest.name;

    if (sys_process_info(service->process, PROCESS_INFO_DEATH, &death, sizeof death, 0, NULL,
                         NULL) != OK) {
        log_write(LOG_WARNING, "%s ended", name);
        return;
    }
    switch ((enum death_cause)death.cause) {
    case DEATH_FAULT:
    case DEATH_BUDGET:
        report_fault(service, &death);
        report_places(service, &death);
        report_registers(&death.registers);
        break;
    case DEATH_KILLED:
        log_write(LOG_WARNING, "%s was ended", name);
        break;
    default:
        if (death.status == 0) {
            log_write(LOG_INFO, "%s ended", name);
        } else {
            log_write(LOG_WARNING, "%s ended with status %d", name, death.status);
        }
    }
}
