/* SPDX-License-Identifier: MIT */
/*
 * What the generic kernel keeps per CPU: cpu_this()->generic.
 */
#pragma once

#include "kernel/types.h"

struct thread;

struct cpu_generic {
    struct thread *idle;
    struct thread *running; /* who is to run when the kernel is left; NULL: to be chosen */
    struct thread *zombie;  /* ended while it ran: its last reference goes after the switch */
    uint64_t slice_end_ns;  /* of `running` */
    uint64_t timer_ns;      /* when the timer will fire; DEADLINE_NEVER: not armed */
    uint64_t switch_tsc;    /* when `current` began to run */
    uint64_t entry_tsc;     /* debug builds: when the kernel was entered */
    bool timer_check; /* a deadline or the ready threads changed: the timer may have to be armed */
    uint32_t index;   /* 0 is the boot CPU */
};
