/* SPDX-License-Identifier: MIT */
/*
 * Registers of the RTL8139, from "RTL8139D(L) Datasheet" (Realtek, revision 1.3), section 6, and
 * the "RTL8139(A/B) Programming guide" (1999); section numbers are the datasheet's.
 */
#pragma once

enum {
    REG_ADDRESS = 0x00,    /* 6 bytes: IDR0 to IDR5 */
    REG_MULTICAST = 0x08,  /* 8 bytes, written as two 32-bit words */
    REG_TX_STATUS = 0x10,  /* 4 words, one per descriptor: 6.3 */
    REG_TX_ADDRESS = 0x20, /* 4 words */
    REG_RX_START = 0x30,   /* 32 bits: physical address of the ring */
    REG_COMMAND = 0x37,    /* 8 bits: 6.5 */
    REG_RX_READ = 0x38,    /* 16 bits, CAPR: where we read, minus 16 */
    REG_INTERRUPT_MASK = 0x3c,
    REG_INTERRUPT = 0x3e,   /* 16 bits: 6.7; writing 1 clears */
    REG_TX_CONFIG = 0x40,   /* 6.8 */
    REG_RX_CONFIG = 0x44,   /* 6.9 */
    REG_MISSED = 0x4c,      /* 24 bits: frames for which there was no room; a write clears it */
    REG_CONFIG_LOCK = 0x50, /* 8 bits, 9346CR: 6.10 */
    REG_CONFIG1 = 0x52,
    REG_MEDIA = 0x58,       /* 8 bits: 6.13 */
    REG_PHY_CONTROL = 0x62, /* 16 bits, BMCR: 6.18 */
};

/* REG_COMMAND */
enum {
    COMMAND_RX_EMPTY = 1 << 0,
    COMMAND_TX_ENABLE = 1 << 2,
    COMMAND_RX_ENABLE = 1 << 3,
    COMMAND_RESET = 1 << 4, /* reads 1 until done */
};

/* REG_TX_STATUS */
enum {
    TX_OWN = 1 << 13, /* the card is done with the buffer */
    TX_UNDERRUN = 1 << 14,
    TX_OK = 1 << 15,
    TX_ABORTED = 1 << 30,
    /* Sending starts when this much is in the card's own buffer, in units of 32 bytes << 16: the
     * largest, so that a slow bus causes no underrun. */
    TX_THRESHOLD = 63 << 16,
};

/* REG_INTERRUPT and its mask */
enum {
    INTERRUPT_RX_OK = 1 << 0,
    INTERRUPT_RX_ERROR = 1 << 1,
    INTERRUPT_TX_OK = 1 << 2,
    INTERRUPT_TX_ERROR = 1 << 3,
    INTERRUPT_RX_OVERFLOW = 1 << 4,
    INTERRUPT_LINK = 1 << 5,
    INTERRUPT_FIFO_OVERFLOW = 1 << 6,
    INTERRUPT_SYSTEM_ERROR = 1 << 15,
    /*
     * Those that interrupt. Not the overflows: they come with frames that interrupt anyway, and are
     * looked for then. A card that cannot tell of an overflow makes the network wait where it can
     * (QEMU does), instead of dropping.
     */
    INTERRUPTS = INTERRUPT_RX_OK | INTERRUPT_RX_ERROR | INTERRUPT_TX_OK | INTERRUPT_TX_ERROR |
                 INTERRUPT_LINK | INTERRUPT_SYSTEM_ERROR,
    INTERRUPT_OVERFLOWS = INTERRUPT_RX_OVERFLOW | INTERRUPT_FIFO_OVERFLOW,
};

/* REG_TX_CONFIG: standard gap between frames, DMA bursts of 1024 bytes. */
enum {
    TX_CONFIG_CLEAR_ABORT = 1 << 0, /* sends the frame that was aborted again */
    TX_CONFIG = 3 << 24 | 6 << 8,
};

/* REG_RX_CONFIG */
enum {
    RX_ALL = 1 << 0,
    RX_OWN = 1 << 1,
    RX_MULTICAST = 1 << 2,
    RX_BROADCAST = 1 << 3,
    RX_NO_WRAP = 1 << 7, /* the last frame runs on past the ring's end */
    RX_BURST_1024 = 6 << 8,
    RX_RING_32K = 2 << 11,
    RX_NO_THRESHOLD = 7 << 13, /* frames are moved when they are complete */
};

/* The two words before each received frame: 6.1. */
enum {
    RX_STATUS_OK = 1 << 0,
    RX_HEADER_BYTES = 4,
    RX_CHECK_BYTES = 4,            /* the frame's check sequence, counted in the length */
    RX_LENGTH_UNFINISHED = 0xfff0, /* the card still writes it */
};

enum { CONFIG_UNLOCK = 0xc0, CONFIG_LOCK = 0x00, MEDIA_LINK_DOWN = 1 << 2, MEDIA_10 = 1 << 3 };
