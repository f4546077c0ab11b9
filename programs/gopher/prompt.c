/* SPDX-License-Identifier: MIT */
/* See prompt.h. */
#include "programs/gopher/prompt.h"

#include <string.h>

#include "lib/base/utf8.h"

#define CONTROL(letter) ((letter)-64)

static void draw(const struct prompt *prompt, const char *question, const char *text) {
    struct buffer line = {0};
    buffer_append_string(&line, question);
    buffer_append_string(&line, text);
    buffer_append(&line, "", 1);
    if (!line.failed) {
        view_bottom(prompt->view, line.data, true);
    }
    buffer_release(&line);
}

/* Takes the last character off. */
static void erase_character(char *text) {
    size_t size = strlen(text);
    while (size > 0 && ((unsigned char)text[size - 1] & 0xc0) == 0x80) {
        size--;
    }
    text[size > 0 ? size - 1 : 0] = '\0';
}

/* Takes the last word off, with the blanks or slashes after it. */
static void erase_word(char *text) {
    size_t size = strlen(text);
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '/')) {
        size--;
    }
    while (size > 0 && text[size - 1] != ' ' && text[size - 1] != '/') {
        size--;
    }
    text[size] = '\0';
}

/* Appends a printable character if there is room for it. */
static void add_character(char *text, size_t room, int key) {
    char bytes[UTF8_LENGTH_MAX];
    size_t size = strlen(text);
    if (key < ' ' || (key >= 0x7f && key < 0xa0) || key > 0x10ffff) {
        return;
    }
    size_t n_bytes = utf8_encode((uint32_t)key, bytes);
    if (size + n_bytes < room) {
        memcpy(text + size, bytes, n_bytes);
        text[size + n_bytes] = '\0';
    }
}

bool prompt_line(const struct prompt *prompt, const char *question, char *text, size_t room) {
    for (;;) {
        int key;
        draw(prompt, question, text);
        if (!screen_key(&key)) {
            *prompt->is_gone = true;
            return false;
        }
        switch (key) {
        case KEY_NONE:
            view_reset(prompt->view); /* the page comes back with the answer */
            break;
        case KEY_ENTER:
            return true;
        case KEY_ESCAPE:
        case CONTROL('G'):
            return false;
        case KEY_BACKSPACE:
            erase_character(text);
            break;
        case CONTROL('U'):
            text[0] = '\0';
            break;
        case CONTROL('W'):
            erase_word(text);
            break;
        default:
            add_character(text, room, key);
            break;
        }
    }
}

bool prompt_yes(const struct prompt *prompt, const char *question) {
    int key;
    do {
        draw(prompt, question, "");
        if (!screen_key(&key)) {
            *prompt->is_gone = true;
            return false;
        }
        if (key == KEY_NONE) {
            view_reset(prompt->view);
        }
    } while (key == KEY_NONE);
    return key == 'y' || key == 'Y';
}
