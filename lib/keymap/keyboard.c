/* SPDX-License-Identifier: MIT */
/* See keyboard.h. Scan codes: "IBM PS/2 Hardware Interface Technical Reference", keyboards, set 1.
 */
#include "lib/keymap/keyboard.h"

#include <string.h>

#include "lib/base/utf8.h"

#define PREFIX_E0   0xe0
#define PREFIX_E1   0xe1
#define RELEASE_BIT 0x80

#define ESCAPE '\033'

void keyboard_init(struct keyboard *keyboard, const struct keymap *keymap) {
    *keyboard = (struct keyboard){.keymap = keymap};
}

void keyboard_reset(struct keyboard *keyboard) {
    keyboard->prefix = 0;
    keyboard->skipped = 0;
    memset(keyboard->down, 0, sizeof(keyboard->down));
}

static bool is_down(const struct keyboard *keyboard, uint8_t key) {
    return keyboard->down[key / 8] >> key % 8 & 1;
}

static unsigned modifiers(const struct keyboard *keyboard) {
    unsigned result = 0;
    if (is_down(keyboard, KEY_LEFT_SHIFT) || is_down(keyboard, KEY_RIGHT_SHIFT)) {
        result |= MODIFIER_SHIFT;
    }
    if (is_down(keyboard, KEY_LEFT_CTRL) || is_down(keyboard, KEY_RIGHT_CTRL)) {
        result |= MODIFIER_CTRL;
    }
    if (is_down(keyboard, KEY_LEFT_ALT)) {
        result |= MODIFIER_ALT;
    }
    if (is_down(keyboard, KEY_RIGHT_ALT)) {
        result |= keyboard->keymap->has_altgr ? MODIFIER_ALTGR : MODIFIER_ALT;
    }
    return result;
}

static unsigned lock_of_key(uint8_t key) {
    switch (key) {
    case KEY_CAPS_LOCK:
        return LOCK_CAPS;
    case KEY_NUM_LOCK:
        return LOCK_NUM;
    case KEY_SCROLL_LOCK:
        return LOCK_SCROLL;
    default:
        return 0;
    }
}

/* A key goes down or up: keeps the books and fills the event. */
static void key_moves(struct keyboard *keyboard, uint8_t key, bool is_release,
                      struct keyboard_event *event) {
    uint8_t bit = (uint8_t)(1u << key % 8);
    event->key = key;
    event->action = is_release ? KEY_RELEASED : is_down(keyboard, key) ? KEY_REPEATED : KEY_PRESSED;
    if (is_release) {
        keyboard->down[key / 8] &= (uint8_t)~bit;
    } else {
        keyboard->down[key / 8] |= bit;
    }
    if (event->action == KEY_PRESSED) {
        keyboard->locks ^= lock_of_key(key);
    }
    event->modifiers = modifiers(keyboard);
}

/* The two bytes after E1. Pause is the only key that has them: E1 1D 45, released E1 9D C5. */
static bool feed_after_e1(struct keyboard *keyboard, uint8_t byte, struct keyboard_event *event) {
    if (keyboard->skipped == 0) {
        keyboard->skipped = byte;
        return false;
    }
    bool is_pause = (keyboard->skipped & ~RELEASE_BIT) == KEY_LEFT_CTRL &&
                    (byte & ~RELEASE_BIT) == KEY_NUM_LOCK;
    keyboard->prefix = 0;
    keyboard->skipped = 0;
    if (is_pause) {
        key_moves(keyboard, KEY_PAUSE, byte & RELEASE_BIT, event);
    }
    return is_pause;
}

bool keyboard_feed(struct keyboard *keyboard, uint8_t byte, struct keyboard_event *event) {
    uint8_t prefix = keyboard->prefix;
    if (byte == PREFIX_E0 || byte == PREFIX_E1) {
        keyboard->prefix = byte;
        keyboard->skipped = 0;
        return false;
    }
    if (byte == 0x00 || byte == 0xff) { /* the keyboard's own buffer ran over: bytes are lost */
        keyboard_reset(keyboard);
        return false;
    }
    if (prefix == PREFIX_E1) {
        return feed_after_e1(keyboard, byte, event);
    }
    keyboard->prefix = 0;
    uint8_t code = (uint8_t)(byte & ~RELEASE_BIT);
    if (prefix == PREFIX_E0 && (code == KEY_LEFT_SHIFT || code == KEY_RIGHT_SHIFT)) {
        return false; /* nobody pressed it */
    }
    if (code == 0x7a || code == 0x7e || code == 0x60 || code == 0x61) {
        return false; /* answers to commands (FA, FE) and no keys */
    }
    uint8_t key = (uint8_t)(code | (prefix == PREFIX_E0 ? KEY_EXTENDED : 0));
    key_moves(keyboard, key, byte & RELEASE_BIT, event);
    return true;
}

/* --- bytes for the terminal --- */

/* Keys with sequences. */
struct sequence {
    uint8_t key;
    char final;     /* CSI final, or SS3 final when no modifier is down and `is_ss3` */
    uint8_t number; /* for CSI number ~, else 0 */
    bool is_ss3;
};

static const struct sequence sequences[] = {
    {KEY_UP, 'A', 0, false},        {KEY_DOWN, 'B', 0, false},    {KEY_RIGHT, 'C', 0, false},
    {KEY_LEFT, 'D', 0, false},      {KEY_HOME, 'H', 0, false},    {KEY_END, 'F', 0, false},
    {KEY_INSERT, '~', 2, false},    {KEY_DELETE, '~', 3, false},  {KEY_PAGE_UP, '~', 5, false},
    {KEY_PAGE_DOWN, '~', 6, false}, {KEY_F1, 'P', 0, true},       {KEY_F1 + 1, 'Q', 0, true},
    {KEY_F1 + 2, 'R', 0, true},     {KEY_F1 + 3, 'S', 0, true},   {KEY_F1 + 4, '~', 15, false},
    {KEY_F1 + 5, '~', 17, false},   {KEY_F1 + 6, '~', 18, false}, {KEY_F1 + 7, '~', 19, false},
    {KEY_F1 + 8, '~', 20, false},   {KEY_F10, '~', 21, false},    {KEY_F11, '~', 23, false},
    {KEY_F12, '~', 24, false},
};

static size_t put_number(char *bytes, unsigned number) {
    size_t size = 0;
    if (number >= 10) {
        bytes[size++] = (char)('0' + number / 10);
    }
    bytes[size++] = (char)('0' + number % 10);
    return size;
}

/* ESC O x, ESC [ x, ESC [ 1 ; m x, ESC [ n ~ or ESC [ n ; m ~: at most 7 bytes. */
static size_t put_sequence(const struct keyboard *keyboard, const struct sequence *sequence,
                           unsigned held, char *bytes) {
    unsigned parameter = held & (MODIFIER_SHIFT | MODIFIER_ALT | MODIFIER_CTRL);
    bool is_ss3 = sequence->is_ss3 || (keyboard->application_cursor && sequence->number == 0);
    size_t size = 0;
    bytes[size++] = ESCAPE;
    bytes[size++] = is_ss3 && parameter == 0 ? 'O' : '[';
    if (sequence->number != 0 || parameter != 0) {
        size += put_number(bytes + size, sequence->number != 0 ? sequence->number : 1);
    }
    if (parameter != 0) {
        bytes[size++] = ';';
        size += put_number(bytes + size, 1 + parameter);
    }
    bytes[size++] = sequence->final;
    return size;
}

/* What Ctrl makes of a character: ECMA-48 controls, and what terminals have for / and space. */
static uint32_t control_of(uint32_t code_point) {
    if ((code_point >= '@' && code_point <= '_') || (code_point >= 'a' && code_point <= 'z')) {
        return code_point & 0x1f;
    }
    switch (code_point) {
    case ' ':
        return 0;
    case '/':
        return 0x1f;
    case '?':
        return 0x7f;
    default:
        return code_point;
    }
}

/* The character of a key of the layout; 0 if it has none. */
static uint32_t character_of(const struct keyboard *keyboard, uint8_t key, unsigned held) {
    const struct keymap_key *entry = &keyboard->keymap->keys[key];
    bool shift = held & MODIFIER_SHIFT;
    if (held & MODIFIER_ALTGR) {
        return entry->levels[shift ? LEVEL_SHIFT_ALTGR : LEVEL_ALTGR].code_point;
    }
    shift ^= entry->is_letter && (keyboard->locks & LOCK_CAPS);
    return entry->levels[shift ? LEVEL_SHIFT : LEVEL_PLAIN].code_point;
}

/* Does the key of the keypad stand for its digit now, rather than for a cursor key? */
static bool is_pad_number(const struct keyboard *keyboard, unsigned held) {
    bool num = keyboard->locks & LOCK_NUM;
    return num != ((held & MODIFIER_SHIFT) != 0);
}

/* The character of a key that has the same one in every layout; 0: none. */
static uint32_t fixed_character(const struct keyboard *keyboard, uint8_t key, unsigned held) {
    static const char pad[] = "789-456+1230";
    switch (key) {
    case KEY_ESCAPE:
        return ESCAPE;
    case KEY_BACKSPACE:
        return held & MODIFIER_CTRL ? '\b' : 0x7f;
    case KEY_TAB:
        return '\t';
    case KEY_ENTER:
    case KEY_PAD_ENTER:
        return '\r';
    case KEY_PAD_DIVIDE:
        return '/';
    case KEY_PAD_MULTIPLY:
        return '*';
    case KEY_PAD_MINUS:
    case KEY_PAD_PLUS:
        return (uint8_t)pad[key - KEY_PAD_7];
    case KEY_PAD_DECIMAL: {
        uint32_t decimal = keyboard->keymap->keys[key].levels[LEVEL_PLAIN].code_point;
        return decimal != 0 ? decimal : '.';
    }
    default:
        return key >= KEY_PAD_7 && key < KEY_PAD_DECIMAL ? (uint8_t)pad[key - KEY_PAD_7] : 0;
    }
}

/* A character, with ESC before it for Alt. */
static size_t put_character(uint32_t code_point, unsigned held, char *bytes) {
    size_t size = 0;
    if (held & MODIFIER_ALT) {
        bytes[size++] = ESCAPE;
    }
    return size + utf8_encode(code_point, bytes + size);
}

size_t keyboard_bytes(const struct keyboard *keyboard, const struct keyboard_event *event,
                      char bytes[KEYBOARD_BYTES_MAX]) {
    uint8_t key = event->key;
    unsigned held = event->modifiers;
    if (event->action == KEY_RELEASED) {
        return 0;
    }
    bool is_pad =
        key >= KEY_PAD_7 && key <= KEY_PAD_DECIMAL && key != KEY_PAD_MINUS && key != KEY_PAD_PLUS;
    if (is_pad && !is_pad_number(keyboard, held)) {
        key |= KEY_EXTENDED; /* the cursor keys have the same codes, after E0 */
        held &= ~(unsigned)MODIFIER_SHIFT;
    }
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        if (sequences[i].key == key) {
            return put_sequence(keyboard, &sequences[i], held, bytes);
        }
    }
    if (key == KEY_TAB && (held & MODIFIER_SHIFT)) {
        memcpy(bytes, "\033[Z", 3);
        return 3;
    }
    uint32_t fixed = fixed_character(keyboard, key, held);
    if (fixed != 0) {
        return put_character(fixed, held, bytes);
    }
    uint32_t code_point = key < KEYMAP_KEYS ? character_of(keyboard, key, held) : 0;
    if (code_point == 0) {
        return 0;
    }
    return put_character(held & MODIFIER_CTRL ? control_of(code_point) : code_point, held, bytes);
}
