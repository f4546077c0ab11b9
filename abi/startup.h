/* SPDX-License-Identifier: MIT */
/*
 * What a program finds when it starts. The stack at the entry point is the System V one (argc,
 * argv, 0, envp, 0, auxv); the auxiliary vector entry AT_EURALIOS holds the address of a start
 * block: a read-write region made by whoever started it.
 */
#pragma once

#include "abi/types.h"

#define AT_EURALIOS   0x4555
#define STARTUP_MAGIC 0x316c61727545ULL /* "Eural1" */

enum startup_kind {
    STARTUP_NAMESPACE = 1, /* text: path prefix ("" is the root); handle: gate of its server */
    /* number: file descriptor; flags: see lib/posix; handle: gate of the open file */
    STARTUP_FD = 2,
    STARTUP_SELF = 3,   /* handle: this process, all rights */
    STARTUP_BUDGET = 4, /* handle: the budget that it spends */
    /* text: name of the service; handle: its endpoint; number: incarnation */
    STARTUP_ENDPOINT = 5,
    STARTUP_IRQ = 6,     /* number: line */
    STARTUP_IOPORTS = 7, /* number: first port; flags: n_ports */
    STARTUP_MEMORY = 8,  /* text: "state", "archive", "log", or a device's name; number: pages */
    STARTUP_SYSTEM = 9,
    STARTUP_IDENTITY = 10,
    STARTUP_GATE = 11,  /* text: what it is for, such as "init" (heartbeat and control) */
    STARTUP_CWD = 12,   /* text: working directory */
    STARTUP_UMASK = 13, /* number */
    /* text: "blocked", "ignored" or "pending"; number, flags: low and high half of the set (bit
       signal - 1) */
    STARTUP_SIGNALS = 14,
    STARTUP_DMA = 15, /* handle: the budget for memory that devices use; number: pages */
};

struct startup_entry {
    uint32_t kind; /* enum startup_kind */
    handle_t handle;
    uint32_t number;
    uint32_t flags;
    uint32_t text; /* offset of a 0-terminated string from the start of the block; 0: none */
    uint32_t extra;
};

struct startup_block {
    uint64_t magic;
    uint32_t size; /* bytes, strings included */
    uint32_t n_entries;
    uint64_t command_line; /* init only: address of the kernel command line, 0-terminated */
    struct startup_entry entries[];
};
