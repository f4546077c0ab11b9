/* SPDX-License-Identifier: MIT */
/* See format.h. */
#include "lib/base/format.h"

#include "lib/base/string.h"

/* 64 bits in octal, the longest number, have 22 digits. */
#define DIGITS_MAX 22

enum spec_flag {
    SPEC_LEFT = 1 << 0,
    SPEC_ZERO = 1 << 1,
    SPEC_PLUS = 1 << 2,
    SPEC_BLANK = 1 << 3,
    SPEC_PREFIX = 1 << 4,
};

/* One conversion of the format, parsed. */
struct spec {
    unsigned flags;
    size_t width;
    size_t precision;
    bool has_precision;
    unsigned size_bytes; /* of the integer argument */
    char conversion;
};

struct output {
    format_sink *sink;
    void *context;
    size_t length;
    /* A va_list cannot be passed by address portably unless it is inside a structure. */
    va_list args;
};

static void emit(struct output *out, const char *bytes, size_t n) {
    if (n > 0) {
        out->sink(out->context, bytes, n);
        out->length += n;
    }
}

static void emit_repeated(struct output *out, const char *sixteen, size_t n) {
    for (; n > 16; n -= 16) {
        emit(out, sixteen, 16);
    }
    emit(out, sixteen, n);
}

static void emit_blanks(struct output *out, size_t n) {
    emit_repeated(out, "                ", n);
}

/* One line of output: blanks, sign or 0x, zeros, body, blanks, at least spec->width wide. */
static void emit_field(struct output *out, const struct spec *spec, const char *prefix,
                       size_t n_zeros, const char *body, size_t length) {
    size_t prefix_length = strlen(prefix);
    size_t used = prefix_length + n_zeros + length;
    size_t padding = spec->width > used ? spec->width - used : 0;

    if (!(spec->flags & SPEC_LEFT)) {
        emit_blanks(out, padding);
    }
    emit(out, prefix, prefix_length);
    emit_repeated(out, "0000000000000000", n_zeros);
    emit(out, body, length);
    if (spec->flags & SPEC_LEFT) {
        emit_blanks(out, padding);
    }
}

/* Writes the digits of `value` so that they end before `end`; none for 0. Returns their start. */
static char *digits_of(char *end, uint64_t value, unsigned base, bool upper_case) {
    const char *digits = upper_case ? "0123456789ABCDEF" : "0123456789abcdef";

    for (; value != 0; value /= base) {
        *--end = digits[value % base];
    }
    return end;
}

static void emit_number(struct output *out, const struct spec *spec, uint64_t value, unsigned base,
                        const char *prefix) {
    char buffer[DIGITS_MAX];
    char *end = buffer + sizeof buffer;
    char *start = digits_of(end, value, base, spec->conversion == 'X');
    size_t length = (size_t)(end - start);
    size_t wanted = spec->has_precision ? spec->precision : 1;

    if ((spec->flags & (SPEC_ZERO | SPEC_LEFT)) == SPEC_ZERO && !spec->has_precision) {
        size_t prefix_length = strlen(prefix);
        wanted = MAX(wanted, spec->width > prefix_length ? spec->width - prefix_length : 0);
    }
    if (base == 8 && (spec->flags & SPEC_PREFIX) && wanted <= length) {
        wanted = length + 1; /* as C has it: precision is raised until a 0 leads */
    }
    emit_field(out, spec, prefix, wanted > length ? wanted - length : 0, start, length);
}

static int64_t next_signed(struct output *out, unsigned size_bytes) {
    switch (size_bytes) {
    case 1:
        return (signed char)va_arg(out->args, int);
    case 2:
        return (short)va_arg(out->args, int);
    case 4:
        return va_arg(out->args, int);
    default:
        return va_arg(out->args, long long);
    }
}

static uint64_t next_unsigned(struct output *out, unsigned size_bytes) {
    switch (size_bytes) {
    case 1:
        return (unsigned char)va_arg(out->args, unsigned);
    case 2:
        return (unsigned short)va_arg(out->args, unsigned);
    case 4:
        return va_arg(out->args, unsigned);
    default:
        return va_arg(out->args, unsigned long long);
    }
}

static void emit_signed(struct output *out, const struct spec *spec) {
    int64_t value = next_signed(out, spec->size_bytes);
    const char *sign = "";

    if (value < 0) {
        sign = "-";
    } else if (spec->flags & SPEC_PLUS) {
        sign = "+";
    } else if (spec->flags & SPEC_BLANK) {
        sign = " ";
    }
    emit_number(out, spec, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, sign);
}

static void emit_hex(struct output *out, const struct spec *spec) {
    uint64_t value = next_unsigned(out, spec->size_bytes);
    const char *prefix = "";

    if ((spec->flags & SPEC_PREFIX) && value != 0) {
        prefix = spec->conversion == 'X' ? "0X" : "0x";
    }
    emit_number(out, spec, value, 16, prefix);
}

static void emit_string(struct output *out, const struct spec *spec) {
    const char *string = va_arg(out->args, const char *);

    if (string == NULL) {
        string = "(null)";
    }
    emit_field(out, spec, "", 0, string,
               spec->has_precision ? strnlen(string, spec->precision) : strlen(string));
}

/* Prints one conversion. Returns false if it is not one of ours. */
static bool emit_conversion(struct output *out, const struct spec *spec) {
    char c;

    switch (spec->conversion) {
    case 'd':
    case 'i':
        emit_signed(out, spec);
        return true;
    case 'u':
        emit_number(out, spec, next_unsigned(out, spec->size_bytes), 10, "");
        return true;
    case 'o':
        emit_number(out, spec, next_unsigned(out, spec->size_bytes), 8, "");
        return true;
    case 'x':
    case 'X':
        emit_hex(out, spec);
        return true;
    case 'p':
        emit_number(out, spec, (uintptr_t)va_arg(out->args, void *), 16, "0x");
        return true;
    case 's':
        emit_string(out, spec);
        return true;
    case 'c':
        c = (char)va_arg(out->args, int);
        emit_field(out, spec, "", 0, &c, 1);
        return true;
    case '%':
        emit(out, "%", 1);
        return true;
    default:
        return false;
    }
}

static const char *parse_flags(const char *p, struct spec *spec) {
    for (;; p++) {
        switch (*p) {
        case '-':
            spec->flags |= SPEC_LEFT;
            break;
        case '0':
            spec->flags |= SPEC_ZERO;
            break;
        case '+':
            spec->flags |= SPEC_PLUS;
            break;
        case ' ':
            spec->flags |= SPEC_BLANK;
            break;
        case '#':
            spec->flags |= SPEC_PREFIX;
            break;
        default:
            return p;
        }
    }
}

/* A number or `*`. Widths are kept below a million: a mistake must not print for minutes. */
static const char *parse_number(const char *p, struct output *out, int *number) {
    *number = 0;
    if (*p == '*') {
        *number = va_arg(out->args, int);
        *number = MAX(MIN(*number, 999999), -999999);
        return p + 1;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        *number = MIN(*number * 10 + (*p - '0'), 999999);
    }
    return p;
}

static const char *parse_size(const char *p, struct spec *spec) {
    spec->size_bytes = sizeof(int);
    switch (*p) {
    case 'h':
        spec->size_bytes = p[1] == 'h' ? 1 : 2;
        return p + (p[1] == 'h' ? 2 : 1);
    case 'l':
        spec->size_bytes = 8;
        return p + (p[1] == 'l' ? 2 : 1);
    case 'z':
    case 'j':
    case 't':
        spec->size_bytes = 8;
        return p + 1;
    default:
        return p;
    }
}

/* Parses what follows a `%`. Returns the place of the conversion character. */
static const char *parse_spec(const char *p, struct output *out, struct spec *spec) {
    int number;

    *spec = (struct spec){0};
    p = parse_flags(p, spec);
    p = parse_number(p, out, &number);
    if (number < 0) {
        spec->flags |= SPEC_LEFT;
        number = -number;
    }
    spec->width = (size_t)number;
    if (*p == '.') {
        p = parse_number(p + 1, out, &number);
        spec->has_precision = number >= 0;
        spec->precision = number >= 0 ? (size_t)number : 0;
    }
    p = parse_size(p, spec);
    spec->conversion = *p;
    return p;
}

_Static_assert(sizeof(long) == 8 && sizeof(size_t) == 8 && sizeof(ptrdiff_t) == 8, "LP64");

size_t format_v(format_sink *sink, void *context, const char *format, va_list args) {
    struct output out = {.sink = sink, .context = context};
    struct spec spec;

    va_copy(out.args, args);
    while (*format != '\0') {
        const char *literal = format;
        const char *conversion;

        while (*format != '\0' && *format != '%') {
            format++;
        }
        emit(&out, literal, (size_t)(format - literal));
        if (*format == '\0') {
            break;
        }
        conversion = parse_spec(format + 1, &out, &spec);
        if (!emit_conversion(&out, &spec)) {
            emit(&out, format, strlen(format));
            break;
        }
        format = conversion + 1;
    }
    va_end(out.args);
    return out.length;
}

size_t format_to(format_sink *sink, void *context, const char *format, ...) {
    va_list args;
    size_t length;

    va_start(args, format);
    length = format_v(sink, context, format, args);
    va_end(args);
    return length;
}

/* What is left of the buffer, the terminator's place not counted. */
struct buffer {
    char *next;
    size_t left;
};

static void buffer_sink(void *context, const char *bytes, size_t n) {
    struct buffer *buffer = context;
    size_t copied = MIN(n, buffer->left);

    memcpy(buffer->next, bytes, copied);
    buffer->next += copied;
    buffer->left -= copied;
}

static void null_sink(void *context, const char *bytes, size_t n) {
    (void)context;
    (void)bytes;
    (void)n;
}

size_t format_buffer_v(char *buffer, size_t size, const char *format, va_list args) {
    struct buffer rest = {.next = buffer, .left = size - 1};
    size_t length;

    if (size == 0) {
        return format_v(null_sink, NULL, format, args);
    }
    length = format_v(buffer_sink, &rest, format, args);
    *rest.next = '\0';
    return length;
}

size_t format_buffer(char *buffer, size_t size, const char *format, ...) {
    va_list args;
    size_t length;

    va_start(args, format);
    length = format_buffer_v(buffer, size, format, args);
    va_end(args);
    return length;
}
