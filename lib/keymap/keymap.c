/* SPDX-License-Identifier: MIT */
/* See keymap.h. */
#include "lib/keymap/keymap.h"

#include <string.h>

#include "lib/base/utf8.h"

struct word {
    const char *data;
    size_t size;
};

struct key_name {
    const char *name;
    uint8_t code;
};

/* Names longer than one character; letters and digits are found by their own character. */
static const struct key_name key_names[] = {
    {"grave", 0x29},        {"minus", 0x0c},     {"equal", 0x0d},      {"leftbracket", 0x1a},
    {"rightbracket", 0x1b}, {"semicolon", 0x27}, {"apostrophe", 0x28}, {"backslash", 0x2b},
    {"less", 0x56},         {"comma", 0x33},     {"period", 0x34},     {"slash", 0x35},
    {"space", 0x39},        {"kpdecimal", 0x53},
};

/* The three rows of letters and the row of digits, as they lie, with the first scan code of each.
 */
static const struct key_name key_rows[] = {
    {"1234567890", 0x02},
    {"qwertyuiop", 0x10},
    {"asdfghjkl", 0x1e},
    {"zxcvbnm", 0x2c},
};

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the next word off the line; an empty one at its end. */
static struct word take_word(struct word *line) {
    struct word word;
    while (line->size > 0 && is_blank(line->data[0])) {
        line->data++;
        line->size--;
    }
    word.data = line->data;
    word.size = 0;
    while (line->size > 0 && !is_blank(line->data[0])) {
        line->data++;
        line->size--;
        word.size++;
    }
    return word;
}

static bool is_word(struct word word, const char *text) {
    return word.size == strlen(text) && memcmp(word.data, text, word.size) == 0;
}

static bool find_key(struct word name, uint8_t *code) {
    for (size_t i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++) {
        if (is_word(name, key_names[i].name)) {
            *code = key_names[i].code;
            return true;
        }
    }
    for (size_t i = 0; name.size == 1 && i < sizeof(key_rows) / sizeof(key_rows[0]); i++) {
        const char *row = key_rows[i].name;
        const char *found = memchr(row, name.data[0], strlen(row));
        if (found != NULL) {
            *code = (uint8_t)(key_rows[i].code + (found - row));
            return true;
        }
    }
    return false;
}

/* U+ and one to six hexadecimal digits. */
static bool parse_hex(struct word word, uint32_t *code_point) {
    if (word.size < 3 || word.size > 8) {
        return false;
    }
    *code_point = 0;
    for (size_t i = 2; i < word.size; i++) {
        char c = word.data[i];
        char lower = (char)(c | 0x20);
        uint32_t digit = c >= '0' && c <= '9'           ? (uint32_t)(c - '0')
                         : lower >= 'a' && lower <= 'f' ? (uint32_t)(lower - 'a') + 10
                                                        : 16;
        if (digit == 16) {
            return false;
        }
        *code_point = *code_point << 4 | digit;
    }
    return *code_point <= 0x10ffff && (*code_point < 0xd800 || *code_point > 0xdfff);
}

/* One column. False if it is none of the forms of keymap.h. */
static bool parse_symbol(struct word word, struct keymap_symbol *symbol) {
    static const char dead[] = "dead:";
    size_t length;
    if (is_word(word, "none")) {
        return true;
    }
    if (word.size > strlen(dead) && memcmp(word.data, dead, strlen(dead)) == 0) {
        symbol->is_dead = true;
        word.data += strlen(dead);
        word.size -= strlen(dead);
    }
    if (is_word(word, "space")) {
        symbol->code_point = ' ';
        return true;
    }
    if (word.size > 2 && memcmp(word.data, "U+", 2) == 0) {
        return parse_hex(word, &symbol->code_point) && symbol->code_point >= ' ';
    }
    /* Exactly one character, and no control. */
    return utf8_decode(word.data, word.size, &symbol->code_point, &length) == UTF8_OK &&
           length == word.size && symbol->code_point > ' ' &&
           (symbol->code_point < 0x7f || symbol->code_point >= 0xa0);
}

/* One line. Returns what is wrong with it, or NULL. */
static const char *parse_line(struct word line, struct keymap *keymap) {
    struct word statement = take_word(&line);
    uint8_t code = 0;
    if (statement.size == 0 || statement.data[0] == '#') {
        return NULL;
    }
    bool is_letter = is_word(statement, "letter");
    if (!is_letter && !is_word(statement, "key")) {
        return "a line starts with key, letter or #";
    }
    if (!find_key(take_word(&line), &code)) {
        return "there is no key of this name";
    }
    struct keymap_key *key = &keymap->keys[code];
    if (key->is_defined) {
        return "this key has a line already";
    }
    *key = (struct keymap_key){.is_defined = true, .is_letter = is_letter};
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        struct word symbol = take_word(&line);
        if (symbol.size == 0) {
            return level == 0 ? "the key has no characters" : NULL;
        }
        if (!parse_symbol(symbol, &key->levels[level])) {
            return "not a character, U+HEX, space, none or dead:X";
        }
        bool is_altgr = level == LEVEL_ALTGR || level == LEVEL_SHIFT_ALTGR;
        keymap->has_altgr |= is_altgr && key->levels[level].code_point != 0;
    }
    return take_word(&line).size == 0 ? NULL : "more than four characters";
}

bool keymap_parse(const char *text, size_t size, struct keymap *keymap,
                  struct keymap_error *error) {
    *keymap = (struct keymap){0};
    *error = (struct keymap_error){0};
    if (size > KEYMAP_TEXT_MAX) {
        error->what = "too long for a keyboard layout";
        return false;
    }
    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t n_line = end != NULL ? (size_t)(end - text) : size;
        error->line++;
        error->what = parse_line((struct word){text, n_line}, keymap);
        if (error->what != NULL) {
            return false;
        }
        n_line += end != NULL;
        text += n_line;
        size -= n_line;
    }
    if (error->line == 0) {
        error->what = "the layout is empty";
        return false;
    }
    *error = (struct keymap_error){0};
    return true;
}

/* The characters of `row` on the keys of `row` itself: a US layout in miniature. */
static void set_row(struct keymap *keymap, uint8_t first, const char *plain, const char *shift,
                    bool is_letter) {
    for (size_t i = 0; plain[i] != '\0'; i++) {
        struct keymap_key *key = &keymap->keys[first + i];
        key->is_defined = true;
        key->is_letter = is_letter;
        key->levels[LEVEL_PLAIN].code_point = (uint8_t)plain[i];
        key->levels[LEVEL_SHIFT].code_point = (uint8_t)shift[i];
    }
}

void keymap_init_us(struct keymap *keymap) {
    *keymap = (struct keymap){0};
    set_row(keymap, 0x02, "1234567890-=", "!@#$%^&*()_+", false);
    set_row(keymap, 0x10, "qwertyuiop", "QWERTYUIOP", true);
    set_row(keymap, 0x1a, "[]", "{}", false);
    set_row(keymap, 0x1e, "asdfghjkl", "ASDFGHJKL", true);
    set_row(keymap, 0x27, ";'`", ":\"~", false);
    set_row(keymap, 0x2b, "\\", "|", false);
    set_row(keymap, 0x2c, "zxcvbnm", "ZXCVBNM", true);
    set_row(keymap, 0x33, ",./", "<>?", false);
    set_row(keymap, 0x39, " ", " ", false);
    set_row(keymap, 0x56, "\\", "|", false);
}
