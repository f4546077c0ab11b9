/* SPDX-License-Identifier: MIT */
/*
 * lib/keymap: the layout files of data/keymaps, what is wrong in bad ones, and a keyboard typed on
 * byte by byte. Run from the root of the repository.
 *
 * Sources: lib/keymap/keymap.c lib/keymap/keyboard.c
 */
#include "tests/unit/test.h"

#include <string.h>

#include "lib/base/utf8.h"
#include "lib/keymap/keyboard.h"
#include "lib/keymap/keymap.h"

static struct keymap keymap;
static struct keyboard keyboard;

static void load(const char *name) {
    static char text[KEYMAP_TEXT_MAX];
    struct keymap_error error;
    char path[64];
    snprintf(path, sizeof(path), "data/keymaps/%s.map", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof(text), file);
    fclose(file);
    if (!keymap_parse(text, size, &keymap, &error)) {
        fail_msg("%s:%u: %s", path, error.line, error.what);
    }
    keyboard_init(&keyboard, &keymap);
}

/* Feeds bytes, "2a 10 90" in hexadecimal, and gathers what a terminal would get. */
static const char *type(const char *codes) {
    static char typed[256];
    size_t size = 0;
    unsigned byte;
    int n;
    for (; sscanf(codes, " %x%n", &byte, &n) == 1; codes += n) {
        struct keyboard_event event;
        if (keyboard_feed(&keyboard, (uint8_t)byte, &event)) {
            size += keyboard_bytes(&keyboard, &event, typed + size);
        }
    }
    typed[size] = '\0';
    return typed;
}

#define SHIFT    "2a "
#define UNSHIFT  " aa "
#define ALTGR    "e0 38 "
#define UNALTGR  " e0 b8 "
#define CAPS     "3a ba "
#define DIGITS   "02 82 03 83 04 84 05 85 06 86 07 87 08 88 09 89 0a 8a 0b 8b 0c 8c 0d 8d "
#define TOP      "10 90 11 91 12 92 13 93 14 94 15 95 16 96 17 97 18 98 19 99 1a 9a 1b 9b "
#define HOME_ROW "1e 9e 1f 9f 20 a0 21 a1 22 a2 23 a3 24 a4 25 a5 26 a6 27 a7 28 a8 2b ab "
#define BOTTOM   "56 d6 2c ac 2d ad 2e ae 2f af 30 b0 31 b1 32 b2 33 b3 34 b4 35 b5 39 b9 "
#define GRAVE    "29 a9 "

static void test_us(void **state) {
    (void)state;
    load("us");
    assert_false(keymap.has_altgr);
    assert_string_equal(type(GRAVE DIGITS), "`1234567890-=");
    assert_string_equal(type(TOP HOME_ROW BOTTOM), "qwertyuiop[]asdfghjkl;'\\\\zxcvbnm,./ ");
    assert_string_equal(type(SHIFT GRAVE DIGITS UNSHIFT), "~!@#$%^&*()_+");
    assert_string_equal(type(SHIFT TOP HOME_ROW BOTTOM UNSHIFT),
                        "QWERTYUIOP{}ASDFGHJKL:\"||ZXCVBNM<>? ");
    assert_string_equal(type(CAPS DIGITS TOP HOME_ROW BOTTOM CAPS),
                        "1234567890-=QWERTYUIOP[]ASDFGHJKL;'\\\\ZXCVBNM,./ ");
    assert_string_equal(type(CAPS SHIFT "1e 9e 02 82" UNSHIFT CAPS), "a!");
    /* No AltGr: the right Alt is an Alt. */
    assert_string_equal(type(ALTGR "1e 9e" UNALTGR), "\033a");
}

static void test_uk(void **state) {
    (void)state;
    load("uk");
    assert_string_equal(type(GRAVE DIGITS), "`1234567890-=");
    assert_string_equal(type(SHIFT GRAVE DIGITS UNSHIFT), "¬!\"£$%^&*()_+");
    assert_string_equal(type("28 a8 2b ab 56 d6"), "'#\\");
    assert_string_equal(type(SHIFT "28 a8 2b ab 56 d6" UNSHIFT), "@~|");
    assert_string_equal(type(ALTGR "29 a9 05 85 12 92 16 96 17 97 18 98 1e 9e" UNALTGR), "¦€éúíóá");
    assert_string_equal(type(ALTGR SHIFT "12 92 1e 9e" UNSHIFT UNALTGR), "ÉÁ");
    assert_string_equal(type(ALTGR "10 90" UNALTGR), "");
}

static void test_de(void **state) {
    (void)state;
    load("de");
    assert_string_equal(type(GRAVE DIGITS), "^1234567890ß´");
    assert_string_equal(type(TOP HOME_ROW BOTTOM), "qwertzuiopü+asdfghjklöä#<yxcvbnm,.- ");
    assert_string_equal(type(SHIFT GRAVE DIGITS UNSHIFT), "°!\"§$%&/()=?`");
    assert_string_equal(type(SHIFT TOP HOME_ROW BOTTOM UNSHIFT),
                        "QWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_ ");
    assert_string_equal(type(ALTGR "03 83 04 84 08 88 09 89 0a 8a 0b 8b 0c 8c" UNALTGR),
                        "²³{[]}\\");
    assert_string_equal(type(ALTGR "10 90 12 92 1b 9b 56 d6 32 b2" UNALTGR), "@€~|µ");
    assert_string_equal(type(ALTGR SHIFT "0c 8c" UNSHIFT UNALTGR), "ẞ");
    assert_string_equal(type(CAPS "1a 9a 27 a7 0c 8c" SHIFT "15 95" UNSHIFT CAPS), "ÜÖßz");
    assert_string_equal(type(CAPS ALTGR "10 90" UNALTGR CAPS), "@"); /* not touched by Caps Lock */
    assert_true(keymap.keys[0x0d].levels[LEVEL_PLAIN].is_dead);
    assert_false(keymap.keys[0x0d].levels[LEVEL_ALTGR].is_dead);
    assert_string_equal(type("45 c5 53 d3 45 c5"), ","); /* the keypad's decimal key */
}

static void test_fr(void **state) {
    (void)state;
    load("fr");
    assert_string_equal(type(GRAVE DIGITS), "²&é\"'(-è_çà)=");
    assert_string_equal(type(TOP HOME_ROW BOTTOM), "azertyuiop^$qsdfghjklmù*<wxcvbn,;:! ");
    assert_string_equal(type(SHIFT GRAVE DIGITS UNSHIFT), "1234567890°+");
    assert_string_equal(type(SHIFT TOP HOME_ROW BOTTOM UNSHIFT),
                        "AZERTYUIOP¨£QSDFGHJKLM%µ>WXCVBN?./§ ");
    assert_string_equal(type(ALTGR DIGITS "12 92 1b 9b" UNALTGR), "~#{[|`\\^@]}€¤");
    assert_string_equal(type(CAPS "10 90 27 a7 32 b2 03 83" CAPS), "AM,é");
    assert_string_equal(type("1d 10 90 9d"), "\x01"); /* Ctrl+A is where A is */
}

static void test_built_in_us_is_the_file(void **state) {
    struct keymap built_in;
    (void)state;
    load("us");
    keymap_init_us(&built_in);
    for (size_t i = 0; i < KEYMAP_KEYS; i++) {
        assert_int_equal(built_in.keys[i].is_defined, keymap.keys[i].is_defined);
        assert_int_equal(built_in.keys[i].is_letter, keymap.keys[i].is_letter);
        for (size_t level = 0; level < LEVEL_COUNT; level++) {
            assert_int_equal(built_in.keys[i].levels[level].code_point,
                             keymap.keys[i].levels[level].code_point);
        }
    }
}

/* Every layout can type all of ASCII, or nobody could write a program or a path. */
static void test_all_of_ascii(void **state) {
    static const char *const names[] = {"us", "uk", "de", "fr"};
    (void)state;
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        load(names[n]);
        for (uint32_t c = ' '; c < 0x7f; c++) {
            bool found = false;
            for (size_t i = 0; i < KEYMAP_KEYS * LEVEL_COUNT; i++) {
                found |= keymap.keys[i / LEVEL_COUNT].levels[i % LEVEL_COUNT].code_point == c;
            }
            if (!found) {
                fail_msg("%s cannot type %c", names[n], (int)c);
            }
        }
    }
}

static void test_control_and_alt(void **state) {
    (void)state;
    load("us");
    assert_string_equal(type("1d 2e ae 1a 9a 2b ab 35 b5 9d"), "\x03\x1b\x1c\x1f");
    assert_string_equal(type("e0 1d 11 91 e0 9d"), "\x17"); /* the right Ctrl */
    assert_string_equal(type("1d 2a 2e ae aa 9d"), "\x03");
    assert_string_equal(type("1d 02 82 9d"), "1");
    assert_string_equal(type("38 30 b0 0e 8e 1c 9c b8"), "\033b\033\x7f\033\r");
    assert_string_equal(type("1d 38 1e 9e b8 9d"), "\033\x01");
    struct keyboard_event event = {.key = 0x39, .modifiers = MODIFIER_CTRL};
    char bytes[KEYBOARD_BYTES_MAX] = "x";
    assert_int_equal(keyboard_bytes(&keyboard, &event, bytes), 1);
    assert_int_equal(bytes[0], 0); /* Ctrl+Space */
}

static void test_special_keys(void **state) {
    (void)state;
    load("us");
    assert_string_equal(type("01 81 0e 8e 0f 8f 1c 9c"), "\033\x7f\t\r");
    assert_string_equal(type(SHIFT "0f 8f" UNSHIFT "1d 0e 8e 9d"), "\033[Z\b");
    assert_string_equal(type("e0 48 e0 c8 e0 50 e0 d0 e0 4d e0 cd e0 4b e0 cb"),
                        "\033[A\033[B\033[C\033[D");
    assert_string_equal(type("e0 47 e0 c7 e0 4f e0 cf e0 49 e0 c9 e0 51 e0 d1 e0 52 e0 d2 e0 53"),
                        "\033[H\033[F\033[5~\033[6~\033[2~\033[3~");
    keyboard_reset(&keyboard);
    assert_string_equal(
        type("3b bb 3c bc 3d bd 3e be 3f bf 40 c0 41 c1 42 c2 43 c3 44 c4 57 d7 58"),
        "\033OP\033OQ\033OR\033OS\033[15~\033[17~\033[18~\033[19~\033[20~\033[21~"
        "\033[23~\033[24~");
    assert_string_equal(type("2a e0 48 e0 c8 3b bb aa"), "\033[1;2A\033[1;2P");
    assert_string_equal(type("1d 38 e0 53 e0 d3 3f bf b8 9d"), "\033[3;7~\033[15;7~");
    keyboard.application_cursor = true;
    assert_string_equal(type("e0 48 e0 c8 e0 47 e0 c7 e0 49 e0 c9"), "\033OA\033OH\033[5~");
    assert_string_equal(type("1d e0 48 e0 c8 9d"), "\033[1;5A");
}

static void test_keypad(void **state) {
    (void)state;
    load("us");
    assert_string_equal(type("47 c7 4c cc 50 d0 53 d3"), "\033[H\033[B\033[3~");
    assert_string_equal(type("4a ca 4e ce 37 b7 e0 35 e0 b5 e0 1c e0 9c"), "-+*/\r");
    assert_string_equal(type("2a 47 c7 aa"), "7"); /* Shift is Num Lock for a moment */
    type("45 c5");
    assert_int_equal(keyboard.locks, LOCK_NUM);
    assert_string_equal(type("47 c7 48 c8 49 c9 4b cb 4c cc 4d cd 4f cf 50 d0 51 d1 52 d2 53 d3"),
                        "7894561230.");
    assert_string_equal(type("2a 47 c7 aa"), "\033[H");
    /* What a keyboard really sends for Home with Num Lock on: fake shifts around it. */
    assert_string_equal(type("e0 2a e0 47 e0 c7 e0 aa"), "\033[H");
    assert_string_equal(type("2a e0 aa e0 48 e0 c8 e0 2a aa"), "\033[1;2A");
}

static struct keyboard_event feed(uint8_t byte) {
    struct keyboard_event event = {0};
    assert_true(keyboard_feed(&keyboard, byte, &event));
    return event;
}

static void test_events(void **state) {
    struct keyboard_event event;
    (void)state;
    load("us");
    assert_int_equal(feed(0x1e).action, KEY_PRESSED);
    assert_int_equal(feed(0x1e).action, KEY_REPEATED);
    assert_int_equal(feed(0x9e).action, KEY_RELEASED);
    assert_int_equal(feed(0x1e).action, KEY_PRESSED);
    keyboard_reset(&keyboard); /* its release is lost */
    assert_int_equal(feed(0x1e).action, KEY_PRESSED);
    event = feed(0x2a);
    assert_int_equal(event.key, KEY_LEFT_SHIFT);
    assert_int_equal(event.modifiers, MODIFIER_SHIFT);
    assert_int_equal(feed(0x36).modifiers, MODIFIER_SHIFT);
    assert_int_equal(feed(0xaa).modifiers, MODIFIER_SHIFT); /* the other one is still down */
    assert_int_equal(feed(0xb6).modifiers, 0);
    feed(0x3a);
    feed(0x3a); /* a repeat toggles nothing */
    assert_int_equal(keyboard.locks, LOCK_CAPS);
    feed(0xba);
    feed(0x3a);
    feed(0x46);
    assert_int_equal(keyboard.locks, LOCK_SCROLL);
    assert_false(keyboard_feed(&keyboard, 0xe0, &event));
    assert_int_equal(feed(0x38).key, KEY_RIGHT_ALT);
}

static void test_odd_sequences(void **state) {
    struct keyboard_event event;
    (void)state;
    load("us");
    static const uint8_t pause[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
    for (size_t i = 0; i < sizeof(pause); i++) {
        assert_int_equal(keyboard_feed(&keyboard, pause[i], &event), i % 3 == 2);
        if (i % 3 == 2) {
            assert_int_equal(event.key, KEY_PAUSE);
            assert_int_equal(event.action, i == 2 ? KEY_PRESSED : KEY_RELEASED);
            assert_int_equal(event.modifiers, 0); /* its 1d is no Ctrl */
        }
    }
    assert_int_equal(keyboard.locks, 0); /* and its 45 no Num Lock */
    static const uint8_t ignored[] = {0xfa, 0xfe, 0x00, 0xff, 0xe0, 0x2a, 0xe0, 0xb6};
    for (size_t i = 0; i < sizeof(ignored); i++) {
        assert_false(keyboard_feed(&keyboard, ignored[i], &event));
    }
    assert_string_equal(type("e0 e0 48 e0 c8"), "\033[A");
    assert_string_equal(type("e1 1d e0 48 e0 c8 1e 9e"), "\033[Aa"); /* a cut Pause */
    assert_string_equal(type("e0 37 e0 b7 5b db 7f ff"), "");
}

static void assert_error(const char *text, unsigned line, const char *part) {
    struct keymap_error error;
    if (keymap_parse(text, strlen(text), &keymap, &error)) {
        fail_msg("accepted: %s", text);
    }
    assert_int_equal(error.line, line);
    if (strstr(error.what, part) == NULL) {
        fail_msg("%s: %s", text, error.what);
    }
}

static void test_errors(void **state) {
    static char long_text[KEYMAP_TEXT_MAX + 2];
    struct keymap_error error;
    (void)state;
    assert_error("", 0, "empty");
    assert_error("# us\n\nkeys a a\n", 3, "starts with");
    assert_error("key\n", 1, "no key of this name");
    assert_error("key A a\n", 1, "no key of this name");
    assert_error("key capslock a\n", 1, "no key of this name");
    assert_error("key a\n", 1, "no characters");
    assert_error("key a a b c d e\n", 1, "more than four");
    assert_error("key a a\nkey b b\nletter a a A\n", 3, "already");
    assert_error("key a ab\n", 1, "not a character");
    assert_error("key a \xff\n", 1, "not a character");
    assert_error("key a \xc3\n", 1, "not a character");
    assert_error("key a \x01\n", 1, "not a character");
    assert_error("key a \xc2\x9b\n", 1, "not a character");
    assert_error("key a U+\n", 1, "not a character");
    assert_error("key a U+110000\n", 1, "not a character");
    assert_error("key a U+d800\n", 1, "not a character");
    assert_error("key a U+1b\n", 1, "not a character");
    assert_error("key a U+0000041\n", 1, "not a character");
    assert_error("key a U+4x\n", 1, "not a character");
    assert_error("key a dead:\n", 1, "not a character");
    assert_error("key a dead:xy\n", 1, "not a character");
    memset(long_text, '\n', sizeof(long_text) - 1);
    assert_error(long_text, 0, "too long");
    assert_false(keymap_parse("key a \0\n", 8, &keymap, &error));
}

static void test_forms(void **state) {
    static const char text[] = "  # blanks first\n\tkey\ta  U+20ac none dead:^ U+E9\r\n"
                               "key 1 # U space space\nkey z dead:U+00b4";
    struct keymap_error error;
    (void)state;
    assert_true(keymap_parse(text, strlen(text), &keymap, &error));
    const struct keymap_symbol *levels = keymap.keys[0x1e].levels;
    assert_int_equal(levels[LEVEL_PLAIN].code_point, 0x20ac);
    assert_int_equal(levels[LEVEL_SHIFT].code_point, 0);
    assert_int_equal(levels[LEVEL_ALTGR].code_point, '^');
    assert_true(levels[LEVEL_ALTGR].is_dead);
    assert_int_equal(levels[LEVEL_SHIFT_ALTGR].code_point, 0xe9);
    assert_int_equal(keymap.keys[0x02].levels[LEVEL_PLAIN].code_point, '#');
    assert_int_equal(keymap.keys[0x02].levels[LEVEL_SHIFT_ALTGR].code_point, ' ');
    assert_int_equal(keymap.keys[0x2c].levels[LEVEL_PLAIN].code_point, 0xb4);
    assert_true(keymap.has_altgr);
}

/* Whatever a broken controller sends, and whatever a broken layout holds: no crash, good UTF-8. */
static void test_any_bytes(void **state) {
    struct test_random random = {102};
    (void)state;
    load("de");
    for (int i = 0; i < 1000000; i++) {
        struct keyboard_event event;
        char bytes[KEYBOARD_BYTES_MAX];
        if (keyboard_feed(&keyboard, (uint8_t)test_random(&random), &event)) {
            size_t size = keyboard_bytes(&keyboard, &event, bytes);
            assert_true(size <= sizeof(bytes));
            for (size_t at = 0; at < size;) {
                uint32_t code;
                size_t length;
                assert_int_equal(utf8_decode(bytes + at, size - at, &code, &length), UTF8_OK);
                at += length;
            }
        }
    }
    for (int round = 0; round < 20000; round++) {
        char text[80] = "key a ";
        struct keymap_error error;
        for (size_t i = (size_t)test_random_below(&random, 10); i < sizeof(text); i++) {
            static const char likely[] = "key letter a dead:U+ space none\n\n 0";
            uint64_t r = test_random(&random);
            text[i] = r % 5 == 0 ? (char)(r >> 8) : likely[(r >> 8) % (sizeof(likely) - 1)];
        }
        if (!keymap_parse(text, sizeof(text), &keymap, &error)) {
            assert_non_null(error.what);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_us),
        cmocka_unit_test(test_uk),
        cmocka_unit_test(test_de),
        cmocka_unit_test(test_fr),
        cmocka_unit_test(test_built_in_us_is_the_file),
        cmocka_unit_test(test_all_of_ascii),
        cmocka_unit_test(test_control_and_alt),
        cmocka_unit_test(test_special_keys),
        cmocka_unit_test(test_keypad),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_odd_sequences),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
