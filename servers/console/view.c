/* SPDX-License-Identifier: MIT */
#include "servers/console/view.h"

#include <stdlib.h>
#include <string.h>

#include "servers/console/cp437.h"

enum {
    COLOUR_DEFAULT = 7,
    COLOUR_UNDERLINE = 3, /* cyan: the screen has no line under coloured text */
    COLOUR_BRIGHT = 8,
    PIECE_BYTES = 256, /* given to the emulator at once */
};

/* Of libvterm, which does not declare them for others. */
int vterm_unicode_width(uint32_t code_point);
int vterm_unicode_is_combining(uint32_t code_point);

/* ---- cells ---- */

/* The screen's sixteen colours, blue in bit 0 where the terminals' numbers have red. */
static const uint8_t palette[16][3] = {
    {0x00, 0x00, 0x00}, {0x00, 0x00, 0xaa}, {0x00, 0xaa, 0x00}, {0x00, 0xaa, 0xaa},
    {0xaa, 0x00, 0x00}, {0xaa, 0x00, 0xaa}, {0xaa, 0x55, 0x00}, {0xaa, 0xaa, 0xaa},
    {0x55, 0x55, 0x55}, {0x55, 0x55, 0xff}, {0x55, 0xff, 0x55}, {0x55, 0xff, 0xff},
    {0xff, 0x55, 0x55}, {0xff, 0x55, 0xff}, {0xff, 0xff, 0x55}, {0xff, 0xff, 0xff},
};

static uint8_t colour_nearest(const VTermColor *colour) {
    uint32_t best_distance = UINT32_MAX;
    uint8_t best = 0;

    for (size_t i = 0; i < ARRAY_SIZE(palette); i++) {
        int red = colour->rgb.red - palette[i][0];
        int green = colour->rgb.green - palette[i][1];
        int blue = colour->rgb.blue - palette[i][2];
        uint32_t distance = (uint32_t)(red * red + green * green + blue * blue);

        if (distance < best_distance) {
            best_distance = distance;
            best = (uint8_t)i;
        }
    }
    return best;
}

static uint8_t colour_of(const struct view *view, VTermColor colour) {
    if (VTERM_COLOR_IS_INDEXED(&colour) && colour.indexed.idx < 16) {
        uint8_t i = colour.indexed.idx;

        return (uint8_t)((i & 0x0a) | (i & 1) << 2 | (i >> 2 & 1));
    }
    vterm_screen_convert_color_to_rgb(view->screen, &colour);
    return colour_nearest(&colour);
}

static uint16_t cell_of(const struct view *view, const VTermScreenCell *cell) {
    uint8_t foreground =
        VTERM_COLOR_IS_DEFAULT_FG(&cell->fg) ? (uint8_t)COLOUR_DEFAULT : colour_of(view, cell->fg);
    uint8_t background = VTERM_COLOR_IS_DEFAULT_BG(&cell->bg) ? 0 : colour_of(view, cell->bg);
    uint32_t c = cell->chars[0];
    uint8_t glyph = c == 0 || c == UINT32_MAX ? ' ' /* nothing, or the right half of a wide one */
                                              : cp437_from_code_point(c);

    if (cell->attrs.underline != 0 && foreground == COLOUR_DEFAULT) {
        foreground = COLOUR_UNDERLINE;
    }
    if (cell->attrs.bold) {
        foreground |= COLOUR_BRIGHT;
    }
    if (cell->attrs.reverse) {
        uint8_t swapped = foreground;

        foreground = background;
        background = swapped & (uint8_t)~COLOUR_BRIGHT;
    }
    return (uint16_t)(background << 12 | foreground << 8 | glyph);
}

/* ---- drawing ---- */

/* The row that is to be seen `row` rows below the top of the screen. */
static const uint16_t *row_seen(const struct view *view, unsigned row) {
    if (row >= view->back) {
        return view->cells[row - view->back];
    }
    return view->history[(view->n_history - view->back + row) % VIEW_HISTORY_ROWS];
}

static void draw_cursor(const struct view *view) {
    if (!view->is_active) {
        return;
    }
    if (view->has_cursor && view->cursor.row >= 0 && view->cursor.col >= 0) {
        screen_set_cursor((unsigned)view->cursor.row + view->back, (unsigned)view->cursor.col);
    } else {
        screen_set_cursor(SCREEN_ROWS, 0);
    }
}

static void draw_all(const struct view *view) {
    for (unsigned row = 0; row < SCREEN_ROWS && view->is_active; row++) {
        const uint16_t *cells = row_seen(view, row);

        for (unsigned column = 0; column < SCREEN_COLUMNS; column++) {
            screen_put(row, column, cells[column]);
        }
    }
    draw_cursor(view);
}

/* ---- what the emulator tells ---- */

static int on_damage(VTermRect rect, void *user) {
    struct view *view = user;

    for (int row = rect.start_row; row < rect.end_row; row++) {
        for (int column = rect.start_col; column < rect.end_col; column++) {
            VTermScreenCell cell;

            if (vterm_screen_get_cell(view->screen, (VTermPos){row, column}, &cell) == 0) {
                continue;
            }
            uint16_t value = cell_of(view, &cell);
            view->cells[row][column] = value;
            if (view->is_active && (unsigned)row + view->back < SCREEN_ROWS) {
                screen_put((unsigned)row + view->back, (unsigned)column, value);
            }
        }
    }
    return 1;
}

static int on_cursor(VTermPos to, VTermPos from, int visible, void *user) {
    struct view *view = user;

    (void)from, (void)visible;
    view->cursor = to;
    return 1;
}

static int on_property(VTermProp property, VTermValue *value, void *user) {
    struct view *view = user;

    if (property == VTERM_PROP_CURSORVISIBLE) {
        view->has_cursor = value->boolean != 0;
    }
    return 1;
}

/* A row leaves the top. What is scrolled back stays in place as long as it is there. */
static int on_row_out(int columns, const VTermScreenCell *cells, void *user) {
    struct view *view = user;
    uint16_t *row = view->history[view->n_history % VIEW_HISTORY_ROWS];

    for (int i = 0; i < SCREEN_COLUMNS; i++) {
        row[i] = i < columns ? cell_of(view, &cells[i]) : SCREEN_BLANK;
    }
    view->n_history++;
    if (view->back > 0) {
        view->back = MIN(view->back + 1, (uint32_t)VIEW_HISTORY_ROWS);
    }
    return 1;
}

static void on_answer(const char *bytes, size_t n, void *user) {
    struct view *view = user;

    if (view->answer != NULL) {
        view->answer(view->context, bytes, n);
    }
}

static const VTermScreenCallbacks callbacks = {.damage = on_damage,
                                               .movecursor = on_cursor,
                                               .settermprop = on_property,
                                               .sb_pushline = on_row_out};

/* ---- interface ---- */

static int width_of(uint32_t code_point) {
    return vterm_unicode_is_combining(code_point) ? 0 : vterm_unicode_width(code_point);
}

status_t view_init(struct view *view, void (*answer)(void *context, const char *bytes, size_t n),
                   void *context) {
    *view = (struct view){.answer = answer, .context = context, .has_cursor = true};
    view->history = calloc(VIEW_HISTORY_ROWS, sizeof *view->history);
    view->vterm = view->history == NULL ? NULL : vterm_new(SCREEN_ROWS, SCREEN_COLUMNS);
    if (view->vterm == NULL) {
        free(view->history);
        return ERROR_NO_MEMORY;
    }
    sanitizer_init(&view->sanitizer, width_of);
    vterm_set_utf8(view->vterm, 1);
    vterm_output_set_callback(view->vterm, on_answer, view);
    view->screen = vterm_obtain_screen(view->vterm);
    vterm_screen_set_callbacks(view->screen, &callbacks, view);
    vterm_screen_set_damage_merge(view->screen, VTERM_DAMAGE_SCROLL);
    vterm_screen_enable_altscreen(view->screen, 1);
    vterm_screen_reset(view->screen, 1);
    vterm_screen_flush_damage(view->screen);
    return OK;
}

void view_write(struct view *view, const char *bytes, size_t n) {
    uint8_t clean[PIECE_BYTES * SANITIZER_EXPANSION];
    uint32_t back = view->back;

    for (size_t done = 0; done < n; done += MIN(n - done, (size_t)PIECE_BYTES)) {
        size_t length = sanitizer_take(&view->sanitizer, (const uint8_t *)bytes + done,
                                       MIN(n - done, (size_t)PIECE_BYTES), clean);

        vterm_input_write(view->vterm, (const char *)clean, length);
    }
    vterm_screen_flush_damage(view->screen);
    if (view->back != back) {
        draw_all(view); /* the history moved under a view that is scrolled back */
    }
    draw_cursor(view);
}

void view_show(struct view *view) {
    view->is_active = true;
    draw_all(view);
}

void view_hide(struct view *view) {
    view->is_active = false;
}

void view_scroll(struct view *view, int rows) {
    uint32_t most = MIN(view->n_history, (uint32_t)VIEW_HISTORY_ROWS);
    int64_t back = (int64_t)view->back + rows;

    back = back < 0 ? 0 : MIN(back, (int64_t)most);
    if (view->back != (uint32_t)back) {
        view->back = (uint32_t)back;
        draw_all(view);
    }
}
