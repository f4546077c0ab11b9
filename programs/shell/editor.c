/* SPDX-License-Identifier: MIT */
#include "programs/shell/editor.h"

#include <string.h>

#include "programs/common/width.h"

void editor_begin(struct editor *editor, const struct history *history) {
    text_clear(&editor->line);
    text_clear(&editor->draft);
    editor->cursor = 0;
    editor->keys = (struct keys){0};
    editor->history = history;
    editor->position = history == NULL ? 0 : history->n;
}

void editor_free(struct editor *editor) {
    text_free(&editor->line);
    text_free(&editor->killed);
    text_free(&editor->draft);
}

static size_t next_boundary(const struct editor *editor, size_t at) {
    unsigned width = 0;

    return at == editor->line.length
               ? at
               : at + width_cluster(editor->line.bytes + at, editor->line.length - at, &width);
}

/* The line is decoded from its start: in UTF-8 with invalid bytes in it that is the only way that
 * finds the same boundaries in both directions. */
static size_t previous_boundary(const struct editor *editor, size_t at) {
    size_t boundary = 0;

    while (boundary < at) {
        size_t next = next_boundary(editor, boundary);

        if (next >= at) {
            break;
        }
        boundary = next;
    }
    return boundary;
}

static int is_word_byte(char byte) {
    /* All of UTF-8 beyond ASCII counts as letters. */
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '_' || (unsigned char)byte >= 0x80;
}

static size_t word_start(const struct editor *editor) {
    const char *bytes = text_string(&editor->line);
    size_t at = editor->cursor;

    while (at > 0 && !is_word_byte(bytes[at - 1])) {
        at--;
    }
    while (at > 0 && is_word_byte(bytes[at - 1])) {
        at--;
    }
    return at;
}

static size_t word_end(const struct editor *editor) {
    const char *bytes = text_string(&editor->line);
    size_t at = editor->cursor;

    while (at < editor->line.length && !is_word_byte(bytes[at])) {
        at++;
    }
    while (at < editor->line.length && is_word_byte(bytes[at])) {
        at++;
    }
    return at;
}

/* Where Ctrl-W kills to: over blanks, then to the next blank. */
static size_t blank_start(const struct editor *editor) {
    const char *bytes = text_string(&editor->line);
    size_t at = editor->cursor;

    while (at > 0 && strchr(" \t\n", bytes[at - 1]) != NULL) {
        at--;
    }
    while (at > 0 && strchr(" \t\n", bytes[at - 1]) == NULL) {
        at--;
    }
    return at;
}

static enum editor_event move(struct editor *editor, size_t to) {
    if (to == editor->cursor) {
        return EDITOR_BELL;
    }
    editor->cursor = to;
    return EDITOR_MORE;
}

static enum editor_event erase(struct editor *editor, size_t start, size_t end) {
    if (start == end) {
        return EDITOR_BELL;
    }
    text_remove(&editor->line, start, end - start);
    editor->cursor = start;
    return EDITOR_MORE;
}

/* Like erase, but Ctrl-Y can bring it back. */
static enum editor_event kill_text(struct editor *editor, size_t start, size_t end) {
    if (start != end) {
        text_clear(&editor->killed);
        text_append(&editor->killed, editor->line.bytes + start, end - start);
    }
    return erase(editor, start, end);
}

static enum editor_event insert(struct editor *editor, const char *bytes, size_t n) {
    if (n == 0 || n > EDITOR_LIMIT - editor->line.length) {
        return EDITOR_BELL;
    }
    text_insert(&editor->line, editor->cursor, bytes, n);
    editor->cursor += n;
    return EDITOR_MORE;
}

void editor_replace(struct editor *editor, size_t length, const char *bytes, size_t n) {
    text_remove(&editor->line, editor->cursor - length, length);
    editor->cursor -= length;
    insert(editor, bytes, n);
}

/* Shows the line at a position of the history; what is being typed is kept as a draft. */
static enum editor_event show(struct editor *editor, size_t position) {
    const struct history *history = editor->history;

    if (editor->position == history->n) {
        text_clear(&editor->draft);
        text_append(&editor->draft, text_string(&editor->line), editor->line.length);
    }
    editor->position = position;
    text_clear(&editor->line);
    text_append_string(&editor->line, position == history->n ? text_string(&editor->draft)
                                                             : history->lines[position]);
    editor->cursor = editor->line.length;
    return EDITOR_MORE;
}

static enum editor_event go_up(struct editor *editor) {
    return editor->position == 0 ? EDITOR_BELL : show(editor, editor->position - 1);
}

static enum editor_event go_down(struct editor *editor) {
    return editor->history == NULL || editor->position == editor->history->n
               ? EDITOR_BELL
               : show(editor, editor->position + 1);
}

/* The keys that change the text. */
static enum editor_event edit(struct editor *editor, enum key key) {
    size_t cursor = editor->cursor;

    switch (key) {
    case KEY_BACKSPACE:
        return erase(editor, previous_boundary(editor, cursor), cursor);
    case KEY_DELETE_OR_END:
    case KEY_DELETE:
        return erase(editor, cursor, next_boundary(editor, cursor));
    case KEY_KILL_TO_END:
        return kill_text(editor, cursor, editor->line.length);
    case KEY_KILL_TO_START:
        return kill_text(editor, 0, cursor);
    case KEY_KILL_WORD:
        return kill_text(editor, blank_start(editor), cursor);
    case KEY_KILL_WORD_NEXT:
        return kill_text(editor, cursor, word_end(editor));
    case KEY_YANK:
        return insert(editor, text_string(&editor->killed), editor->killed.length);
    default:
        return EDITOR_MORE;
    }
}

enum editor_event editor_feed(struct editor *editor, unsigned char byte) {
    enum key key = keys_feed(&editor->keys, byte);
    char text = (char)byte;

    switch (key) {
    case KEY_TEXT:
        return insert(editor, &text, 1);
    case KEY_ENTER:
        return EDITOR_ACCEPT;
    case KEY_TAB:
        return EDITOR_COMPLETE;
    case KEY_CANCEL:
        return EDITOR_CANCEL;
    case KEY_CLEAR:
        return EDITOR_CLEAR;
    case KEY_LEFT:
        return move(editor, previous_boundary(editor, editor->cursor));
    case KEY_RIGHT:
        return move(editor, next_boundary(editor, editor->cursor));
    case KEY_HOME:
        editor->cursor = 0;
        return EDITOR_MORE;
    case KEY_END:
        editor->cursor = editor->line.length;
        return EDITOR_MORE;
    case KEY_WORD_LEFT:
        return move(editor, word_start(editor));
    case KEY_WORD_RIGHT:
        return move(editor, word_end(editor));
    case KEY_UP:
        return go_up(editor);
    case KEY_DOWN:
        return go_down(editor);
    case KEY_DELETE_OR_END:
        return editor->line.length == 0 ? EDITOR_END : edit(editor, key);
    default:
        return edit(editor, key);
    }
}

int editor_is_midway(const struct editor *editor) {
    if (editor->keys.state != KEYS_GROUND) {
        return 1;
    }
    /* Up to three bytes back there may be a first byte that announces more than is there. */
    for (size_t back = 1; back <= 3 && back <= editor->cursor; back++) {
        unsigned char byte = (unsigned char)editor->line.bytes[editor->cursor - back];

        if ((byte & 0xc0) != 0x80) {
            return byte >= 0xc2 && byte <= 0xf4 &&
                   back < (byte < 0xe0   ? 2u
                           : byte < 0xf0 ? 3u
                                         : 4u);
        }
    }
    return 0;
}
