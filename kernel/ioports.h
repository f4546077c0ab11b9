/* SPDX-License-Identifier: MIT */
/* Ranges of I/O ports, used by system call: there is no I/O bitmap. */
#pragma once

#include "kernel/object.h"

struct ioports {
    struct object object;
    uint32_t first;
    uint32_t n_ports;
};
