/* SPDX-License-Identifier: MIT */
/*
 * Names of signals, for kill and the shell.
 */
#pragma once

/* The signal for a name with or without "SIG", in any case, or for a decimal number; 0 is allowed
 * and means "no signal". Returns -1 if there is no such signal. */
int signal_from_name(const char *name);

/* "INT" for SIGINT, or null if it has no name. */
const char *signal_name(int number);

/* One more than the highest signal that has a name. */
int signal_limit(void);
