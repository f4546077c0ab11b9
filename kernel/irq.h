/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts as notifications: each notifies the bound gate. A level-triggered line is
 * masked from its interrupt until the irq object is acknowledged; an edge or a message that comes
 * meanwhile sets the gate's bits again, so that none is lost.
 *
 * Invariant: a line is unmasked only while an irq object for it is bound. One object per line at a
 * time. Messages cannot be masked here: those that come to no object are counted and dropped.
 */
#pragma once

#include "kernel/object.h"

struct gate;

struct irq {
    struct object object;
    uint32_t number;   /* arch/x86_64/irq.h */
    struct gate *gate; /* bound; NULL before */
    uint64_t bits;
};

void irq_destroy(struct object *object);

extern uint64_t irq_count; /* interrupts since boot */
