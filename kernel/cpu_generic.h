/* SPDX-License-Identifier: MIT */
/*
 * What the generic kernel keeps per CPU: cpu_this()->generic.
 */
#pragma once

#include "kernel/types.h"

struct thread;

struct cpu_generic {
    struct thread *idle;
    uint32_t index; /* 0 is the boot CPU */
};
