/* SPDX-License-Identifier: MIT */
/*
 * What all drivers share. A driver is a const table of callbacks and a one-line main; the class
 * (driver_char.h, driver_net.h ...) owns the loop, interrupts, the protocol, waiting clients.
 *
 * A driver gets its ports and lines from its manifest (or from the pci server), and nothing else of
 * the machine.
 */
#pragma once

#include "lib/native/server.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"

/* A range of I/O ports. Accesses outside of it read as all ones and write nothing: the kernel
 * refuses them. */
struct driver_ports {
    handle_t handle;
    uint16_t base;
    uint32_t n;
};

/* The i-th range of the start block. NO_DEVICE if there are not so many. */
WARN_UNUSED status_t driver_ports_open(struct driver_ports *ports, unsigned i);

static inline uint32_t driver_in(const struct driver_ports *ports, uint16_t offset, uint32_t size) {
    uint64_t value = UINT32_MAX;
    status_t status = sys_ioports_access(ports->handle, (uint16_t)(ports->base + offset),
                                         size | IOPORTS_IN, 0, &value);

    return status == OK ? (uint32_t)value : UINT32_MAX;
}

static inline void driver_out(const struct driver_ports *ports, uint16_t offset, uint32_t size,
                              uint32_t value) {
    status_t status = sys_ioports_access(ports->handle, (uint16_t)(ports->base + offset),
                                         size | IOPORTS_OUT, value, NULL);
    (void)status; /* refused: not our port, nothing happened */
}

static inline uint8_t driver_in8(const struct driver_ports *ports, uint16_t offset) {
    return (uint8_t)driver_in(ports, offset, 1);
}

static inline void driver_out8(const struct driver_ports *ports, uint16_t offset, uint8_t value) {
    driver_out(ports, offset, 1, value);
}

/* An interrupt line. `handle_irq` runs in the server loop, and once at the start; the line is
 * acknowledged when it returns. */
struct driver_irq {
    handle_t irq;
    void (*handle_irq)(void *context);
    void *context;
    uint64_t n; /* how many came */
};

/* Binds an irq object (owned by the driver_irq from now on) to the server loop and unmasks it. */
WARN_UNUSED status_t driver_irq_start(struct server *server, struct driver_irq *irq,
                                      handle_t object, void (*handle_irq)(void *context),
                                      void *context);

/* The same for the i-th line of the start block. NO_DEVICE if there are not so many. */
WARN_UNUSED status_t driver_irq_open(struct server *server, struct driver_irq *irq, unsigned i,
                                     void (*handle_irq)(void *context), void *context);

/* Ends a driver whose device is not there (status NO_DEVICE: quietly) or cannot be used. */
NORETURN void driver_fail(const char *what, status_t status);
