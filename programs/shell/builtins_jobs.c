/* SPDX-License-Identifier: MIT */
#include "programs/shell/builtins.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/kill_command.h"
#include "programs/common/report.h"
#include "programs/common/stream.h"
#include "programs/shell/control.h"

/* The job that an argument names, or the current one; null after a report. */
static struct job *find_job(struct shell *shell, const char *command, const char *name) {
    struct job *job = name == NULL ? jobs_current(&shell->jobs) : jobs_find(&shell->jobs, name);

    if (job == NULL && name == NULL) {
        report("%s: there is no job", command);
    } else if (job == NULL) {
        report("%s: %s: no such job", command, name);
    }
    return job;
}

int builtin_jobs(struct shell *shell, char **arguments, size_t n) {
    struct text output = {0};
    struct job *next = NULL;
    int status = 0;

    (void)arguments;
    (void)n;
    control_poll(shell);
    for (struct job *job = shell->jobs.first; job != NULL; job = next) {
        next = job->next;
        job_describe(job, &output);
        job->changed = 0;
        if (job_state(job) == PROCESS_ENDED) {
            jobs_remove(&shell->jobs, job);
        }
    }
    status = builtin_print("jobs", &output);
    text_free(&output);
    return status;
}

/* Waits for one job; the status, or that of being interrupted. */
static int wait_for(struct shell *shell, struct job *job) {
    int status = 0;

    if (control_wait_background(shell, job) != 0) {
        return STATUS_SIGNAL + SIGINT;
    }
    status = job_status(job);
    if (job_state(job) == PROCESS_ENDED) {
        if (shell->interactive) {
            control_print_job(STDERR_FILENO, job);
        }
        jobs_remove(&shell->jobs, job);
    }
    return status;
}

int builtin_wait(struct shell *shell, char **arguments, size_t n) {
    int status = 0;
    struct job *next = NULL;

    if (n == 1) {
        for (struct job *job = shell->jobs.first; job != NULL && !shell_interrupted; job = next) {
            next = job->next;
            status = wait_for(shell, job);
        }
        return shell_interrupted ? status : 0;
    }
    for (size_t i = 1; i < n && !shell_interrupted; i++) {
        struct job *job = find_job(shell, "wait", arguments[i]);

        status = job == NULL ? STATUS_NOT_FOUND : wait_for(shell, job);
    }
    return status;
}

int builtin_fg(struct shell *shell, char **arguments, size_t n) {
    struct job *job = NULL;
    struct text line = {0};

    control_poll(shell);
    job = find_job(shell, "fg", n > 1 ? arguments[1] : NULL);
    if (job == NULL) {
        return 1;
    }
    text_append_format(&line, "%s\n", job->text);
    builtin_print("fg", &line);
    text_free(&line);
    job->background = 0;
    control_give_terminal(shell, job);
    if (job_state(job) == PROCESS_STOPPED) {
        control_continue(shell, job);
    }
    return control_wait(shell, job);
}

int builtin_bg(struct shell *shell, char **arguments, size_t n) {
    int status = 0;

    control_poll(shell);
    for (size_t i = 1; i == 1 || i < n; i++) {
        struct job *job = find_job(shell, "bg", i < n ? arguments[i] : NULL);

        if (job == NULL || job_state(job) != PROCESS_STOPPED) {
            if (job != NULL) {
                report("bg: %s: it is not stopped", job->text);
            }
            status = 1;
        } else if (control_continue(shell, job) == 0) {
            control_print_job(STDERR_FILENO, job);
        } else {
            status = 1;
        }
    }
    return status;
}

/* Signals a whole job, or a process as the program does. */
static int send_to_job(void *context, const char *target, int signal) {
    struct shell *shell = context;
    struct job *job = NULL;
    int failed = 0;

    if (*target != '%') {
        return kill_send_to_number(NULL, target, signal);
    }
    job = find_job(shell, "kill", target);
    if (job == NULL) {
        return -1;
    }
    if (job->group != 0) {
        failed = kill(-job->group, signal) != 0;
    }
    for (size_t i = 0; i < job->n_processes && job->group == 0; i++) {
        if (job->processes[i].state != PROCESS_ENDED) {
            failed |= kill(job->processes[i].pid, signal) != 0;
        }
    }
    if (failed) {
        report("kill: %s: %s", target, strerror(errno));
        return -1;
    }
    /* A stopped one would act on it only when it goes on. */
    if (job_state(job) == PROCESS_STOPPED && (signal == SIGTERM || signal == SIGHUP)) {
        control_continue(shell, job);
    }
    return 0;
}

int builtin_kill(struct shell *shell, char **arguments, size_t n) {
    int status = 0;

    (void)n;
    control_poll(shell);
    status = kill_command(arguments + 1, send_to_job, shell);
    return fflush(stdout) == 0 ? status : 1;
}
