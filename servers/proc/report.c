/* SPDX-License-Identifier: MIT */
/*
 * The death record of a program, as lines of the log. Names of functions come from the program of
 * that name in the boot archive; for one from elsewhere there are only addresses.
 */
#include "abi/kernel.h"
#include "lib/base/elf.h"
#include "lib/base/format.h"
#include "lib/native/log.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/init/archive.h"
#include "servers/proc/member.h"

static const char *const exceptions[] = {
    "division error",
    "debug trap",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid instruction",
    "no coprocessor",
    "double fault",
    "coprocessor overrun",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "?",
    "floating-point error",
    "alignment check",
    "machine check",
    "SIMD floating-point error",
};

static void report_registers(const struct user_registers *r) {
    log_write(LOG_REPORT, "  rax %016llx rbx %016llx rcx %016llx rdx %016llx",
              (unsigned long long)r->rax, (unsigned long long)r->rbx, (unsigned long long)r->rcx,
              (unsigned long long)r->rdx);
    log_write(LOG_REPORT, "  rsi %016llx rdi %016llx rbp %016llx rsp %016llx",
              (unsigned long long)r->rsi, (unsigned long long)r->rdi, (unsigned long long)r->rbp,
              (unsigned long long)r->rsp);
    log_write(LOG_REPORT, "  r8  %016llx r9  %016llx r10 %016llx r11 %016llx",
              (unsigned long long)r->r8, (unsigned long long)r->r9, (unsigned long long)r->r10,
              (unsigned long long)r->r11);
    log_write(LOG_REPORT, "  r12 %016llx r13 %016llx r14 %016llx r15 %016llx",
              (unsigned long long)r->r12, (unsigned long long)r->r13, (unsigned long long)r->r14,
              (unsigned long long)r->r15);
}

/* ---- names ---- */

struct names {
    struct elf_source source;
    struct elf_symbols symbols;
    bool are_there;
};

/* Opens the symbols of the program with this name. */
static struct names names_of(const char *program) {
    static const char *const folders[] = {"/bin/", "/tests/"};
    static struct archive archive; /* stays mapped */
    struct names names = {.are_there = false};
    struct archive_file file;
    char path[64];

    if (archive.bytes == NULL &&
        archive_open(&archive, startup_handle(STARTUP_MEMORY, "archive")) != OK) {
        return names;
    }
    for (size_t i = 0; i < ARRAY_SIZE(folders) && !names.are_there; i++) {
        size_t length = format_buffer(path, sizeof path, "%s%s", folders[i], program);

        if (length < sizeof path && archive_find(&archive, path, &file)) {
            names.source =
                (struct elf_source){elf_read_memory, (void *)(uintptr_t)file.data, file.size};
            names.are_there = elf_symbols_open(&names.symbols, &names.source) == ELF_OK;
        }
    }
    return names;
}

static void report_place(const struct names *names, const char *what, uint64_t address) {
    char name[64];
    uint64_t offset;

    if (names->are_there && elf_symbols_find(&names->symbols, &names->source, address, name,
                                             sizeof name, &offset) == ELF_OK) {
        log_write(LOG_REPORT, "  %s %#llx %s + %#llx", what, (unsigned long long)address, name,
                  (unsigned long long)offset);
    } else {
        log_write(LOG_REPORT, "  %s %#llx", what, (unsigned long long)address);
    }
}

/*
 * A report is some 20 lines, which people see on the serial line whatever they do there, and a
 * program can die a hundred times a second. So, when more come than a second may have, one each
 * two, four ... seconds is left, until it is quiet for so long.
 */
static bool may_report(void) {
    enum { FIRST = 4, PERIOD_S = 1, PERIOD_MAX_S = 64 };
    static uint64_t end_ns, period_ns;
    static unsigned allowed, n_left_out;
    uint64_t now = time_now_ns();

    if (now >= end_ns) {
        bool is_calm = n_left_out == 0 || now - end_ns >= period_ns;

        if (n_left_out != 0) {
            log_write(LOG_REPORT, "%u more programs ended by faults, without a report", n_left_out);
        }
        n_left_out = 0;
        allowed = is_calm ? FIRST : 1;
        period_ns = is_calm ? PERIOD_S * NS_PER_S : MIN(period_ns * 2, PERIOD_MAX_S * NS_PER_S);
        end_ns = now + period_ns;
    }
    if (allowed == 0) {
        n_left_out++;
        return false;
    }
    allowed--;
    return true;
}

void report_death(const struct member *member) {
    struct process_status status;
    struct death_record death;

    if (!may_report()) {
        return;
    }
    if (sys_process_info(member->process, PROCESS_INFO_STATUS, &status, sizeof status, 0, NULL,
                         NULL) != OK ||
        sys_process_info(member->process, PROCESS_INFO_DEATH, &death, sizeof death, 0, NULL,
                         NULL) != OK) {
        return;
    }
    const char *what = death.vector < ARRAY_SIZE(exceptions) ? exceptions[death.vector] : "?";

    log_write(LOG_REPORT, "%s (pid %u) ended: %s%s at %016llx, address %016llx, error %x",
              status.name, member->pid, what, death.cause == DEATH_BUDGET ? " (out of budget)" : "",
              (unsigned long long)death.registers.rip, (unsigned long long)death.fault_address,
              death.error_code);
    report_registers(&death.registers);
    const struct names names = names_of(status.name);

    for (uint32_t i = 0; i < MIN(death.n_backtrace, (uint32_t)ARRAY_SIZE(death.backtrace)); i++) {
        report_place(&names, i == 0 ? "at  " : "from", death.backtrace[i]);
    }
}
