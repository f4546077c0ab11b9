/* SPDX-License-Identifier: MIT */
#include "programs/shell/keys.h"

#include <stddef.h>

#define ESCAPE 0x1b
#define DELETE 0x7f

static const enum key control_keys[32] = {
    [1] = KEY_HOME,   [2] = KEY_LEFT,         [3] = KEY_CANCEL,         [4] = KEY_DELETE_OR_END,
    [5] = KEY_END,    [6] = KEY_RIGHT,        [8] = KEY_BACKSPACE,      [9] = KEY_TAB,
    [10] = KEY_ENTER, [11] = KEY_KILL_TO_END, [12] = KEY_CLEAR,         [13] = KEY_ENTER,
    [14] = KEY_DOWN,  [16] = KEY_UP,          [21] = KEY_KILL_TO_START, [23] = KEY_KILL_WORD,
    [25] = KEY_YANK,
};

static enum key alt_key(unsigned char byte) {
    switch (byte) {
    case 'b':
        return KEY_WORD_LEFT;
    case 'f':
        return KEY_WORD_RIGHT;
    case 'd':
        return KEY_KILL_WORD_NEXT;
    case DELETE:
    case '\b':
        return KEY_KILL_WORD;
    default:
        return KEY_NONE;
    }
}

/* The letter that ends a sequence, with a modifier such as Ctrl or without. */
static enum key letter_key(unsigned char letter, int modified) {
    switch (letter) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return modified ? KEY_WORD_RIGHT : KEY_RIGHT;
    case 'D':
        return modified ? KEY_WORD_LEFT : KEY_LEFT;
    case 'F':
        return KEY_END;
    case 'H':
        return KEY_HOME;
    default:
        return KEY_NONE;
    }
}

/* "ESC [ number ~". */
static enum key numbered_key(unsigned number) {
    switch (number) {
    case 1:
    case 7:
        return KEY_HOME;
    case 4:
    case 8:
        return KEY_END;
    case 3:
        return KEY_DELETE;
    default:
        return KEY_NONE;
    }
}

static enum key feed_csi(struct keys *keys, unsigned char byte) {
    unsigned *parameter = &keys->parameters[keys->n_parameters];

    if (byte >= '0' && byte <= '9') {
        *parameter = *parameter < 1000 ? *parameter * 10 + (byte - '0') : *parameter;
        return KEY_NONE;
    }
    if (byte == ';') {
        keys->n_parameters = 1;
        keys->parameters[1] = 0;
        return KEY_NONE;
    }
    if (byte == '[' && keys->n_parameters == 0 && keys->parameters[0] == 0) {
        keys->state = KEYS_SKIP_ONE; /* the Linux console's F1 to F5: ESC [ [ A */
        return KEY_NONE;
    }
    if (byte >= 0x20 && byte < 0x40) {
        return KEY_NONE; /* other parameter and intermediate bytes */
    }
    keys->state = byte == ESCAPE ? KEYS_ESCAPE : KEYS_GROUND;
    return byte == '~' ? numbered_key(keys->parameters[0])
                       : letter_key(byte, keys->parameters[1] > 1);
}

enum key keys_feed(struct keys *keys, unsigned char byte) {
    switch (keys->state) {
    case KEYS_ESCAPE:
        if (byte == '[') {
            *keys = (struct keys){.state = KEYS_CSI};
            return KEY_NONE;
        }
        if (byte == 'O') {
            keys->state = KEYS_SS3;
            return KEY_NONE;
        }
        keys->state = byte == ESCAPE ? KEYS_ESCAPE : KEYS_GROUND;
        return alt_key(byte);
    case KEYS_CSI:
        return feed_csi(keys, byte);
    case KEYS_SS3:
        keys->state = KEYS_GROUND;
        return letter_key(byte, 0);
    case KEYS_SKIP_ONE:
        keys->state = KEYS_GROUND;
        return KEY_NONE;
    default:
        break;
    }
    if (byte == ESCAPE) {
        keys->state = KEYS_ESCAPE;
        return KEY_NONE;
    }
    if (byte == DELETE) {
        return KEY_BACKSPACE;
    }
    return byte < 0x20 ? control_keys[byte] : KEY_TEXT;
}
