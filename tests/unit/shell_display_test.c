/* SPDX-License-Identifier: MIT */
/*
 * The shell's display, on a small terminal made here. Whatever was on the screen before, after each
 * drawing it must look as if everything had been written anew; and few bytes must do it.
 *
 * Sources: programs/shell/display.c programs/common/width.c programs/common/text.c
 * Sources: programs/common/allocate.c programs/common/report.c
 */
#include "programs/shell/display.h"

#include <string.h>

#include "tests/unit/test.h"

#include "lib/base/utf8.h"
#include "programs/common/width.h"

#define MAX_ROWS    60
#define MAX_COLUMNS 100

/* A terminal that wraps as a VT100 does: behind the last column the cursor waits, and only the
 * next character goes to the next row. */
struct terminal {
    unsigned rows, columns;
    unsigned row, column;                  /* column == columns: waiting */
    uint32_t cells[MAX_ROWS][MAX_COLUMNS]; /* 0: the right half of a wide one */
};

static void terminal_reset(struct terminal *terminal, unsigned rows, unsigned columns) {
    *terminal = (struct terminal){.rows = rows, .columns = columns};
    for (unsigned i = 0; i < MAX_ROWS; i++) {
        for (unsigned j = 0; j < MAX_COLUMNS; j++) {
            terminal->cells[i][j] = ' ';
        }
    }
}

static void line_feed(struct terminal *terminal) {
    if (++terminal->row < terminal->rows) {
        return;
    }
    terminal->row--;
    memmove(terminal->cells[0], terminal->cells[1],
            (terminal->rows - 1) * sizeof terminal->cells[0]);
    for (unsigned j = 0; j < MAX_COLUMNS; j++) {
        terminal->cells[terminal->row][j] = ' ';
    }
}

static void put(struct terminal *terminal, uint32_t code) {
    unsigned width = width_of(code);

    if (width == 0) {
        /* Joined to the cell before, where it only has to stay the same; column 0 has none. */
        if (terminal->column > 0) {
            terminal->cells[terminal->row][terminal->column - 1] += code << 8;
        }
        return;
    }
    if (terminal->column + width > terminal->columns) {
        terminal->column = 0;
        line_feed(terminal);
    }
    terminal->cells[terminal->row][terminal->column] = code;
    if (width == 2) {
        terminal->cells[terminal->row][terminal->column + 1] = 0;
    }
    terminal->column += width;
}

static void erase_below(struct terminal *terminal) {
    for (unsigned j = terminal->column; j < terminal->columns; j++) {
        terminal->cells[terminal->row][j] = ' ';
    }
    for (unsigned i = terminal->row + 1; i < terminal->rows; i++) {
        for (unsigned j = 0; j < terminal->columns; j++) {
            terminal->cells[i][j] = ' ';
        }
    }
}

/* A control sequence, from behind "ESC ["; returns where it ends. */
static const char *control(struct terminal *terminal, const char *at) {
    unsigned n = 0;

    for (; *at >= '0' && *at <= '9'; at++) {
        n = n * 10 + (unsigned)(*at - '0');
    }
    switch (*at) {
    case 'A':
        assert_in_range(n, 1, terminal->row); /* never above where drawing began */
        terminal->row -= n;
        break;
    case 'B':
        assert_in_range(n, 1, terminal->rows - 1 - terminal->row);
        terminal->row += n;
        break;
    case 'C':
        assert_in_range(n, 1, terminal->columns - 1 - terminal->column);
        terminal->column += n;
        break;
    case 'J':
        assert_int_equal(n, 0);
        assert_true(terminal->column < terminal->columns);
        erase_below(terminal);
        break;
    default:
        fail_msg("unexpected control sequence %c", *at);
    }
    return at + 1;
}

static void terminal_write(struct terminal *terminal, const struct text *output) {
    const char *at = text_string(output);
    const char *end = at + output->length;

    while (at < end) {
        uint32_t code = 0;
        size_t n = 0;

        assert_int_equal(utf8_decode(at, (size_t)(end - at), &code, &n), UTF8_OK);
        at += n;
        if (code == '\r') {
            terminal->column = 0;
        } else if (code == '\n') {
            terminal->column = 0;
            line_feed(terminal);
        } else if (code == '\b') {
            assert_in_range(terminal->column, 1, terminal->columns - 1);
            terminal->column--;
        } else if (code == '\033') {
            assert_int_equal(*at, '[');
            at = control(terminal, at + 1);
        } else {
            assert_true(code >= ' ');
            put(terminal, code);
        }
    }
}

static void draw(struct display *display, struct terminal *terminal, const char *line,
                 size_t cursor, size_t *cost) {
    struct text output = {0};
    struct display_content content = {
        .prompt = "/tmp$ ",
        .line = line,
        .length = strlen(line),
        .cursor = cursor,
        .size = {.rows = terminal->rows, .columns = terminal->columns},
    };

    display_draw(display, &content, &output);
    if (cost != NULL) {
        *cost = output.length;
    }
    terminal_write(terminal, &output);
    text_free(&output);
}

static void check_same(const struct terminal *one, const struct terminal *other) {
    assert_int_equal(one->row, other->row);
    assert_int_equal(one->column, other->column);
    assert_memory_equal(one->cells, other->cells, sizeof one->cells);
}

/* What the row shows, as ASCII, without trailing blanks. */
static const char *row_text(const struct terminal *terminal, unsigned row) {
    static char text[MAX_COLUMNS + 1];
    unsigned length = 0;

    for (unsigned j = 0; j < terminal->columns; j++) {
        text[j] = terminal->cells[row][j] < 0x80 ? (char)terminal->cells[row][j] : '#';
        length = text[j] != ' ' ? j + 1 : length;
    }
    text[length] = '\0';
    return text;
}

static void test_simple(void **state) {
    struct display display = {0};
    struct terminal terminal;

    (void)state;
    terminal_reset(&terminal, 5, 10);
    draw(&display, &terminal, "", 0, NULL);
    assert_string_equal(row_text(&terminal, 0), "/tmp$");
    assert_int_equal(terminal.column, 6);
    draw(&display, &terminal, "abcdefgh", 8, NULL);
    assert_string_equal(row_text(&terminal, 0), "/tmp$ abcd");
    assert_string_equal(row_text(&terminal, 1), "efgh");
    assert_int_equal(terminal.row, 1);
    assert_int_equal(terminal.column, 4);
    draw(&display, &terminal, "abcd", 4, NULL); /* exactly full: the cursor is below */
    assert_int_equal(terminal.row, 1);
    assert_int_equal(terminal.column, 0);
    draw(&display, &terminal, "a\001\177\xff", 1, NULL);
    assert_string_equal(row_text(&terminal, 0), "/tmp$ a^A^");
    assert_string_equal(row_text(&terminal, 1), "??");
    assert_int_equal(terminal.row, 0);
    assert_int_equal(terminal.column, 7);
    draw(&display, &terminal, "a\nb", 3, NULL);
    assert_string_equal(row_text(&terminal, 0), "/tmp$ a");
    assert_string_equal(row_text(&terminal, 1), "b");
    display_free(&display);
}

static void test_finish(void **state) {
    struct display display = {0};
    struct text output = {0};
    struct terminal terminal;

    (void)state;
    terminal_reset(&terminal, 5, 10);
    draw(&display, &terminal, "abcdefgh", 2, NULL);
    display_finish(&display, &output);
    terminal_write(&terminal, &output);
    assert_int_equal(terminal.row, 2);
    assert_int_equal(terminal.column, 0);
    text_clear(&output);
    draw(&display, &terminal, "abcd", 0, NULL);
    display_finish(&display, &output);
    terminal_write(&terminal, &output);
    assert_int_equal(terminal.row, 3); /* no empty line behind a full one */
    text_free(&output);
    display_free(&display);
}

static void test_few_bytes(void **state) {
    struct display display = {0};
    struct terminal terminal;
    char line[301];
    size_t cost = 0;

    (void)state;
    terminal_reset(&terminal, 24, 80);
    memset(line, 'x', sizeof line - 1);
    line[300] = '\0';
    draw(&display, &terminal, line + 10, 290, NULL);
    draw(&display, &terminal, line + 9, 291, &cost);
    assert_int_equal(cost, 1); /* typing at the end is that character */
    draw(&display, &terminal, line + 9, 290, &cost);
    assert_int_equal(cost, 1); /* one to the left is a backspace */
    draw(&display, &terminal, line + 9, 290, &cost);
    assert_int_equal(cost, 0);
    draw(&display, &terminal, line + 9, 0, &cost);
    assert_true(cost < 16);
    display_free(&display);
}

static void test_terminal_wider_than_it_says(void **state) {
    struct display display = {0};
    struct display_content content = {
        .prompt = "$ ", .line = "abcdefghij", .length = 10, .cursor = 1, .size = {24, 8}};
    struct text output = {0};
    struct terminal terminal;

    (void)state;
    terminal_reset(&terminal, 24, 80);
    display_draw(&display, &content, &output);
    terminal_write(&terminal, &output);
    assert_string_equal(row_text(&terminal, 0), "$ abcdef");
    assert_string_equal(row_text(&terminal, 1), "ghij");
    assert_int_equal(terminal.row, 0);
    assert_int_equal(terminal.column, 3);
    text_free(&output);
    display_free(&display);
}

/* Character boundaries of the line, as the editor would have them. */
static size_t random_boundary(struct test_random *random, const char *line) {
    size_t length = strlen(line);
    size_t wanted = test_random_below(random, length + 1);
    size_t at = 0;

    while (at < wanted) {
        unsigned width = 0;

        at += width_cluster(line + at, length - at, &width);
    }
    return at;
}

static void random_change(struct test_random *random, struct text *line) {
    static const char *const pieces[] = {
        "a",
        "bc",
        "\xc3\xa4",
        "e\xcc\x81",
        "\xe4\xb8\xad",
        "\xff",
        "\001",
        "\n",
        "0123456789abcdef",
        "\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87",
    };
    size_t at = random_boundary(random, text_string(line));
    size_t limit = line->length - at;

    if (test_random_below(random, 3) == 0 && limit > 0) {
        size_t to = random_boundary(random, line->bytes + at);

        text_remove(line, at, to);
    } else {
        const char *piece = pieces[test_random_below(random, sizeof pieces / sizeof *pieces)];

        text_insert(line, at, piece, strlen(piece));
    }
    if (line->length > 400) {
        text_clear(line);
    }
}

/* Random changes on screens of random sizes; the reference starts from nothing each time. */
static void test_random_changes(void **state) {
    struct test_random random = {.state = 4711};

    (void)state;
    for (int round = 0; round < 300; round++) {
        unsigned rows = 2 + (unsigned)test_random_below(&random, 30);
        unsigned columns = 2 + (unsigned)test_random_below(&random, 40);
        struct display display = {0};
        struct text line = {0};
        struct terminal terminal, reference;

        terminal_reset(&terminal, rows, columns);
        for (int step = 0; step < 100; step++) {
            struct display fresh = {0};
            size_t cursor = 0;

            random_change(&random, &line);
            cursor = random_boundary(&random, text_string(&line));
            draw(&display, &terminal, text_string(&line), cursor, NULL);
            terminal_reset(&reference, rows, columns);
            draw(&fresh, &reference, text_string(&line), cursor, NULL);
            check_same(&terminal, &reference);
            display_free(&fresh);
        }
        text_free(&line);
        display_free(&display);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple),         cmocka_unit_test(test_finish),
        cmocka_unit_test(test_few_bytes),      cmocka_unit_test(test_terminal_wider_than_it_says),
        cmocka_unit_test(test_random_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
