/* SPDX-License-Identifier: MIT */
/*
 * The pipelines that were started and have not been forgotten: which processes each has, what
 * became of them. Keeps the books only; waiting for them is the work of control.h.
 *
 * Invariant: numbers are unique, and the list is sorted by them.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "programs/common/text.h"

enum process_state { PROCESS_RUNNING, PROCESS_STOPPED, PROCESS_ENDED };

struct process {
    pid_t pid; /* 0 for a command that could not be started; then it has ended */
    enum process_state state;
    int wait_status; /* as waitpid gives it, unless running */
    char *name;      /* of the program */
};

struct job {
    struct job *next;
    unsigned number; /* from 1 */
    pid_t group;     /* process group, 0 without job control */
    struct process *processes;
    size_t n_processes;
    char *text;     /* as typed */
    int background; /* nobody waits for it at the prompt */
    int changed;    /* stopped or ended since the user was last told */
};

/* A zeroed struct is empty. */
struct jobs {
    struct job *first;
};

/* Adds an empty job with the lowest number above all others. *text* is copied. */
struct job *jobs_add(struct jobs *jobs, const char *text);

/* Adds a running process; name is copied. */
void job_add_process(struct job *job, pid_t pid, const char *name);

/* Adds a command that could not be started, as if it had ended with *status*. */
void job_add_failure(struct job *job, int status, const char *name);

/* Takes note of what waitpid reported. Returns the job, or null if the process is in none. */
struct job *jobs_update(struct jobs *jobs, pid_t pid, int wait_status);

/* Ended if every process has; else stopped if no process runs. */
enum process_state job_state(const struct job *job);

/* The shell's idea of an exit status: 128 + n for signal n. For a job that is its last process's.
 */
int job_status(const struct job *job);

/* Makes the processes count as running again, before they are continued. */
void job_mark_running(struct job *job);

/* The job for "%2", "%%" or "%+" (the newest), "%-" (the one before it), or a number that is the
 * id of one of its processes; null if there is none. */
struct job *jobs_find(const struct jobs *jobs, const char *name);

/* The most recent job, stopped ones first; null if there is none. */
struct job *jobs_current(const struct jobs *jobs);

/* Appends "[1] PID state  text\n". */
void job_describe(const struct job *job, struct text *output);

void jobs_remove(struct jobs *jobs, struct job *job);

/* Forgets all, without a word to the processes. */
void jobs_free(struct jobs *jobs);
