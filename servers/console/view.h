/* SPDX-License-Identifier: MIT */
/*
 * A virtual console's picture: libvterm understands what is written, this keeps the result as cells
 * of the screen, with the lines that scrolled off, and shows them if it is the one that is looked
 * at. Only cells that changed are drawn.
 */
#pragma once

#include <vterm.h>

#include "abi/types.h"
#include "servers/console/sanitize.h"
#include "servers/console/screen.h"

enum { VIEW_HISTORY_ROWS = 1000 };

struct view {
    VTerm *vterm;
    VTermScreen *screen;
    struct sanitizer sanitizer;
    uint16_t cells[SCREEN_ROWS][SCREEN_COLUMNS]; /* as they are now */
    uint16_t (*history)[SCREEN_COLUMNS];         /* ring of VIEW_HISTORY_ROWS */
    uint32_t n_history;                          /* rows that ever went there */
    uint32_t back;                               /* rows that the view is scrolled back */
    bool is_active;                              /* on the screen */
    bool has_cursor;
    VTermPos cursor;
    /* What the emulator answers (a cursor position that was asked for, say). */
    void (*answer)(void *context, const char *bytes, size_t n);
    void *context;
};

/* NO_MEMORY. answer may be NULL. */
WARN_UNUSED status_t view_init(struct view *view,
                               void (*answer)(void *context, const char *bytes, size_t n),
                               void *context);

/* Shows text and control sequences: ECMA-48 and xterm's, UTF-8. Any bytes are accepted. */
void view_write(struct view *view, const char *bytes, size_t n);

/* Puts it on the screen, takes it off. Exactly one is active at a time. */
void view_show(struct view *view);
void view_hide(struct view *view);

/* Scrolls by rows, back into the history if positive; as far as there is any. */
void view_scroll(struct view *view, int rows);
