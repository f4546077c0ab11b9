/* SPDX-License-Identifier: MIT */
/*
 * memcpy and its relatives for the kernel, which has no C library. Linked into the kernel only.
 *
 * General registers only. Large blocks go by `rep movsq` and `rep stosq`: eight bytes per step on
 * the emulator that our figures are counted on, and the fast-string path of real processors. Ends
 * that are no multiple of eight are done by one word that overlaps the rest, not byte by byte.
 *
 * Danger: the compiler recognises loops that copy, fill or measure and turns them into calls of
 * the very functions defined here. The empty asm statement in each loop stops that.
 *
 * The direction flag is clear, as the ABI says; kernel entry sees to it.
 */
#include "lib/base/string.h"

/* A word at any address, of any type: what memcpy is made of. */
struct any_u64 {
    uint64_t value;
} PACKED __attribute__((may_alias));
struct any_u32 {
    uint32_t value;
} PACKED __attribute__((may_alias));
struct any_u16 {
    uint16_t value;
} PACKED __attribute__((may_alias));

#define WORD64(pointer) (((struct any_u64 *)(pointer))->value)
#define WORD32(pointer) (((struct any_u32 *)(pointer))->value)
#define WORD16(pointer) (((struct any_u16 *)(pointer))->value)

#define LOOP_STAYS_A_LOOP() __asm__ volatile("")

/* Up to 16 bytes. All is read before anything is written, so the blocks may overlap. */
static ALWAYS_INLINE void copy_up_to_16(uint8_t *to, const uint8_t *from, size_t n) {
    if (n >= 8) {
        uint64_t first = WORD64(from);
        uint64_t last = WORD64(from + n - 8);

        WORD64(to) = first;
        WORD64(to + n - 8) = last;
    } else if (n >= 4) {
        uint32_t first = WORD32(from);
        uint32_t last = WORD32(from + n - 4);

        WORD32(to) = first;
        WORD32(to + n - 4) = last;
    } else if (n >= 2) {
        uint16_t first = WORD16(from);
        uint16_t last = WORD16(from + n - 2);

        WORD16(to) = first;
        WORD16(to + n - 2) = last;
    } else if (n == 1) {
        *to = *from;
    }
}

/*
 * More than 16 bytes, upwards. Right for overlapping blocks too if `to` is below `from`: each step
 * writes below what later steps read, and the last word was read before.
 */
static ALWAYS_INLINE void copy_upwards(uint8_t *to, const uint8_t *from, size_t n) {
    uint64_t last = WORD64(from + n - 8);
    uint8_t *end = to + n;
    size_t n_words = (n - 1) / 8;

    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n_words) : : "memory");
    WORD64(end - 8) = last;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    if (n <= 16) {
        copy_up_to_16(to, from, n);
    } else {
        copy_upwards(to, from, n);
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    if (n <= 16) {
        copy_up_to_16(to, from, n);
    } else if ((uintptr_t)to - (uintptr_t)from >= n) {
        copy_upwards(to, from, n); /* below, or above with no overlap */
    } else {
        uint8_t *to_bytes = to;
        const uint8_t *from_bytes = from;
        uint64_t first = WORD64(from_bytes);

        /* Downwards in plain words; the direction flag is never set in the kernel. */
        for (; n > 8; n -= 8) {
            WORD64(to_bytes + n - 8) = WORD64(from_bytes + n - 8);
            LOOP_STAYS_A_LOOP();
        }
        WORD64(to_bytes) = first;
    }
    return to;
}

void *memset(void *to, int byte, size_t n) {
    uint8_t *bytes = to;
    uint64_t word = (uint8_t)byte * 0x0101010101010101ull;

    if (n >= 8) {
        uint8_t *end = bytes + n;
        size_t n_words = (n - 1) / 8;

        __asm__ volatile("rep stosq" : "+D"(bytes), "+c"(n_words) : "a"(word) : "memory");
        WORD64(end - 8) = word;
    } else if (n >= 4) {
        WORD32(bytes) = (uint32_t)word;
        WORD32(bytes + n - 4) = (uint32_t)word;
    } else if (n >= 2) {
        WORD16(bytes) = (uint16_t)word;
        WORD16(bytes + n - 2) = (uint16_t)word;
    } else if (n == 1) {
        *bytes = (uint8_t)word;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const uint8_t *p = a;
    const uint8_t *q = b;

    for (; n >= 8 && WORD64(p) == WORD64(q); n -= 8) {
        p += 8;
        q += 8;
        LOOP_STAYS_A_LOOP();
    }
    for (; n > 0; n--, p++, q++) {
        if (*p != *q) {
            return *p - *q;
        }
        LOOP_STAYS_A_LOOP();
    }
    return 0;
}

void *memchr(const void *bytes, int byte, size_t n) {
    for (const uint8_t *p = bytes; n > 0; n--, p++) {
        if (*p == (uint8_t)byte) {
            return (void *)(uintptr_t)p;
        }
        LOOP_STAYS_A_LOOP();
    }
    return NULL;
}

size_t strlen(const char *string) {
    return strnlen(string, SIZE_MAX);
}

size_t strnlen(const char *string, size_t limit) {
    size_t length = 0;

    while (length < limit && string[length] != '\0') {
        length++;
        LOOP_STAYS_A_LOOP();
    }
    return length;
}

int strcmp(const char *a, const char *b) {
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n) {
    for (; n > 0; n--, a++, b++) {
        uint8_t x = (uint8_t)*a;
        uint8_t y = (uint8_t)*b;

        if (x != y) {
            return x - y;
        }
        if (x == '\0') {
            break;
        }
        LOOP_STAYS_A_LOOP();
    }
    return 0;
}

char *strchr(const char *string, int c) {
    for (;; string++) {
        if (*string == (char)c) {
            return (char *)(uintptr_t)string;
        }
        if (*string == '\0') {
            return NULL;
        }
        LOOP_STAYS_A_LOOP();
    }
}

char *strrchr(const char *string, int c) {
    char *last = NULL;

    for (;; string++) {
        if (*string == (char)c) {
            last = (char *)(uintptr_t)string;
        }
        if (*string == '\0') {
            return last;
        }
        LOOP_STAYS_A_LOOP();
    }
}
