/* SPDX-License-Identifier: MIT */
/*
 * A layout file, then scan codes: the bytes before the first zero byte are the layout, the others
 * come from the keyboard.
 *
 * Sources: lib/keymap/keymap.c lib/keymap/keyboard.c
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/keymap/keyboard.h"

static void fuzz_one(const uint8_t *data, size_t size) {
    struct keymap keymap;
    struct keymap_error error;
    struct keyboard keyboard;
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    size_t n_text = end != NULL ? (size_t)(end - data) : size;
    if (!keymap_parse((const char *)data, n_text, &keymap, &error)) {
        FUZZ_ASSERT(error.what != NULL);
        keymap_init_us(&keymap);
    }
    keyboard_init(&keyboard, &keymap);
    for (size_t i = n_text; i < size; i++) {
        struct keyboard_event event;
        char bytes[KEYBOARD_BYTES_MAX];
        if (keyboard_feed(&keyboard, data[i], &event)) {
            FUZZ_ASSERT(keyboard_bytes(&keyboard, &event, bytes) <= sizeof(bytes));
        }
    }
}
