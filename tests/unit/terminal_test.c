/* SPDX-License-Identifier: MIT */
/*
 * lib/terminal's line discipline: editing, echo, signals, raw mode, full buffers, and random input
 * in random modes against what must always hold.
 *
 * Sources: lib/terminal/discipline.c lib/terminal/discipline_output.c
 */
#include "tests/unit/test.h"

#include <string.h>
#include <termios.h>

#include "lib/terminal/discipline.h"

static struct discipline d;

static uint32_t type_bytes(const char *text, size_t n) {
    return discipline_input(&d, (const uint8_t *)text, n);
}

/* Types a line of text that asks for no signal. */
static void type(const char *text) {
    assert_int_equal(type_bytes(text, strlen(text)), 0);
}

/* What the screen got since the last time, as a string. */
static const char *screen(void) {
    static char text[DISCIPLINE_OUTPUT_BYTES + 1];
    size_t n = discipline_take(&d, (uint8_t *)text, sizeof text - 1);

    text[n] = '\0';
    return text;
}

/* One read of up to `size` bytes, as a string; "<none>" if it would wait, "<eof>" for the end. */
static const char *read_some(size_t size) {
    static char text[DISCIPLINE_INPUT_BYTES + 1];
    size_t used;
    size_t n = discipline_peek(&d, (uint8_t *)text, size, &used);

    discipline_consume(&d, used);
    text[n] = '\0';
    return used == 0 ? "<none>" : n == 0 ? "<eof>" : text;
}

static const char *read_all(void) {
    return read_some(DISCIPLINE_INPUT_BYTES);
}

static void set_local(uint32_t off, uint32_t on) {
    struct terminal_attributes attributes = d.attributes;

    attributes.local_flags = (attributes.local_flags & ~off) | on;
    assert_int_equal(discipline_set_attributes(&d, &attributes), 0);
}

static void set_input(uint32_t off, uint32_t on) {
    struct terminal_attributes attributes = d.attributes;

    attributes.input_flags = (attributes.input_flags & ~off) | on;
    assert_int_equal(discipline_set_attributes(&d, &attributes), 0);
}

static void set_output(uint32_t off, uint32_t on) {
    struct terminal_attributes attributes = d.attributes;

    attributes.output_flags = (attributes.output_flags & ~off) | on;
    assert_int_equal(discipline_set_attributes(&d, &attributes), 0);
}

static int setup(void **state) {
    (void)state;
    discipline_init(&d);
    return 0;
}

static void test_lines(void **state) {
    (void)state;
    type("hello");
    assert_string_equal(screen(), "hello");
    assert_string_equal(read_all(), "<none>");
    assert_int_equal(discipline_available(&d), 0);
    type(" you\rnext");
    assert_string_equal(screen(), " you\r\nnext");
    assert_int_equal(discipline_available(&d), 10);
    assert_string_equal(read_some(4), "hell"); /* the rest stays for the next read */
    assert_string_equal(read_all(), "o you\n");
    assert_string_equal(read_all(), "<none>");
    type("\nthird\n");
    assert_string_equal(read_all(), "next\n"); /* one line each */
    assert_string_equal(read_all(), "third\n");
}

static void test_erase(void **state) {
    (void)state;
    type("ab\x7f");
    assert_string_equal(screen(), "ab\b \b");
    type("\x7f\x7f\x7fz\r"); /* nothing is erased beyond the beginning */
    assert_string_equal(screen(), "\b \bz\r\n");
    assert_string_equal(read_all(), "z\n");
    type("k\xc3\xa4\x7fx\r"); /* a character of two bytes is one */
    assert_string_equal(screen(), "k\xc3\xa4\b \bx\r\n");
    assert_string_equal(read_all(), "kx\n");
    type("a\x01\x7f\r"); /* shown as ^A */
    assert_string_equal(screen(), "a^A\b \b\b \b\r\n");
    assert_string_equal(read_all(), "a\n");
}

static void test_erase_of_a_tab(void **state) {
    (void)state;
    assert_int_equal(discipline_write(&d, (const uint8_t *)"$ ", 2), 2);
    type("ab\t");
    assert_string_equal(screen(), "$ ab\t");
    type("\x7f"); /* from column 8 back to 4 */
    assert_string_equal(screen(), "\b\b\b\b");
    type("\r");
    assert_string_equal(read_all(), "ab\n");
}

/* A line of many tabs goes column by column, and in time that is linear in its length. */
static void test_kill_of_tabs(void **state) {
    char line[2 * DISCIPLINE_LINE_BYTES];
    size_t n = 0;

    (void)state;
    assert_int_equal(discipline_write(&d, (const uint8_t *)"$ ", 2), 2);
    type("a\tbc\t\t");
    (void)screen();
    type("\x15");
    assert_string_equal(screen(), "\b\b\b\b\b\b\b\b" /* from 24 to 16, */
                                  "\b\b\b\b\b\b"     /* from there to 10 */
                                  "\b \b\b \b"
                                  "\b\b\b\b\b" /* and from 8 to 3 */
                                  "\b \b");
    set_local(ECHO, 0);
    while (n < DISCIPLINE_LINE_BYTES - 2) {
        line[n++] = '\t';
    }
    line[n++] = '\x15';
    line[n++] = '\r';
    line[n] = '\0';
    type(line);
    assert_string_equal(read_all(), "\n");
}

static void test_kill_and_word_erase(void **state) {
    (void)state;
    type("one two-three  \x17");
    (void)screen();
    type("\r");
    assert_string_equal(read_all(), "one two-\n");
    type("abc\x15"
         "d\r");
    assert_string_equal(screen(), "\r\nabc\b \b\b \b\b \bd\r\n");
    assert_string_equal(read_all(), "d\n");
    set_local(ECHOKE, 0);
    type("abc\x15"
         "d\r");
    assert_string_equal(screen(), "abc^U\r\nd\r\n");
    assert_string_equal(read_all(), "d\n");
    type("ab\x12"
         "c\r");
    assert_string_equal(screen(), "ab^R\r\nabc\r\n");
    assert_string_equal(read_all(), "abc\n");
}

static void test_end_of_file(void **state) {
    (void)state;
    type("\x04");
    assert_int_equal(discipline_available(&d), 1);
    assert_string_equal(read_all(), "<eof>");
    assert_string_equal(read_all(), "<none>");
    type("abc\x04");
    assert_string_equal(read_some(3), "abc"); /* the end that follows belongs to this read */
    assert_string_equal(read_all(), "<none>");
    type("de\x04"
         "f\r");
    assert_string_equal(read_all(), "de");
    assert_string_equal(read_all(), "f\n");
    assert_string_equal(screen(), "abcdef\r\n"); /* it is not echoed */
}

static void test_end_of_line_characters(void **state) {
    struct terminal_attributes attributes = d.attributes;

    (void)state;
    attributes.characters[VEOL] = ';';
    assert_int_equal(discipline_set_attributes(&d, &attributes), 0);
    type("a;b;\r");
    assert_string_equal(read_all(), "a;");
    assert_string_equal(read_all(), "b;");
    assert_string_equal(read_all(), "\n");
}

static void test_literal(void **state) {
    (void)state;
    type("\x16\x03\x16\x7f\x16\x04\r");
    assert_string_equal(screen(), "^C^?^D\r\n");
    assert_string_equal(read_all(), "\x03\x7f\x04\n");
}

static void test_signals(void **state) {
    (void)state;
    type("old\rnew");
    assert_int_equal(type_bytes("\x03", 1), TERMINAL_NOTIFY_INTERRUPT);
    assert_string_equal(screen(), "^C"); /* what was to be shown and read is gone */
    assert_string_equal(read_all(), "<none>");
    assert_int_equal(type_bytes("\x1c", 1), TERMINAL_NOTIFY_QUIT);
    assert_int_equal(type_bytes("\x1a\x03", 2),
                     TERMINAL_NOTIFY_SUSPEND | TERMINAL_NOTIFY_INTERRUPT);
    (void)screen();
    set_local(0, NOFLSH);
    type("kept");
    assert_int_equal(type_bytes("\x03\r", 2), TERMINAL_NOTIFY_INTERRUPT);
    assert_string_equal(read_all(), "kept\n");
    set_local(ISIG, 0);
    type("\x03\r");
    assert_string_equal(read_all(), "\x03\n");
}

static void test_break(void **state) {
    (void)state;
    assert_int_equal(discipline_break(&d), 0);
    type("\r");
    size_t used;
    uint8_t bytes[8];
    assert_int_equal(discipline_peek(&d, bytes, sizeof bytes, &used), 2);
    assert_memory_equal(bytes, "\0\n", 2);
    discipline_consume(&d, used);
    set_input(0, PARMRK); /* a break and the byte 0xff can be told apart then */
    assert_int_equal(discipline_break(&d), 0);
    type("\xff\r");
    assert_int_equal(discipline_peek(&d, bytes, sizeof bytes, &used), 6);
    assert_memory_equal(bytes, "\xff\0\0\xff\xff\n", 6);
    set_input(PARMRK, BRKINT);
    assert_int_equal(discipline_break(&d), TERMINAL_NOTIFY_INTERRUPT);
    assert_int_equal(discipline_available(&d), 0);
    set_input(0, IGNBRK);
    assert_int_equal(discipline_break(&d), 0);
}

static void test_flow(void **state) {
    (void)state;
    type("\x13");
    assert_int_equal(discipline_write(&d, (const uint8_t *)"abc", 3), 3);
    assert_string_equal(screen(), "");
    assert_int_equal(discipline_queued(&d), 3);
    type("\x11");
    assert_string_equal(screen(), "abc");
    type("\x13");
    set_input(0, IXANY);
    type("x");
    assert_string_equal(screen(), "x");
    set_input(IXON | IXANY, 0);
    type("\x13\r");
    assert_string_equal(read_all(), "x\x13\n");
}

static void test_no_echo(void **state) {
    (void)state;
    set_local(ECHO, 0);
    type("secret\x7f\r");
    assert_string_equal(screen(), "");
    set_local(0, ECHONL);
    type("x\r");
    assert_string_equal(screen(), "\r\n");
    assert_string_equal(read_all(), "secre\n");
}

static void test_newlines_of_input(void **state) {
    (void)state;
    set_input(ICRNL, IGNCR);
    type("a\rb\n");
    assert_string_equal(read_all(), "ab\n");
    set_input(IGNCR, INLCR);
    type("a\n");
    assert_string_equal(read_all(), "<none>");
    set_input(INLCR, ISTRIP);
    type("\xe1\n");
    assert_string_equal(read_all(), "a\ra\n");
}

static void test_output(void **state) {
    (void)state;
    assert_int_equal(discipline_write(&d, (const uint8_t *)"a\nb\tc\r\n", 7), 7);
    assert_string_equal(screen(), "a\r\nb\tc\r\r\n");
    set_output(0, TAB3);
    assert_int_equal(discipline_write(&d, (const uint8_t *)"ab\tc", 4), 4);
    assert_string_equal(screen(), "ab      c");
    set_output(ONLCR | TAB3, OCRNL);
    assert_int_equal(discipline_write(&d, (const uint8_t *)"\r\n", 2), 2);
    assert_string_equal(screen(), "\n\n");
    set_output(OPOST, 0);
    assert_int_equal(discipline_write(&d, (const uint8_t *)"a\r\n\t", 4), 4);
    assert_string_equal(screen(), "a\r\n\t");
}

static void test_raw(void **state) {
    (void)state;
    set_local(ICANON | ECHO | ISIG | IEXTEN, 0);
    type("a\x7f\x04\x15");
    assert_int_equal(discipline_available(&d), 4);
    assert_string_equal(read_some(2), "a\x7f");
    assert_string_equal(read_all(), "\x04\x15");
    assert_string_equal(screen(), "");
}

static void test_mode_changes(void **state) {
    (void)state;
    type("line\rpart\x04"
         "edit");
    set_local(ICANON, 0);
    assert_string_equal(read_all(), "line\npartedit"); /* the end of file is no byte */
    type("raw");
    set_local(0, ICANON);
    assert_string_equal(read_all(), "<none>"); /* the line goes on */
    type("x\r");
    assert_string_equal(read_all(), "rawx\n");
    type("abc");
    set_local(ICANON, 0);
    discipline_flush_input(&d);
    set_local(0, ICANON);
    assert_string_equal(read_all(), "<none>");
}

/* What comes in raw mode is edited, ended and cut by signals as canonical mode goes on. */
static void test_typed_ahead(void **state) {
    uint32_t raw_off = ICANON | ECHO | ISIG | IEXTEN;

    (void)state;
    set_local(raw_off, 0);
    type("one\rtwx\x7fo\r\x04"
         "par");
    assert_string_equal(screen(), "");
    set_local(0, raw_off);
    assert_string_equal(screen(), "par"); /* only the line that is not complete */
    assert_string_equal(read_all(), "one\n");
    assert_string_equal(read_all(), "two\n");
    assert_string_equal(read_all(), "<eof>");
    assert_string_equal(read_all(), "<none>");
    type("\x7ft\r");
    assert_string_equal(screen(), "\b \bt\r\n");
    assert_string_equal(read_all(), "pat\n");
}

static void test_signal_typed_ahead(void **state) {
    struct terminal_attributes usual = d.attributes;

    (void)state;
    set_local(ICANON | ISIG | ECHO, 0);
    type("old\r\x03new\x1anewest\r");
    assert_int_equal(discipline_set_attributes(&d, &usual),
                     TERMINAL_NOTIFY_INTERRUPT | TERMINAL_NOTIFY_SUSPEND);
    assert_string_equal(read_all(), "newest\n");
    assert_string_equal(read_all(), "<none>");
}

/* A full ring: lines stay, and what belongs to a line that is too long goes. */
static void test_full_typed_ahead(void **state) {
    (void)state;
    set_local(ICANON | ECHO, 0);
    for (unsigned i = 0; i < DISCIPLINE_INPUT_BYTES; i++) {
        type(i % 8192 == 8191 ? "\n" : "x");
    }
    assert_int_equal(discipline_available(&d), DISCIPLINE_INPUT_BYTES);
    set_local(0, ICANON | ECHO);
    for (unsigned i = 0; i < DISCIPLINE_INPUT_BYTES / 8192; i++) {
        assert_int_equal(strlen(read_all()), DISCIPLINE_LINE_BYTES);
    }
    assert_string_equal(read_all(), "<none>");
}

/* A line that never ends is cut, and can still be ended. */
static void test_line_too_long(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2 * DISCIPLINE_LINE_BYTES; i++) {
        assert_true(discipline_room(&d) > 0);
        type("x");
        (void)screen();
    }
    type("y");
    assert_string_equal(screen(), "\a");
    assert_int_equal(d.n_dropped, DISCIPLINE_LINE_BYTES + 2);
    type("\r");
    assert_int_equal(strlen(read_all()), DISCIPLINE_LINE_BYTES);
}

/* Ctrl-C is heard behind the lines that fill the ring, and drops them. */
static void test_signal_behind_lines(void **state) {
    (void)state;
    while (discipline_room(&d) > 64) {
        type("echo something that nobody reads\r");
        while (screen()[0] != '\0') {
        }
    }
    assert_true(discipline_available(&d) > DISCIPLINE_INPUT_BYTES - 128);
    assert_int_equal(type_bytes("\x03", 1), TERMINAL_NOTIFY_INTERRUPT);
    assert_string_equal(read_all(), "<none>");
}

/* A device that asks for room loses nothing, in either mode. */
static void test_room(void **state) {
    struct test_random random = {.state = 0x7e51};
    uint64_t written = 0, got = 0;

    (void)state;
    set_local(ECHO, 0);
    for (unsigned i = 0; i < 100000; i++) {
        if (test_random_below(&random, 2) == 0) {
            size_t room = discipline_room(&d);
            char c = written % 100 == 99 ? '\n' : (char)('a' + written % 26);

            if (room > 0) {
                type_bytes(&c, 1);
                written++;
            }
        } else {
            uint8_t bytes[64];
            size_t used;
            size_t n = discipline_peek(&d, bytes, test_random_below(&random, 4), &used);

            discipline_consume(&d, used);
            for (size_t j = 0; j < n; j++, got++) {
                assert_int_equal(bytes[j], got % 100 == 99 ? '\n' : (int)('a' + got % 26));
            }
        }
    }
    assert_true(got > 10000);
    assert_int_equal(d.n_dropped, 0);
}

static void test_output_is_bounded(void **state) {
    static uint8_t bytes[3 * DISCIPLINE_OUTPUT_BYTES];
    size_t n;

    (void)state;
    memset(bytes, '\n', sizeof bytes);
    n = discipline_write(&d, bytes, sizeof bytes);
    assert_true(n < DISCIPLINE_OUTPUT_BYTES / 2);
    assert_false(discipline_is_writable(&d));
    assert_int_equal(discipline_write(&d, bytes, 100), 0);
    type("echo"); /* has room of its own */
    assert_string_equal(screen() + 2 * n, "echo");
    assert_true(discipline_is_writable(&d));
    type("\x13");
    for (unsigned i = 0; i < 2 * DISCIPLINE_OUTPUT_BYTES; i++) {
        type("x");
        assert_true(discipline_queued(&d) <= DISCIPLINE_OUTPUT_BYTES);
    }
}

static void random_step(struct test_random *random) {
    uint8_t bytes[64];
    size_t n = test_random_below(random, sizeof bytes);
    size_t used;

    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(test_random_below(random, 2) ? test_random(random)
                                                          : test_random_below(random, 32));
    }
    switch (test_random_below(random, 8)) {
    case 0: {
        struct terminal_attributes attributes = d.attributes;

        attributes.local_flags ^= (uint32_t)test_random(random);
        attributes.input_flags ^= (uint32_t)test_random(random);
        attributes.output_flags ^= (uint32_t)test_random(random);
        attributes.characters[test_random_below(random, 32)] = (uint8_t)test_random(random);
        assert_true((discipline_set_attributes(&d, &attributes) & ~7u) == 0);
        break;
    }
    case 1:
    case 2:
        assert_true(discipline_peek(&d, bytes, n, &used) <= n);
        assert_true(used <= discipline_available(&d));
        discipline_consume(&d, used);
        break;
    case 3:
        assert_true(discipline_write(&d, bytes, n) <= n);
        break;
    case 4:
        assert_true(discipline_take(&d, bytes, n) <= n);
        break;
    case 5:
        assert_true((discipline_break(&d) & ~7u) == 0);
        break;
    default:
        assert_true((discipline_input(&d, bytes, n) & ~7u) == 0);
        break;
    }
}

static void test_random_use(void **state) {
    struct test_random random = {.state = 0x7e52};

    (void)state;
    for (unsigned i = 0; i < 300000; i++) {
        random_step(&random);
        assert_true(d.write_at - d.read_at <= DISCIPLINE_INPUT_BYTES);
        assert_true(!discipline_is_canonical(&d) ||
                    d.line_at - d.read_at <= d.write_at - d.read_at);
        assert_true(discipline_queued(&d) <= DISCIPLINE_OUTPUT_BYTES);
        assert_true(discipline_available(&d) <= DISCIPLINE_INPUT_BYTES);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lines, setup),
        cmocka_unit_test_setup(test_erase, setup),
        cmocka_unit_test_setup(test_erase_of_a_tab, setup),
        cmocka_unit_test_setup(test_kill_of_tabs, setup),
        cmocka_unit_test_setup(test_kill_and_word_erase, setup),
        cmocka_unit_test_setup(test_end_of_file, setup),
        cmocka_unit_test_setup(test_end_of_line_characters, setup),
        cmocka_unit_test_setup(test_literal, setup),
        cmocka_unit_test_setup(test_signals, setup),
        cmocka_unit_test_setup(test_break, setup),
        cmocka_unit_test_setup(test_flow, setup),
        cmocka_unit_test_setup(test_no_echo, setup),
        cmocka_unit_test_setup(test_newlines_of_input, setup),
        cmocka_unit_test_setup(test_output, setup),
        cmocka_unit_test_setup(test_raw, setup),
        cmocka_unit_test_setup(test_mode_changes, setup),
        cmocka_unit_test_setup(test_typed_ahead, setup),
        cmocka_unit_test_setup(test_signal_typed_ahead, setup),
        cmocka_unit_test_setup(test_full_typed_ahead, setup),
        cmocka_unit_test_setup(test_line_too_long, setup),
        cmocka_unit_test_setup(test_signal_behind_lines, setup),
        cmocka_unit_test_setup(test_room, setup),
        cmocka_unit_test_setup(test_output_is_bounded, setup),
        cmocka_unit_test_setup(test_random_use, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
