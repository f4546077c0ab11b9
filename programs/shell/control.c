/* SPDX-License-Identifier: MIT */
#include "programs/shell/control.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "programs/common/report.h"
#include "programs/common/stream.h"

/* Job control moves the terminal on standard input. */
#define TERMINAL STDIN_FILENO

/* How often a shell started in the background tries to become the foreground. In a group that
 * nobody controls SIGTTIN does not stop it, and it would try for ever. */
#define FOREGROUND_TRIES 5

volatile sig_atomic_t shell_interrupted;

static const int ignored_signals[] = {SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU};

static void on_interrupt(int signal) {
    (void)signal;
    shell_interrupted = 1;
}

static void set_action(int signal, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler}; /* no SA_RESTART: waiting must end */

    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

static void begin_job_control(struct shell *shell) {
    pid_t owner = tcgetpgrp(TERMINAL);

    for (int i = 0; i < FOREGROUND_TRIES && owner > 0 && owner != getpgrp(); i++) {
        kill(0, SIGTTIN); /* stops us until our own shell puts us into the foreground */
        owner = tcgetpgrp(TERMINAL);
    }
    if (owner <= 0 || owner != getpgrp()) {
        return;
    }
    shell->original_group = owner;
    shell->group = getpid();
    /* A session's leader already leads its group, and may not ask for it. */
    if (owner != shell->group && setpgid(0, 0) != 0) {
        return;
    }
    set_action(SIGTTOU, SIG_IGN); /* which moving the terminal would raise */
    shell->job_control = tcsetpgrp(TERMINAL, shell->group) == 0;
}

/* A signal that only has to end a read() that waits. */
static void on_window_change(int signal) {
    (void)signal;
}

static void set_shell_actions(void) {
    set_action(SIGINT, on_interrupt);
    set_action(SIGWINCH, on_window_change);
    for (size_t i = 0; i < sizeof ignored_signals / sizeof *ignored_signals; i++) {
        set_action(ignored_signals[i], SIG_IGN);
    }
}

void control_begin(struct shell *shell) {
    begin_job_control(shell);
    set_shell_actions();
    shell->has_modes = tcgetattr(TERMINAL, &shell->modes) == 0;
}

void control_end(struct shell *shell) {
    if (shell->job_control && shell->original_group != shell->group) {
        tcsetpgrp(TERMINAL, shell->original_group);
    }
}

void control_default_signals(const struct shell *shell, sigset_t *set) {
    sigemptyset(set);
    if (shell->interactive) {
        sigaddset(set, SIGINT);
        for (size_t i = 0; i < sizeof ignored_signals / sizeof *ignored_signals; i++) {
            sigaddset(set, ignored_signals[i]);
        }
    }
}

int control_background_ignores(const struct shell *shell) {
    return !shell->job_control;
}

void control_ignore_interrupts(struct sigaction saved[2]) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigemptyset(&ignore.sa_mask);
    sigaction(SIGINT, &ignore, &saved[0]);
    sigaction(SIGQUIT, &ignore, &saved[1]);
}

void control_restore_interrupts(const struct sigaction saved[2]) {
    sigaction(SIGINT, &saved[0], NULL);
    sigaction(SIGQUIT, &saved[1], NULL);
}

void control_reset_signals(const struct shell *shell) {
    sigset_t defaults;

    control_default_signals(shell, &defaults);
    for (int signal = 1; signal < NSIG; signal++) {
        if (sigismember(&defaults, signal) == 1) {
            set_action(signal, SIG_DFL);
        }
    }
}

void control_set_signals(const struct shell *shell) {
    if (shell->interactive) {
        set_shell_actions();
    }
}

void control_enter_child(struct shell *shell, pid_t group, enum control_place place) {
    struct sigaction unused[2];

    if (shell->job_control) {
        /* Parent and child both do this, because either may be the first to depend on it. */
        setpgid(0, group);
        if (place == CONTROL_FOREGROUND) {
            tcsetpgrp(TERMINAL, group == 0 ? getpid() : group);
        }
    }
    control_reset_signals(shell);
    if (place == CONTROL_BACKGROUND && control_background_ignores(shell)) {
        control_ignore_interrupts(unused);
    }
    shell->interactive = 0;
    shell->job_control = 0;
    shell->has_modes = 0;
    jobs_free(&shell->jobs);
}

void control_give_terminal(const struct shell *shell, const struct job *job) {
    if (shell->job_control && job->group != 0) {
        tcsetpgrp(TERMINAL, job->group);
    }
}

/* After a job: the terminal and its modes are the shell's again. A job that ended well may have
 * changed the modes for good (stty), as long as a person can still type a line. */
static void take_terminal(struct shell *shell, int ended_well) {
    struct termios modes;

    if (shell->job_control) {
        tcsetpgrp(TERMINAL, shell->group);
    }
    if (!shell->has_modes || tcgetattr(TERMINAL, &modes) != 0) {
        return;
    }
    if (ended_well && (modes.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG)) {
        shell->modes = modes;
    } else {
        tcsetattr(TERMINAL, TCSADRAIN, &shell->modes);
    }
}

/* Waits for any child and takes note. Returns its job, or null: not one of ours, or no children,
 * or interrupted; errno tells the last two (ECHILD, EINTR) and is else 0. */
static struct job *wait_for_any(struct shell *shell, int options) {
    int wait_status = 0;
    pid_t pid = waitpid(-1, &wait_status, options | (shell->job_control ? WUNTRACED : 0));

    if (pid < 0) {
        return NULL;
    }
    errno = pid == 0 ? ECHILD : 0;
    return jobs_update(&shell->jobs, pid, wait_status);
}

/* The children are gone, and nobody told: another handler must have waited for them. */
static void give_up(struct job *job) {
    for (size_t i = 0; i < job->n_processes; i++) {
        job->processes[i].state = PROCESS_ENDED;
        job->processes[i].wait_status = STATUS_NOT_FOUND << 8;
    }
}

/* Was it stopped only because it used the terminal before we had given it away? */
static int lost_the_race(const struct job *job) {
    for (size_t i = 0; i < job->n_processes; i++) {
        int wait_status = job->processes[i].wait_status;

        if (job->processes[i].state == PROCESS_STOPPED &&
            (WSTOPSIG(wait_status) == SIGTTIN || WSTOPSIG(wait_status) == SIGTTOU)) {
            return 1;
        }
    }
    return 0;
}

/* Says which processes were ended by a signal. Ctrl-C is no news, and a broken pipe is how the
 * writer into `head` ends. Returns whether one was ended by SIGINT. */
static int report_signals(const struct job *job) {
    int interrupted = 0;

    for (size_t i = 0; i < job->n_processes; i++) {
        int wait_status = job->processes[i].wait_status;

        if (job->processes[i].state != PROCESS_ENDED || !WIFSIGNALED(wait_status)) {
            continue;
        }
        if (WTERMSIG(wait_status) == SIGINT) {
            interrupted = 1;
        } else if (WTERMSIG(wait_status) != SIGPIPE) {
            report("%s: %s", job->processes[i].name, strsignal(WTERMSIG(wait_status)));
        }
    }
    return interrupted;
}

int control_wait(struct shell *shell, struct job *job) {
    int status = 0;
    int resumed = 0;
    int interrupted = 0;

    while (job_state(job) == PROCESS_RUNNING) {
        wait_for_any(shell, 0);
        if (errno == ECHILD) {
            give_up(job);
        }
        if (job_state(job) == PROCESS_STOPPED && !resumed && lost_the_race(job)) {
            resumed = 1;
            control_give_terminal(shell, job);
            control_continue(shell, job);
        }
    }
    status = job_status(job);
    take_terminal(shell, job_state(job) == PROCESS_ENDED && status < STATUS_SIGNAL);
    if (job_state(job) == PROCESS_STOPPED) {
        job->background = 1;
        job->changed = 0;
        stream_write(STDERR_FILENO, "\n", 1);
        control_print_job(STDERR_FILENO, job);
        shell_interrupted = 1; /* what was to follow does not */
        return status;
    }
    interrupted = report_signals(job);
    if (shell->interactive) {
        /* A program that took Ctrl-C for something else does not stop what follows it. */
        shell_interrupted = interrupted;
        if (interrupted) {
            stream_write(STDERR_FILENO, "\n", 1); /* behind the terminal's "^C" */
        }
    }
    jobs_remove(&shell->jobs, job);
    return status;
}

int control_wait_background(struct shell *shell, struct job *job) {
    while (job_state(job) == PROCESS_RUNNING) {
        wait_for_any(shell, 0);
        if (errno == ECHILD) {
            give_up(job);
        }
        if (shell_interrupted) {
            return -1;
        }
    }
    return 0;
}

void control_poll(struct shell *shell) {
    do {
        wait_for_any(shell, WNOHANG);
    } while (errno != ECHILD);
}

void control_notify(struct shell *shell) {
    struct job *next = NULL;

    control_poll(shell);
    for (struct job *job = shell->jobs.first; job != NULL; job = next) {
        next = job->next;
        if (!job->changed) {
            continue;
        }
        job->changed = 0;
        control_print_job(STDERR_FILENO, job);
        if (job_state(job) == PROCESS_ENDED) {
            jobs_remove(&shell->jobs, job);
        }
    }
}

int control_continue(struct shell *shell, struct job *job) {
    int failed = 0;

    (void)shell;
    if (job->group != 0) {
        failed = kill(-job->group, SIGCONT) != 0;
    }
    for (size_t i = 0; i < job->n_processes && job->group == 0; i++) {
        if (job->processes[i].state != PROCESS_ENDED) {
            failed |= kill(job->processes[i].pid, SIGCONT) != 0;
        }
    }
    if (failed) {
        report_errno(job->text);
        return -1;
    }
    job_mark_running(job);
    return 0;
}

void control_print_job(int fd, const struct job *job) {
    struct text line = {0};

    job_describe(job, &line);
    stream_write(fd, line.bytes, line.length);
    text_free(&line);
}
