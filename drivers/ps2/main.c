/* SPDX-License-Identifier: MIT */
/*
 * ps2: the keyboard of an i8042 controller, as a character device.
 *
 * The controller is set up by polling, before its interrupts are on; every wait is bounded by the
 * clock. Then each interrupt brings one byte. Commands to the keyboard are answered by it with ACK
 * or RESEND among the scan codes, which readers do not get to see.
 *
 * Documents: Intel UPI-41/42 (8042) data sheet; IBM PS/2 Hardware Interface Technical Reference,
 * "Keyboard and Auxiliary Device Controller" and "Keyboard".
 */
#include "lib/native/driver_char.h"
#include "lib/native/time.h"

enum {
    STATUS_OUTPUT_FULL = 1 << 0, /* a byte for us */
    STATUS_INPUT_FULL = 1 << 1,  /* ours is not taken yet */
    STATUS_MOUSE = 1 << 5,       /* the byte is the mouse's */
    STATUS_NOTHING = 0xff,       /* what a missing controller reads as */

    COMMAND_READ_CONFIGURATION = 0x20,
    COMMAND_WRITE_CONFIGURATION = 0x60,
    COMMAND_MOUSE_OFF = 0xa7,
    COMMAND_SELF_TEST = 0xaa,
    COMMAND_KEYBOARD_OFF = 0xad,
    COMMAND_KEYBOARD_ON = 0xae,
    SELF_TEST_PASSED = 0x55,

    CONFIGURATION_KEYBOARD_IRQ = 1 << 0,
    CONFIGURATION_MOUSE_IRQ = 1 << 1,
    CONFIGURATION_KEYBOARD_OFF = 1 << 4,
    CONFIGURATION_MOUSE_OFF = 1 << 5,
    CONFIGURATION_TRANSLATE = 1 << 6,

    KEYBOARD_ENABLE = 0xf4,
    KEYBOARD_ACK = 0xfa,
    KEYBOARD_RESEND = 0xfe,
    RESENDS_MAX = 3,
};

enum {
    WAIT_MS = 20,            /* the controller takes some microseconds */
    SELF_TEST_WAIT_MS = 500, /* may take longer, on real ones */
    ACK_WAIT_MS = 200,       /* a keyboard that does not answer a command: there is none */
    FLUSH_BYTES_MAX = 32,
};

static struct driver_ports data, control;

/* The command byte that is under way. Invariant: `is_sent` iff its answer has not come. */
static bool is_sent;
static uint8_t sent_byte;
static unsigned n_resends;
static uint64_t sent_ns;

/* ---- the controller, polled ---- */

/* Waits until the status has (or, `wanted` 0, has not) this bit. */
static bool wait_status(uint8_t bit, uint8_t wanted, uint64_t patience_ms) {
    uint64_t deadline = time_deadline(patience_ms * NS_PER_MS);

    do {
        if ((driver_in8(&control, 0) & bit) == wanted) {
            return true;
        }
    } while (time_now_ns() < deadline);
    return false;
}

static bool command(uint8_t byte) {
    if (!wait_status(STATUS_INPUT_FULL, 0, WAIT_MS)) {
        return false;
    }
    driver_out8(&control, 0, byte);
    return true;
}

static bool data_write(uint8_t byte) {
    if (!wait_status(STATUS_INPUT_FULL, 0, WAIT_MS)) {
        return false;
    }
    driver_out8(&data, 0, byte);
    return true;
}

static bool data_read(uint8_t *byte, uint64_t patience_ms) {
    if (!wait_status(STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL, patience_ms)) {
        return false;
    }
    *byte = driver_in8(&data, 0);
    return true;
}

static void flush(void) {
    for (unsigned i = 0; i < FLUSH_BYTES_MAX && (driver_in8(&control, 0) & STATUS_OUTPUT_FULL) != 0;
         i++) {
        driver_in8(&data, 0);
    }
}

static bool set_configuration(void) {
    uint8_t configuration;

    if (!command(COMMAND_READ_CONFIGURATION) || !data_read(&configuration, WAIT_MS)) {
        return false;
    }
    configuration &= (uint8_t) ~(CONFIGURATION_MOUSE_IRQ | CONFIGURATION_KEYBOARD_OFF);
    configuration |= CONFIGURATION_KEYBOARD_IRQ | CONFIGURATION_MOUSE_OFF | CONFIGURATION_TRANSLATE;
    return command(COMMAND_WRITE_CONFIGURATION) && data_write(configuration);
}

static status_t start(struct driver_ports *ports) {
    uint8_t answer;
    status_t status = driver_ports_open(&control, 1);

    data = *ports;
    if (status != OK) {
        return status;
    }
    if (driver_in8(&control, 0) == STATUS_NOTHING || !command(COMMAND_KEYBOARD_OFF) ||
        !command(COMMAND_MOUSE_OFF)) {
        return ERROR_NO_DEVICE;
    }
    flush();
    if (!command(COMMAND_SELF_TEST) || !data_read(&answer, SELF_TEST_WAIT_MS) ||
        answer != SELF_TEST_PASSED) {
        return ERROR_NO_DEVICE;
    }
    if (!set_configuration() || !command(COMMAND_KEYBOARD_ON)) {
        return ERROR_NO_DEVICE;
    }
    /* It may have been told to be silent; its ACK, if it is there, is dropped with all else. */
    if (data_write(KEYBOARD_ENABLE)) {
        bool answered = data_read(&answer, ACK_WAIT_MS);
        (void)answered; /* without a keyboard: one may be plugged in */
    }
    flush();
    return OK;
}

/* ---- at work ---- */

static bool send(uint8_t byte) {
    if ((driver_in8(&control, 0) & STATUS_INPUT_FULL) != 0) {
        return false; /* it is taken at once, or the controller hangs: the next time, then */
    }
    driver_out8(&data, 0, byte);
    sent_byte = byte;
    sent_ns = time_now_ns();
    is_sent = true;
    return true;
}

static size_t transmit(const uint8_t *bytes, size_t n) {
    if (is_sent && time_now_ns() - sent_ns > ACK_WAIT_MS * NS_PER_MS) {
        is_sent = false; /* lost */
    }
    if (n == 0 || is_sent) {
        return 0;
    }
    n_resends = 0;
    return send(bytes[0]) ? 1 : 0;
}

/* Is the byte the answer to a command, and none for readers? */
static bool take_answer(uint8_t byte) {
    if (!is_sent || (byte != KEYBOARD_ACK && byte != KEYBOARD_RESEND)) {
        return false;
    }
    is_sent = false;
    if (byte == KEYBOARD_RESEND && n_resends++ < RESENDS_MAX) {
        bool again = send(sent_byte);
        (void)again; /* else it is given up */
    }
    return true;
}

static size_t receive(uint8_t *bytes, size_t n) {
    size_t done = 0;

    /* A controller that never runs dry is broken: not for ever. */
    for (unsigned i = 0; i < FLUSH_BYTES_MAX && done < n; i++) {
        uint8_t status = driver_in8(&control, 0);

        if (status == STATUS_NOTHING || (status & STATUS_OUTPUT_FULL) == 0) {
            break;
        }
        uint8_t byte = driver_in8(&data, 0);
        if ((status & STATUS_MOUSE) == 0 && !take_answer(byte)) {
            bytes[done++] = byte;
        }
    }
    return done;
}

static const struct char_driver driver = {
    .name = "ps2",
    .model = "i8042 keyboard",
    .start = start,
    .transmit = transmit,
    .receive = receive,
};

int main(void) {
    char_driver_run(&driver);
}
