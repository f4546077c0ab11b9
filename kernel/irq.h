/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts as notifications: an interrupt masks its line and notifies the bound gate;
 * acknowledging unmasks it.
 *
 * Invariant: a line is unmasked only while an irq object for it is bound. One object per line at a
 * time.
 */
#pragma once

#include "kernel/object.h"

struct gate;

struct irq {
    struct object object;
    uint32_t line;
    struct gate *gate; /* bound; NULL before */
    uint64_t bits;
};

void irq_destroy(struct object *object);

extern uint64_t irq_count; /* interrupts since boot */
