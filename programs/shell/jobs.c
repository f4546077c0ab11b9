/* SPDX-License-Identifier: MIT */
#include "programs/shell/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "programs/common/allocate.h"
#include "programs/common/number.h"

struct job *jobs_add(struct jobs *jobs, const char *text) {
    struct job **end = &jobs->first;
    struct job *job = checked_malloc(sizeof *job);

    *job = (struct job){.number = 1, .text = checked_strdup(text)};
    for (; *end != NULL; end = &(*end)->next) {
        job->number = (*end)->number + 1;
    }
    *end = job;
    return job;
}

static struct process *add_process(struct job *job, pid_t pid, const char *name) {
    struct process *process = NULL;

    job->processes = checked_realloc(job->processes, job->n_processes + 1, sizeof *job->processes);
    process = &job->processes[job->n_processes++];
    *process = (struct process){.pid = pid, .name = checked_strdup(name)};
    return process;
}

void job_add_process(struct job *job, pid_t pid, const char *name) {
    add_process(job, pid, name);
}

void job_add_failure(struct job *job, int status, const char *name) {
    struct process *process = add_process(job, 0, name);

    process->state = PROCESS_ENDED;
    process->wait_status = (status & 0xff) << 8; /* as exit(status) would have left it */
}

static enum process_state state_of(int wait_status) {
    return WIFSTOPPED(wait_status)     ? PROCESS_STOPPED
           : WIFCONTINUED(wait_status) ? PROCESS_RUNNING
                                       : PROCESS_ENDED;
}

struct job *jobs_update(struct jobs *jobs, pid_t pid, int wait_status) {
    for (struct job *job = jobs->first; job != NULL; job = job->next) {
        for (size_t i = 0; i < job->n_processes; i++) {
            struct process *process = &job->processes[i];

            /* An ended one's id may be in use again. */
            if (process->pid != pid || process->state == PROCESS_ENDED) {
                continue;
            }
            process->state = state_of(wait_status);
            process->wait_status = wait_status;
            job->changed = job_state(job) != PROCESS_RUNNING;
            return job;
        }
    }
    return NULL;
}

enum process_state job_state(const struct job *job) {
    enum process_state state = PROCESS_ENDED;

    for (size_t i = 0; i < job->n_processes; i++) {
        if (job->processes[i].state == PROCESS_RUNNING) {
            return PROCESS_RUNNING;
        }
        if (job->processes[i].state == PROCESS_STOPPED) {
            state = PROCESS_STOPPED;
        }
    }
    return state;
}

static int status_of(int wait_status) {
    return WIFSIGNALED(wait_status)  ? 128 + WTERMSIG(wait_status)
           : WIFSTOPPED(wait_status) ? 128 + WSTOPSIG(wait_status)
                                     : WEXITSTATUS(wait_status);
}

int job_status(const struct job *job) {
    /* Stopped: the last process may long have ended; what counts is why we are back. */
    if (job_state(job) == PROCESS_STOPPED) {
        for (size_t i = 0; i < job->n_processes; i++) {
            if (job->processes[i].state == PROCESS_STOPPED) {
                return status_of(job->processes[i].wait_status);
            }
        }
    }
    return job->n_processes == 0 ? 0 : status_of(job->processes[job->n_processes - 1].wait_status);
}

void job_mark_running(struct job *job) {
    for (size_t i = 0; i < job->n_processes; i++) {
        if (job->processes[i].state == PROCESS_STOPPED) {
            job->processes[i].state = PROCESS_RUNNING;
        }
    }
    job->changed = 0;
}

/* The newest job, other than *except*, that is stopped, else the newest of all others. */
static struct job *newest(const struct jobs *jobs, const struct job *except) {
    struct job *running = NULL;
    struct job *stopped = NULL;

    for (struct job *job = jobs->first; job != NULL; job = job->next) {
        if (job == except) {
            continue;
        }
        running = job;
        if (job_state(job) == PROCESS_STOPPED) {
            stopped = job;
        }
    }
    return stopped != NULL ? stopped : running;
}

struct job *jobs_current(const struct jobs *jobs) {
    return newest(jobs, NULL);
}

struct job *jobs_find(const struct jobs *jobs, const char *name) {
    uint64_t number = 0;

    if (strcmp(name, "%%") == 0 || strcmp(name, "%+") == 0 || strcmp(name, "%") == 0) {
        return jobs_current(jobs);
    }
    if (strcmp(name, "%-") == 0) {
        return newest(jobs, jobs_current(jobs));
    }
    if (number_parse(name + (*name == '%'), 0x7fffffff, &number) != 0 || number == 0) {
        return NULL;
    }
    for (struct job *job = jobs->first; job != NULL; job = job->next) {
        if (*name == '%') {
            if (job->number == number) {
                return job;
            }
            continue;
        }
        for (size_t i = 0; i < job->n_processes; i++) {
            if (job->processes[i].pid == (pid_t)number) {
                return job;
            }
        }
    }
    return NULL;
}

void job_describe(const struct job *job, struct text *output) {
    const struct process *last = &job->processes[job->n_processes - 1];
    char state[64] = "Running";

    if (job_state(job) == PROCESS_STOPPED) {
        snprintf(state, sizeof state, "Stopped");
    } else if (job_state(job) == PROCESS_ENDED && WIFSIGNALED(last->wait_status)) {
        snprintf(state, sizeof state, "%s", strsignal(WTERMSIG(last->wait_status)));
    } else if (job_state(job) == PROCESS_ENDED && job_status(job) != 0) {
        snprintf(state, sizeof state, "Exit %d", job_status(job));
    } else if (job_state(job) == PROCESS_ENDED) {
        snprintf(state, sizeof state, "Done");
    }
    text_append_format(output, "[%u] %ld %-10s %s\n", job->number, (long)last->pid, state,
                       job->text);
}

void jobs_remove(struct jobs *jobs, struct job *job) {
    struct job **link = &jobs->first;

    while (*link != job) {
        link = &(*link)->next;
    }
    *link = job->next;
    for (size_t i = 0; i < job->n_processes; i++) {
        free(job->processes[i].name);
    }
    free(job->processes);
    free(job->text);
    free(job);
}

void jobs_free(struct jobs *jobs) {
    while (jobs->first != NULL) {
        jobs_remove(jobs, jobs->first);
    }
}
