/* SPDX-License-Identifier: MIT */
/* clang-format off */
/*
 * Character devices: bytes in, bytes out, as an open file (protocol file) that everybody opens from
 * root 0. No line discipline here: that is the terminal's server. What comes in goes to whoever
 * reads first; writes of several clients are each in one piece.
 *
 *     static const struct char_driver driver = {
 *         .name = "serial", .start = start, .transmit = transmit, .receive = receive};
 *
 *     int main(void) {
 *         char_driver_run(&driver);
 *     }
 */
/* clang-format on */
#pragma once

#include "lib/native/driver.h"

struct char_driver {
    const char *name;
    const char *model;
    /* Finds and sets up the device, interrupts on. NO_DEVICE: there is none (the driver ends
     * quietly). */
    status_t (*start)(struct driver_ports *ports);
    /* An interrupt came: what else than bytes has to be done. May be NULL. */
    void (*irq)(void);
    /* Gives the device up to n bytes, as many as it takes without waiting. Returns how many; more
     * room comes with an interrupt. */
    size_t (*transmit)(const uint8_t *bytes, size_t n);
    /* Takes up to n bytes that the device has. */
    size_t (*receive)(uint8_t *bytes, size_t n);
};

/* Runs the driver with the first port range and the first interrupt line of the start block. */
NORETURN void char_driver_run(const struct char_driver *driver);
