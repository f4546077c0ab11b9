/* SPDX-License-Identifier: MIT */
/*
 * The class library of network card drivers. A driver is a const table and
 *
 *     int main(void) { return net_driver_run(&the_driver); }
 *
 * The library owns the loop, the protocol (abi/protocols/nic.idl), the rings and the counters; the
 * driver touches the hardware. All callbacks run in one thread and must not wait.
 */
#pragma once

#include "abi/generated/nic.h"
#include "lib/base/types.h"

struct net_device;

struct net_driver {
    const char *name;  /* of the program */
    const char *model; /* of the card, in words */
    /*
     * Finds the card and makes it ready: frames may come, and interrupts bound to `gate` with bit
     * 1. Fills in the address. NO_DEVICE: there is none on this machine. *irq is the interrupt, for
     * the library to acknowledge.
     */
    status_t (*start)(struct net_device *device, handle_t gate, uint8_t address[6], handle_t *irq);
    /* The card wants something. */
    void (*interrupt)(struct net_device *device);
    /* There is room for received frames again: takes those that were left in the card. */
    void (*receive)(struct net_device *device);
    /* Sends a frame of NIC_FRAME_BYTES_MIN to _MAX bytes (copied at once). False: no room now;
     * asked again after the next interrupt. `frame` is shared memory: copy, do not parse. */
    bool (*transmit)(struct net_device *device, const void *frame, size_t length);
    /* NIC_FILTER_... */
    void (*set_filter)(struct net_device *device, uint32_t mode);
    /* Once a second: look after the link, and whether the card hangs. */
    void (*tick)(struct net_device *device);
};

/* May the next frame be taken out of the card? If not, `receive` is called when it may: what the
 * client is too slow for waits in the card, and then on the wire. */
WARN_UNUSED bool net_device_has_room(struct net_device *device);

/* A frame has come. Dropped and counted if nobody takes it. The length is the library's to check:
 * what is no frame is counted as an error. */
void net_device_received(struct net_device *device, const void *frame, size_t length);

/* There is more in the card than `receive` or `interrupt` took: `receive` is called again when
 * others have had their turn. */
void net_device_receive_again(struct net_device *device);

enum net_device_event {
    NET_SENT,          /* a frame has left */
    NET_SEND_ERROR,    /* one has not */
    NET_RECEIVE_ERROR, /* a damaged frame */
    NET_MISSED,        /* the card had no room for a frame */
    NET_RESET,         /* the card was reset after an error */
};

/* Counts; bytes for NET_SENT, or how many. */
void net_device_count(struct net_device *device, enum net_device_event event, uint64_t n);

/* The state of the link; only changes are told on. */
void net_device_link(struct net_device *device, bool is_up, uint32_t megabits);

/* What the service's roots are: the card, for the net server alone; and a text file about it, which
 * the manifest serves as /dev/nic. */
enum { NET_DRIVER_ROOT_CARD = 0, NET_DRIVER_ROOT_TEXT = 1 };

/* Runs for ever; returns an exit status if there is no card (0), or it does not work (1). */
WARN_UNUSED int net_driver_run(const struct net_driver *driver);
