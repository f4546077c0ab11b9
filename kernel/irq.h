/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts as notifications: each notifies the bound gate. A line is masked from its
 * interrupt until the irq object is acknowledged; the 8259 keeps an edge that comes meanwhile. An
 * edge at an I/O APIC, which would not, or a message masks nothing and sets the gate's bits again:
 * none is lost.
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
