/* SPDX-License-Identifier: MIT */
/*
 * Job control: signals, process groups, who has the terminal, and waiting.
 *
 * An interactive shell ignores the stop signals and takes note of SIGINT. With job control every
 * job is a process group, and the terminal belongs to the one in the foreground, so that Ctrl-C
 * reaches it alone. Where the system cannot do that, everything else still works: the shell and
 * its children all get SIGINT, and the shell survives it.
 */
#pragma once

#include "programs/shell/jobs.h"
#include "programs/shell/shell.h"

enum control_place { CONTROL_FOREGROUND, CONTROL_BACKGROUND };

/* Makes the shell ready for a person at standard input; sets shell->job_control. */
void control_begin(struct shell *shell);

/* Gives the terminal back to whoever had it before. */
void control_end(struct shell *shell);

/* In a forked child: puts it into the job's group (*group* is 0 for the job's first process) and
 * gives signals their usual meaning. The child is then a shell that is not interactive. */
void control_enter_child(struct shell *shell, pid_t group, enum control_place place);

/* Gives the signals of an interactive shell their default actions, and takes that back. */
void control_reset_signals(const struct shell *shell);
void control_set_signals(const struct shell *shell);

/* Writes to *set* which signals a program must find with their default action. */
void control_default_signals(const struct shell *shell, sigset_t *set);

/* Are background programs to ignore SIGINT and SIGQUIT? Without process groups they would get
 * those of the foreground. While starting one the shell itself ignores them. */
int control_background_ignores(const struct shell *shell);
void control_ignore_interrupts(struct sigaction saved[2]);
void control_restore_interrupts(const struct sigaction saved[2]);

/* Gives the terminal to a job's group. Does nothing without job control. */
void control_give_terminal(const struct shell *shell, const struct job *job);

/* Waits until the job has ended or stopped, takes the terminal back, tells what is worth telling,
 * and returns the status. An ended job is removed. */
int control_wait(struct shell *shell, struct job *job);

/* Waits for a background job to end or stop. Returns 0, or -1 if SIGINT came first. */
int control_wait_background(struct shell *shell, struct job *job);

/* Takes note, without blocking, of children whose state has changed. */
void control_poll(struct shell *shell);

/* Tells about background jobs that have changed, and removes those that have ended. */
void control_notify(struct shell *shell);

/* Lets a stopped job go on. Returns 0, or -1 after a report. */
int control_continue(struct shell *shell, struct job *job);

/* Prints a job's line. */
void control_print_job(int fd, const struct job *job);
