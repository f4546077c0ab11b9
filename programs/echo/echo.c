/* SPDX-License-Identifier: MIT */
/* echo: writes its arguments. */
#include <stdio.h>
#include <string.h>

#include "programs/common/report.h"

static const char help[] =
    "echo [-neE] [WORD...]\n"
    "Writes the words with a blank between them and a new line at the end.\n"
    "  -n  no new line\n"
    "  -e  \\a \\b \\c (stop here) \\e \\f \\n \\r \\t \\v \\\\ \\0NNN (octal)\n"
    "      \\xNN (hexadecimal) have their meaning\n"
    "  -E  they have none (as without -e)";

/* Only groups of these letters are options; everything else is a word to write. */
static int is_option(const char *word) {
    return word[0] == '-' && word[1] != '\0' && word[1 + strspn(word + 1, "neE")] == '\0';
}

static int digit_value(char digit) {
    static const char digits[] = "0123456789abcdef";
    char lower = digit >= 'A' && digit <= 'F' ? (char)(digit - 'A' + 'a') : digit;
    const char *found = digit == '\0' ? NULL : strchr(digits, lower);

    return found == NULL ? 16 : (int)(found - digits);
}

/* Writes the byte that up to *limit* digits at *at* stand for; returns what follows them. */
static const char *write_number(const char *at, int base, int limit) {
    int value = 0;

    while (limit-- > 0 && digit_value(*at) < base) {
        value = value * base + digit_value(*at++);
    }
    putchar(value & 0xff);
    return at;
}

/* Writes a word with its escapes; returns 0 if \c ended everything. */
static int write_escaped(const char *word) {
    static const char letters[] = "abefnrtv\\";
    static const char meanings[] = "\a\b\033\f\n\r\t\v\\";

    while (*word != '\0') {
        const char *letter = word[0] != '\\' || word[1] == '\0' ? NULL : strchr(letters, word[1]);

        if (letter != NULL) {
            putchar(meanings[letter - letters]);
            word += 2;
        } else if (word[0] == '\\' && word[1] == 'c') {
            return 0;
        } else if (word[0] == '\\' && word[1] == '0') {
            word = write_number(word + 2, 8, 3);
        } else if (word[0] == '\\' && word[1] == 'x' && digit_value(word[2]) < 16) {
            word = write_number(word + 2, 16, 2);
        } else {
            putchar(*word++);
        }
    }
    return 1;
}

int main(int argc, char **argv) {
    int newline = 1;
    int escapes = 0;
    char **words = argv + (argc > 0);

    report_begin("echo");
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("usage: %s\n", help);
        report_exit(0);
    }
    for (; *words != NULL && is_option(*words); words++) {
        for (const char *letter = *words + 1; *letter != '\0'; letter++) {
            newline = *letter == 'n' ? 0 : newline;
            escapes = *letter == 'e' ? 1 : *letter == 'E' ? 0 : escapes;
        }
    }
    for (char **word = words; *word != NULL; word++) {
        if (word > words) {
            putchar(' ');
        }
        if (!escapes) {
            fputs(*word, stdout);
        } else if (!write_escaped(*word)) {
            report_exit(0);
        }
    }
    if (newline) {
        putchar('\n');
    }
    report_exit(0);
}
