/* SPDX-License-Identifier: MIT */
/*
 * The kill command, which exists twice: as a program, and built into the shell, which knows jobs
 * and must be able to end processes when no more can be started.
 */
#pragma once

#define KILL_HELP                                                                                  \
    "kill [-SIGNAL | -s SIGNAL] PROCESS...\n"                                                      \
    "       kill -l [STATUS...]\n"                                                                 \
    "Sends a signal, TERM unless told otherwise, to processes. A negative number\n"                \
    "means a process group.\n"                                                                     \
    "  -SIGNAL  name or number of the signal; 0 only asks whether one could be sent\n"             \
    "  -l       list the names, or name the signal of a number or exit status"

/* Sends *signal* to what *target* names; reports and returns -1 on failure. */
typedef int kill_send_function(void *context, const char *target, int signal);

/* Runs the command with the arguments after its name (null-terminated); returns its exit status. */
int kill_command(char **arguments, kill_send_function *send, void *context);

/* Sends to a process id or, negative, a process group; the program's way, and the shell's for
 * everything that is no job. *context* is not used. */
int kill_send_to_number(void *context, const char *target, int signal);
