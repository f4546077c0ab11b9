/* SPDX-License-Identifier: MIT */
/*
 * ps: the processes. The process server lists them in a file, /proc/list, one line for each:
 *
 *     pid ppid pgid sid state cpu_ns pages threads name
 *
 * numbers but for the state, a word, and the name, which is the rest of the line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/options.h"
#include "programs/common/path.h"
#include "programs/common/report.h"
#include "programs/common/text.h"
#include "programs/common/width.h"

static const char help[] =
    "ps [-l] [DIRECTORY]\n"
    "Lists the processes: id, parent, state, processor time, memory, threads.\n"
    "  -l  process group and session too\n"
    "  DIRECTORY  where the process server is, /proc unless told otherwise";

#define PAGE_KIB 4

struct process {
    int64_t pid, parent, group, session;
    char state[16];
    uint64_t cpu_ns, pages, threads;
    const char *name; /* in the line */
};

/* Takes a line apart; returns 0, or -1 if it is not what it should be. */
static int parse(const char *line, struct process *process) {
    int end = 0;
    int n = sscanf(line,
                   "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %15s %" SCNu64 " %" SCNu64
                   " %" SCNu64 " %n",
                   &process->pid, &process->parent, &process->group, &process->session,
                   process->state, &process->cpu_ns, &process->pages, &process->threads, &end);

    process->name = line + end;
    return n == 8 && end > 0 ? 0 : -1;
}

/* Minutes, seconds and hundredths. */
static void show_time(uint64_t ns) {
    uint64_t hundredths = ns / 10000000;

    printf(" %5" PRIu64 ":%02u.%02u", hundredths / 6000, (unsigned)(hundredths / 100 % 60),
           (unsigned)(hundredths % 100));
}

static void show(const struct process *process, int is_long) {
    struct text name = {0};

    width_visible(&name, process->name, strlen(process->name));
    printf("%5" PRId64 " %5" PRId64, process->pid, process->parent);
    if (is_long) {
        printf(" %5" PRId64 " %5" PRId64, process->group, process->session);
    }
    printf(" %-8s", process->state);
    show_time(process->cpu_ns);
    printf(" %7" PRIu64 "K %3" PRIu64 " %s\n", process->pages * PAGE_KIB, process->threads,
           text_string(&name));
    text_free(&name);
}

static int list(FILE *file, const char *path, int is_long) {
    char *line = NULL;
    size_t size = 0;
    int status = 0;

    printf("  PID  PPID%s STATE          TIME   MEMORY THR NAME\n", is_long ? "  PGID   SID" : "");
    for (ssize_t length; (length = getline(&line, &size, file)) > 0;) {
        struct process process = {0};

        line[strcspn(line, "\n")] = '\0';
        if (parse(line, &process) == 0) {
            show(&process, is_long);
        } else {
            report("%s: cannot make sense of this line: %s", path, line);
            status = 1;
        }
    }
    if (ferror(file)) {
        report_errno(path);
        status = 1;
    }
    free(line);
    return status;
}

int main(int argc, char **argv) {
    struct options options;
    FILE *file = NULL;
    char *path = NULL;
    int is_long = 0;
    int status = 1;

    report_begin("ps");
    options = options_begin(argc, argv, "l", help);
    while (options_next(&options) != OPTIONS_END) {
        is_long = 1;
    }
    if (options.n_operands > 1) {
        options_fail(&options, "too many arguments");
    }
    path = path_join(options.n_operands == 1 ? options.operands[0] : "/proc", "list");
    file = fopen(path, "r");
    if (file == NULL) {
        report_errno(path);
    } else {
        status = list(file, path, is_long);
        fclose(file);
    }
    free(path);
    report_exit(status);
}
