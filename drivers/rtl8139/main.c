/* SPDX-License-Identifier: MIT */
/*
 * RTL8139: received frames come into a ring of bytes in memory, frames to send go through four
 * buffers. The card may write anything there, so every length and status is checked; a ring that
 * makes no sense is begun anew.
 */
#include "drivers/rtl8139/registers.h"
#include "lib/base/bytes.h"
#include "lib/base/string.h"
#include "lib/native/driver_net.h"
#include "lib/native/driver_pci.h"
#include "lib/native/log.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"

enum {
    VENDOR = 0x10ec,
    DEVICE = 0x8139,
    BAR_MEMORY = 1,
    RX_RING_BYTES = 32 * 1024,
    /* Behind the ring: 16 bytes that the card asks for, and the rest of a frame that began before
     * its end. */
    RX_MEMORY_BYTES = RX_RING_BYTES + 16 + 2048,
    TX_BUFFERS = 4,
    TX_BUFFER_BYTES = 2048,
    FRAME_BYTES_SHORTEST = 60, /* the card pads nothing */
    RESET_TIMEOUT_MS = 100,
    TX_TIMEOUT_TICKS = 4,
    /* More frames than fit into the ring at once: the card makes them up. */
    RX_BATCH_MAX = RX_RING_BYTES / 64,
};

static struct {
    struct pci_device pci;
    volatile uint8_t *registers;
    struct dma_memory memory; /* receive ring, then the buffers to send from */
    uint32_t rx_offset;       /* of the next frame in the ring */
    uint32_t tx_begun;        /* frames given to the card, and taken back; buffer = count % 4 */
    uint32_t tx_done;
    uint32_t tx_lengths[TX_BUFFERS];
    uint32_t tx_ticks; /* ticks for which nothing was sent though something was to be */
    uint32_t filter;   /* NIC_FILTER_ */
} card;

static uint8_t in8(unsigned reg) {
    return card.registers[reg];
}

static uint16_t in16(unsigned reg) {
    return *(volatile uint16_t *)(card.registers + reg);
}

static uint32_t in32(unsigned reg) {
    return *(volatile uint32_t *)(card.registers + reg);
}

static void out8(unsigned reg, uint8_t value) {
    card.registers[reg] = value;
}

static void out16(unsigned reg, uint16_t value) {
    *(volatile uint16_t *)(card.registers + reg) = value;
}

static void out32(unsigned reg, uint32_t value) {
    *(volatile uint32_t *)(card.registers + reg) = value;
}

static uint8_t *tx_buffer(uint32_t count) {
    return card.memory.bytes + ALIGN_UP((size_t)RX_MEMORY_BYTES, (size_t)TX_BUFFER_BYTES) +
           count % TX_BUFFERS * TX_BUFFER_BYTES;
}

/* ---- bringing the card up ---- */

static void filter_write(void) {
    uint32_t accept = RX_OWN | RX_BROADCAST;

    if (card.filter >= NIC_FILTER_MULTICAST) {
        accept |= RX_MULTICAST;
    }
    if (card.filter == NIC_FILTER_ALL) {
        accept |= RX_ALL;
    }
    uint32_t hash = card.filter >= NIC_FILTER_MULTICAST ? UINT32_MAX : 0;

    out32(REG_MULTICAST, hash);
    out32(REG_MULTICAST + 4, hash);
    out32(REG_RX_CONFIG, RX_NO_THRESHOLD | RX_RING_32K | RX_BURST_1024 | RX_NO_WRAP | accept);
    /* Where reading begins (its value after a reset). The write also makes QEMU look for frames
     * again, which it had given up when a dead driver left the ring full. */
    out16(REG_RX_READ, (uint16_t)-16);
}

/* Reset (6.5): the only way to a known state, whatever an earlier driver left. False: no answer. */
static bool card_reset(void) {
    uint64_t deadline = time_deadline(RESET_TIMEOUT_MS * NS_PER_MS);

    out8(REG_COMMAND, COMMAND_RESET);
    while ((in8(REG_COMMAND) & COMMAND_RESET) != 0) {
        if (time_now_ns() > deadline) {
            return false;
        }
        time_sleep_until(time_deadline(100 * NS_PER_US));
    }
    return true;
}

/* Registers of a card that was just reset; receiver and transmitter are on first, because the
 * configurations can only be written then (6.8). */
static void card_set_up(void) {
    uint64_t tx = card.memory.physical + (uint64_t)(tx_buffer(0) - card.memory.bytes);

    card.rx_offset = 0;
    card.tx_begun = card.tx_done = card.tx_ticks = 0;
    out8(REG_CONFIG_LOCK, CONFIG_UNLOCK);
    out8(REG_CONFIG1, 0); /* awake */
    out8(REG_CONFIG_LOCK, CONFIG_LOCK);
    out32(REG_RX_START, (uint32_t)card.memory.physical);
    for (uint32_t i = 0; i < TX_BUFFERS; i++) {
        out32(REG_TX_ADDRESS + 4 * i, (uint32_t)(tx + i * TX_BUFFER_BYTES));
    }
    out8(REG_COMMAND, COMMAND_RX_ENABLE | COMMAND_TX_ENABLE);
    out32(REG_TX_CONFIG, TX_CONFIG);
    filter_write();
    out32(REG_MISSED, 0);
    out16(REG_INTERRUPT, UINT16_MAX);
    out16(REG_INTERRUPT_MASK, INTERRUPTS);
}

static status_t on_start(struct net_device *device, handle_t gate, uint8_t address[6],
                         handle_t *irq) {
    volatile void *registers;
    status_t status = pci_device_claim(&card.pci, VENDOR, DEVICE, PCI_ANY_ID);

    (void)device;
    if (status == OK) {
        status = pci_device_map(&card.pci, BAR_MEMORY, &registers);
    }
    if (status == OK) {
        status = pci_device_enable(&card.pci);
    }
    if (status == OK) {
        status = dma_memory_create(&card.memory,
                                   ALIGN_UP((size_t)RX_MEMORY_BYTES, (size_t)TX_BUFFER_BYTES) +
                                       TX_BUFFERS * TX_BUFFER_BYTES,
                                   1ull << 32);
    }
    if (status != OK) {
        return status;
    }
    card.registers = registers;
    if (!card_reset()) {
        return ERROR_IO;
    }
    for (unsigned i = 0; i < 6; i++) {
        address[i] = in8(REG_ADDRESS + i);
    }
    status = pci_device_irq(&card.pci, PCI_INTERRUPT_LINE, gate, 1, irq);
    if (status == OK) {
        card_set_up();
    }
    return status;
}

/* With empty rings. */
static void card_begin_anew(struct net_device *device) {
    net_device_count(device, NET_SEND_ERROR, card.tx_begun - card.tx_done);
    if (card_reset()) {
        card_set_up();
    } else {
        log_write(LOG_ERROR, "the card does not answer");
        sys_process_exit(1); /* init tries again, less and less often */
    }
}

/* After an error that leaves the card or its ring in no known state. */
static void card_restart(struct net_device *device, const char *why) {
    log_write(LOG_WARNING, "%s: reset", why);
    net_device_count(device, NET_RESET, 1);
    card_begin_anew(device);
}

/* ---- receiving ---- */

/* [book:rtl8139-receive] */
/* Takes the frames out of the ring as long as there is room for them. False: it is called again
 * later, or the ring makes no sense, and the card was reset. */
static bool ring_drain(struct net_device *device) {
    for (unsigned n = 0; (in8(REG_COMMAND) & COMMAND_RX_EMPTY) == 0 && net_device_has_room(device);
         n++) {
        const uint8_t *at = card.memory.bytes + card.rx_offset;
        uint32_t header = __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
        uint32_t length = header >> 16;

        if (length == RX_LENGTH_UNFINISHED) {
            return true; /* the interrupt for it will come */
        }
        if (n == RX_BATCH_MAX) {
            net_device_receive_again(device); /* they come as fast as we take them */
            return false;
        }
        if ((header & RX_STATUS_OK) == 0 || length < NIC_FRAME_BYTES_MIN + RX_CHECK_BYTES ||
            length > NIC_FRAME_BYTES_MAX + RX_CHECK_BYTES) {
            net_device_count(device, NET_RECEIVE_ERROR, 1);
            card_restart(device, "bad receive ring");
            return false;
        }
        net_device_received(device, at + RX_HEADER_BYTES, length - RX_CHECK_BYTES);
        card.rx_offset = ALIGN_UP(card.rx_offset + RX_HEADER_BYTES + length, 4u) % RX_RING_BYTES;
        /* 16 behind, by the card's own rule, so that full and empty differ. */
        out16(REG_RX_READ, (uint16_t)(card.rx_offset - 16));
    }
    return true;
}

/*
 * After an overflow the card receives no more until it is acknowledged, with room in the ring. One
 * that comes after we looked is preceded by frames that fill the ring again, which interrupt.
 */
static void receive(struct net_device *device) {
    while (ring_drain(device)) {
        uint16_t overflows = in16(REG_INTERRUPT) & INTERRUPT_OVERFLOWS;

        if (overflows == 0 || !net_device_has_room(device)) {
            return;
        }
        out16(REG_INTERRUPT, overflows);
    }
}
/* [/book] */

static void count_missed(struct net_device *device) {
    uint32_t missed = in32(REG_MISSED) & 0xffffff;

    if (missed != 0) {
        net_device_count(device, NET_MISSED, missed);
        out32(REG_MISSED, 0);
    }
}

/* ---- sending ---- */

static bool on_transmit(struct net_device *device, const void *frame, size_t length) {
    uint32_t i = card.tx_begun % TX_BUFFERS;

    (void)device;
    if (card.tx_begun - card.tx_done == TX_BUFFERS) {
        return false;
    }
    uint8_t *buffer = tx_buffer(i);

    memcpy(buffer, frame, length);
    if (length < FRAME_BYTES_SHORTEST) {
        memset(buffer + length, 0, FRAME_BYTES_SHORTEST - length);
        length = FRAME_BYTES_SHORTEST;
    }
    card.tx_lengths[i] = (uint32_t)length;
    card.tx_begun++;
    __atomic_thread_fence(__ATOMIC_RELEASE); /* the frame is there before the card looks */
    out32(REG_TX_STATUS + 4 * i, TX_THRESHOLD | (uint32_t)length);
    return true;
}

/* Takes back the buffers of frames that are sent; in the order in which they were given. */
static void sent(struct net_device *device) {
    while (card.tx_done != card.tx_begun) {
        uint32_t i = card.tx_done % TX_BUFFERS;
        uint32_t status = in32(REG_TX_STATUS + 4 * i);

        if ((status & (TX_OK | TX_UNDERRUN | TX_ABORTED)) == 0) {
            return;
        }
        if ((status & TX_ABORTED) != 0) {
            /* Too many collisions: the transmitter waits until told to go on. */
            out32(REG_TX_CONFIG, TX_CONFIG | TX_CONFIG_CLEAR_ABORT);
        }
        if ((status & TX_OK) != 0) {
            net_device_count(device, NET_SENT, card.tx_lengths[i]);
        } else {
            net_device_count(device, NET_SEND_ERROR, 1);
        }
        card.tx_done++;
        card.tx_ticks = 0;
    }
}

/* ---- events ---- */

static void check_link(struct net_device *device) {
    uint8_t media = in8(REG_MEDIA);

    net_device_link(device, (media & MEDIA_LINK_DOWN) == 0, (media & MEDIA_10) != 0 ? 10 : 100);
}

static void on_interrupt(struct net_device *device) {
    uint16_t events = in16(REG_INTERRUPT);

    if (events == 0 || events == UINT16_MAX) {
        return; /* another device's interrupt, or the card is gone */
    }
    /* First the events, then what they announce: what comes in between interrupts again. */
    out16(REG_INTERRUPT, events);
    if ((events & INTERRUPT_SYSTEM_ERROR) != 0) {
        card_restart(device, "bus error");
        return;
    }
    if ((events & (INTERRUPT_TX_OK | INTERRUPT_TX_ERROR)) != 0) {
        sent(device);
    }
    if ((events & (INTERRUPT_RX_OK | INTERRUPT_RX_ERROR | INTERRUPT_OVERFLOWS)) != 0) {
        receive(device);
        count_missed(device);
    }
    if ((events & INTERRUPT_LINK) != 0) {
        check_link(device);
    }
}

/* QEMU's card begins its ring anew when the filter is written. So do we, and lose at most what has
 * just come: else each would look for frames where the other has put none. */
static void on_set_filter(struct net_device *device, uint32_t mode) {
    if (mode != card.filter) {
        card.filter = mode;
        card_begin_anew(device);
    }
}

static void on_tick(struct net_device *device) {
    check_link(device);
    if (card.tx_begun == card.tx_done) {
        card.tx_ticks = 0;
    } else if (++card.tx_ticks == TX_TIMEOUT_TICKS) {
        card_restart(device, "nothing is sent");
    }
}

/* [book:rtl8139-driver] */
static const struct net_driver the_driver = {
    .name = "rtl8139",
    .model = "Realtek RTL8139 Fast Ethernet",
    .start = on_start,
    .interrupt = on_interrupt,
    .receive = receive,
    .transmit = on_transmit,
    .set_filter = on_set_filter,
    .tick = on_tick,
};

int main(void) {
    return net_driver_run(&the_driver);
}
/* [/book] */
