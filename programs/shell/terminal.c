/* SPDX-License-Identifier: MIT */
#include "programs/shell/terminal.h"

#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "programs/common/columns.h"
#include "programs/common/allocate.h"
#include "programs/common/screen.h"
#include "programs/common/stream.h"
#include "programs/common/width.h"
#include "programs/shell/complete.h"

#include <stdlib.h>

/* Bytes without a line end that a plain line may have. */
#define PLAIN_LIMIT (1u << 20)

/* More names than this are not listed for Tab. */
#define LIST_LIMIT 500

enum terminal_result terminal_read_plain(struct text *line) {
    size_t before = line->length;

    for (;;) {
        char byte = 0;
        ssize_t n = read(STDIN_FILENO, &byte, 1);

        if (n < 0 && errno == EINTR && !shell_interrupted) {
            continue;
        }
        if (n < 0 && errno == EINTR) {
            return TERMINAL_CANCELLED;
        }
        if (n <= 0) {
            return line->length > before ? TERMINAL_LINE : TERMINAL_END;
        }
        if (byte == '\n') {
            return TERMINAL_LINE;
        }
        /* A null byte has no place in a line; what is too long is cut. */
        if (byte != '\0' && line->length - before < PLAIN_LIMIT) {
            text_append_byte(line, byte);
        }
    }
}

static void flush(struct terminal *terminal) {
    if (terminal->output.length > 0) {
        stream_write(STDERR_FILENO, terminal->output.bytes, terminal->output.length);
        text_clear(&terminal->output);
    }
}

static void draw(struct terminal *terminal, const char *prompt) {
    struct display_content content = {
        .prompt = prompt,
        .line = text_string(&terminal->editor.line),
        .length = terminal->editor.line.length,
        .cursor = terminal->editor.cursor,
        .size = screen_size(STDIN_FILENO),
    };

    display_draw(&terminal->display, &content, &terminal->output);
}

/* Lists the names that are possible below the line, which is then drawn again. */
static void list_names(struct terminal *terminal, const struct fields *names) {
    struct columns_entry *entries = checked_realloc(NULL, names->n, sizeof *entries);
    struct text *texts = checked_realloc(NULL, names->n, sizeof *texts);

    display_finish(&terminal->display, &terminal->output);
    for (size_t i = 0; i < names->n; i++) {
        texts[i] = (struct text){0};
        entries[i].width = width_visible(&texts[i], names->items[i], strlen(names->items[i]));
        entries[i].shown = text_string(&texts[i]);
    }
    columns_format(&terminal->output, entries, names->n, screen_size(STDIN_FILENO).columns);
    for (size_t i = 0; i < names->n; i++) {
        text_free(&texts[i]);
    }
    free(texts);
    free(entries);
}

static void complete_at_cursor(struct terminal *terminal, struct shell *shell) {
    struct arena arena = {0};
    struct completion completion = {0};
    struct editor *editor = &terminal->editor;

    complete(&completion, shell, &arena, text_string(&editor->line), editor->cursor);
    if (completion.names.n == 0) {
        text_append_byte(&terminal->output, '\a');
    } else if (completion.text.length != completion.replaced ||
               memcmp(completion.text.bytes,
                      editor->line.bytes + editor->cursor - completion.replaced,
                      completion.replaced) != 0) {
        editor_replace(editor, completion.replaced, completion.text.bytes, completion.text.length);
    } else if (completion.names.n > LIST_LIMIT) {
        display_finish(&terminal->display, &terminal->output);
        text_append_format(&terminal->output, "%zu possibilities\n", completion.names.n);
    } else {
        list_names(terminal, &completion.names);
    }
    text_free(&completion.text);
    arena_free(&arena);
}

/* Raw: bytes as they are typed, not echoed, without signals. Output is processed as always, for
 * programs in the background, and because the display counts on it; and Enter is a line feed, so
 * that lines typed ahead end for the program that reads them. TCSADRAIN: nothing typed is lost. */
static void enter_raw(const struct termios *modes) {
    struct termios raw = *modes;

    raw.c_iflag &= ~(tcflag_t)(ISTRIP | IXON);
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_oflag |= OPOST | ONLCR;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

/* Acts on what a byte did. Returns 1 if the line goes on, else 0 and the result. */
static int handle_event(struct terminal *terminal, struct shell *shell, enum editor_event event,
                        enum terminal_result *result) {
    struct editor *editor = &terminal->editor;

    switch (event) {
    case EDITOR_ACCEPT:
        *result = TERMINAL_LINE;
        return 0;
    case EDITOR_CANCEL:
        *result = TERMINAL_CANCELLED;
        return 0;
    case EDITOR_END:
        *result = TERMINAL_END;
        return 0;
    case EDITOR_CLEAR:
        text_append_string(&terminal->output, "\033[H\033[2J");
        display_forget(&terminal->display);
        return 1;
    case EDITOR_COMPLETE:
        if (!editor_is_midway(editor)) {
            complete_at_cursor(terminal, shell);
        }
        return 1;
    case EDITOR_BELL:
        text_append_byte(&terminal->output, '\a');
        return 1;
    default:
        return 1;
    }
}

static enum terminal_result edit_line(struct terminal *terminal, struct shell *shell,
                                      const char *prompt) {
    enum terminal_result result = TERMINAL_END;

    for (;;) {
        unsigned char byte = 0;
        ssize_t n = 0;

        if (!editor_is_midway(&terminal->editor)) {
            draw(terminal, prompt);
        }
        flush(terminal);
        /* One byte, so that what is typed ahead is left for the program that the line starts. */
        n = read(STDIN_FILENO, &byte, 1);
        if (n < 0 && errno == EINTR) {
            if (shell_interrupted) {
                return TERMINAL_CANCELLED;
            }
            continue; /* most likely the window has changed its size: draw */
        }
        if (n <= 0) {
            return TERMINAL_END;
        }
        if (!handle_event(terminal, shell, editor_feed(&terminal->editor, byte), &result)) {
            return result;
        }
    }
}

enum terminal_result terminal_read(struct terminal *terminal, struct shell *shell,
                                   const char *prompt, struct text *line) {
    enum terminal_result result = TERMINAL_END;
    size_t length = 0;

    if (!shell->has_modes) {
        stream_write(STDERR_FILENO, prompt, strlen(prompt));
        return terminal_read_plain(line);
    }
    enter_raw(&shell->modes);
    editor_begin(&terminal->editor, &shell->history);
    display_forget(&terminal->display);
    result = edit_line(terminal, shell, prompt);
    /* The whole line stays on the screen, with the cursor behind it. */
    terminal->editor.cursor = terminal->editor.line.length;
    draw(terminal, prompt);
    if (result == TERMINAL_CANCELLED) {
        text_append_string(&terminal->output, "^C");
    }
    display_finish(&terminal->display, &terminal->output);
    flush(terminal);
    /* What was typed ahead for the program that the line starts is taken in its mode now. */
    tcsetattr(STDIN_FILENO, TCSADRAIN, &shell->modes);
    /* The keyboard can send a null byte (Ctrl-@); a line ends before it. */
    length = strlen(text_string(&terminal->editor.line));
    text_append(line, text_string(&terminal->editor.line), length);
    return result;
}

void terminal_free(struct terminal *terminal) {
    editor_free(&terminal->editor);
    display_free(&terminal->display);
    text_free(&terminal->output);
}
