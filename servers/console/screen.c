/* SPDX-License-Identifier: MIT */
/* Registers: FreeVGA; IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem". */
#include "servers/console/screen.h"

#include "lib/native/driver.h"

/* Offsets from port 0x3c0. */
enum {
    ATTRIBUTE_INDEX = 0x00, /* index and data in turn; reading STATUS begins with the index */
    ATTRIBUTE_READ = 0x01,
    GRAPHICS_INDEX = 0x0e,
    GRAPHICS_DATA = 0x0f,
    CRTC_INDEX = 0x14,
    CRTC_DATA = 0x15,
    STATUS = 0x1a,
};

enum {
    ATTRIBUTE_MODE = 0x10,
    ATTRIBUTE_MODE_BLINK = 0x08, /* the highest bit of the background blinks the foreground */
    ATTRIBUTE_SCREEN_ON = 0x20,  /* with the index: the palette is in use */

    GRAPHICS_MISC = 0x06,
    GRAPHICS_MISC_MODE = 0x0f, /* bit 0: graphics; bits 2 and 3: which memory */
    GRAPHICS_MISC_TEXT = 0x0e, /* text, at 0xb8000; bit 1: even bytes are glyphs */

    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_END = 0x0b,
    CRTC_START_HIGH = 0x0c,
    CRTC_START_LOW = 0x0d,
    CRTC_CURSOR_HIGH = 0x0e,
    CRTC_CURSOR_LOW = 0x0f,
    CURSOR_OFF = 0x20,
    CURSOR_FIRST_LINE = 13, /* of the 16 lines of a cell: an underline */
    CURSOR_LAST_LINE = 14,
};

enum { CELLS = SCREEN_ROWS * SCREEN_COLUMNS };

static struct driver_ports ports;
static volatile uint16_t *memory;
static uint16_t shown[CELLS];
static unsigned shown_cursor = CELLS;

static uint8_t crtc_read(uint8_t index) {
    driver_out8(&ports, CRTC_INDEX, index);
    return driver_in8(&ports, CRTC_DATA);
}

static void crtc_write(uint8_t index, uint8_t value) {
    driver_out8(&ports, CRTC_INDEX, index);
    driver_out8(&ports, CRTC_DATA, value);
}

/* Is there a VGA, and does it show text? Firmware that came up with graphics (UEFI) leaves it so.
 */
static bool shows_text(void) {
    uint8_t old = crtc_read(CRTC_CURSOR_LOW);

    crtc_write(CRTC_CURSOR_LOW, 0x5a);
    if (crtc_read(CRTC_CURSOR_LOW) != 0x5a) {
        return false;
    }
    crtc_write(CRTC_CURSOR_LOW, old);
    driver_out8(&ports, GRAPHICS_INDEX, GRAPHICS_MISC);
    return (driver_in8(&ports, GRAPHICS_DATA) & GRAPHICS_MISC_MODE) == GRAPHICS_MISC_TEXT;
}

/* Sixteen backgrounds instead of eight that blink. */
static void blink_off(void) {
    driver_in8(&ports, STATUS);
    driver_out8(&ports, ATTRIBUTE_INDEX, ATTRIBUTE_MODE | ATTRIBUTE_SCREEN_ON);
    uint8_t mode = driver_in8(&ports, ATTRIBUTE_READ);
    driver_out8(&ports, ATTRIBUTE_INDEX, mode & (uint8_t)~ATTRIBUTE_MODE_BLINK);
    driver_in8(&ports, STATUS);
}

bool screen_open(void) {
    handle_t object = startup_handle(STARTUP_MEMORY, "vga");
    uint64_t address;

    if (driver_ports_open(&ports, 0) != OK || !shows_text() ||
        sys_map(HANDLE_NONE, object, 0, CELLS * sizeof *memory / PAGE_SIZE * PAGE_SIZE + PAGE_SIZE,
                0, MAP_READ | MAP_WRITE, &address) != OK) {
        return false;
    }
    memory = (volatile uint16_t *)address;
    blink_off();
    crtc_write(CRTC_START_HIGH, 0);
    crtc_write(CRTC_START_LOW, 0);
    for (unsigned i = 0; i < CELLS; i++) {
        memory[i] = shown[i] = SCREEN_BLANK;
    }
    crtc_write(CRTC_CURSOR_END, CURSOR_LAST_LINE);
    crtc_write(CRTC_CURSOR_START, CURSOR_OFF | CURSOR_FIRST_LINE);
    return true;
}

void screen_put(unsigned row, unsigned column, uint16_t cell) {
    unsigned i = row * SCREEN_COLUMNS + column;

    if (i < CELLS && shown[i] != cell) {
        shown[i] = cell;
        memory[i] = cell;
    }
}

void screen_set_cursor(unsigned row, unsigned column) {
    unsigned at = row < SCREEN_ROWS ? row * SCREEN_COLUMNS + MIN(column, SCREEN_COLUMNS - 1u)
                                    : (unsigned)CELLS;

    if (at == shown_cursor) {
        return;
    }
    if (at < CELLS) {
        crtc_write(CRTC_CURSOR_HIGH, (uint8_t)(at >> 8));
        crtc_write(CRTC_CURSOR_LOW, (uint8_t)at);
    }
    if ((at < CELLS) != (shown_cursor < CELLS)) {
        crtc_write(CRTC_CURSOR_START,
                   at < CELLS ? CURSOR_FIRST_LINE : CURSOR_OFF | CURSOR_FIRST_LINE);
    }
    shown_cursor = at;
}
