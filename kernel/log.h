/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log: a ring in a memory object that the log server maps (struct kernel_log in
 * abi/kernel.h).
 */
#pragma once

#include "kernel/memory.h"

struct gate;

/* Makes the ring and takes every byte of the console from now on. What was written before is lost
 * to it. */
void log_init(void);

struct memory *log_memory(void);

/* Number of bytes written since log_init. */
uint64_t log_head(void);

/* Notifies when the log grows; replaces an earlier binding. */
void log_bind(struct gate *gate, uint64_t bits);
