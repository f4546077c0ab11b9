/* SPDX-License-Identifier: MIT */
/*
 * What the generic kernel keeps per CPU: cpu_this()->generic.
 */
#pragma once

#include "kernel/types.h"
#include "lib/base/list.h"
#include "lib/base/tree.h"

struct thread;

struct cpu_generic {
    struct thread *idle;
    struct thread *running; /* who is to run when the kernel is left; NULL: to be chosen */
    struct thread *zombie;  /* ended while it ran: its last reference goes after the switch */
    uint64_t slice_end_ns;  /* of `running`; 0: it has not begun */
    uint64_t timer_ns;      /* when the timer will fire; DEADLINE_NEVER: not armed */
    struct list recent;     /* threads whose deadline was armed since the timer last fired */
    uint64_t n_fast;        /* system calls, each a switch, that the fast path did */
    struct tree deadlines;  /* DEADLINE_SORTED ones that were armed here */
    uint32_t index;         /* 0 is the boot CPU */
    uint32_t running_word;  /* what fastpath.S writes into `near` and `state` of who runs here */
    bool kicked;  /* another CPU has asked it to look who should run, and it has not yet */
    bool changed; /* a thread became ready, or a priority changed: `running` may be wrong, and the
                     end of its slice may matter now */
    bool rotates; /* a slice has ended: whoever has waited for longest is next */
};
