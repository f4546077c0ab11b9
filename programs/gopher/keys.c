/* SPDX-License-Identifier: MIT */
/* See keys.h. */
#include "programs/gopher/keys.h"

#include "lib/base/utf8.h"

#define ESCAPE 0x1b

/* The key of "ESC [ NUMBER ~". */
static int key_of_number(unsigned number) {
    switch (number) {
    case 1:
    case 7:
        return KEY_HOME;
    case 2:
        return KEY_INSERT;
    case 3:
        return KEY_DELETE;
    case 4:
    case 8:
        return KEY_END;
    case 5:
        return KEY_PAGE_UP;
    case 6:
        return KEY_PAGE_DOWN;
    case 11:
        return KEY_HELP;
    default:
        return KEY_NONE;
    }
}

/* The key of "ESC [ X" or "ESC O X". */
static int key_of_letter(char letter) {
    switch (letter) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    case 'P':
        return KEY_HELP;
    default:
        return KEY_NONE;
    }
}

/* A sequence whose first byte is ESC. Returns 0 when it is not complete. */
static size_t decode_escape(const char *data, size_t size, int *key) {
    if (size < 2) {
        return 0;
    }
    if (data[1] != '[' && data[1] != 'O') {
        *key = KEY_ESCAPE; /* Escape, and then another key */
        return 1;
    }
    /* ECMA-48 5.4: parameter and intermediate bytes 0x20-0x3f, then one final byte. */
    size_t at = 2;
    unsigned number = 0;
    bool in_number = true;
    while (at < size && (unsigned char)data[at] >= 0x20 && (unsigned char)data[at] <= 0x3f) {
        bool is_digit = data[at] >= '0' && data[at] <= '9';
        in_number = in_number && is_digit;
        if (in_number && number < 1000) {
            number = number * 10 + (unsigned)(data[at] - '0');
        }
        at++;
    }
    if (at == size) {
        return 0;
    }
    if (data[at] == '[' && data[1] == '[' && at == 2) { /* the Linux console: ESC [ [ A is F1 */
        if (size < 4) {
            return 0;
        }
        *key = data[3] == 'A' ? KEY_HELP : KEY_NONE;
        return 4;
    }
    *key = data[at] == '~' ? key_of_number(number) : key_of_letter(data[at]);
    return at + 1;
}

/* A character of two to four bytes. Returns 0 when it is not complete. */
static size_t decode_character(const char *data, size_t size, int *key) {
    uint32_t code;
    size_t length;
    enum utf8_result result = utf8_decode(data, size, &code, &length);
    *key = result == UTF8_OK ? (int)code : KEY_NONE;
    return result == UTF8_INCOMPLETE ? 0 : length;
}

size_t key_decode(const char *data, size_t size, bool is_all, int *key) {
    unsigned char first = (unsigned char)data[0];
    size_t taken = 1;
    if (first == ESCAPE) {
        taken = decode_escape(data, size, key);
    } else if (first >= 0x80) {
        taken = decode_character(data, size, key);
    } else if (first == '\n') {
        *key = KEY_ENTER;
    } else if (first == '\b') {
        *key = KEY_BACKSPACE;
    } else {
        *key = first;
    }
    if (taken == 0 && is_all) {
        /* Nothing more came: Escape alone, or a sequence that was cut short. */
        *key = first == ESCAPE && size == 1 ? KEY_ESCAPE : KEY_NONE;
        taken = size;
    }
    return taken;
}
