/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary that every other file uses: sizes, rounding, checked arithmetic, compiler
 * attributes. Freestanding; for the kernel, programs and the host alike.
 *
 * Macros here evaluate each argument once (types may be evaluated more often).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KiB (1ull << 10)
#define MiB (1ull << 20)
#define GiB (1ull << 30)

/* musl's <limits.h> has a PAGE_SIZE too, hence the guard; it is the same number. */
#define PAGE_SHIFT 12
#ifndef PAGE_SIZE
#define PAGE_SIZE 4096ul
#endif
_Static_assert(PAGE_SIZE == 1ul << PAGE_SHIFT, "one page size everywhere");

#define WARN_UNUSED                        __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_arg, first_arg) __attribute__((format(printf, format_arg, first_arg)))
#define NORETURN                           __attribute__((noreturn))
#define PACKED                             __attribute__((packed))
#define ALIGNED(n)                         __attribute__((aligned(n)))
#define UNUSED                             __attribute__((unused))
#define NOINLINE                           __attribute__((noinline))
#define ALWAYS_INLINE                      inline __attribute__((always_inline))
#define NEVER_INLINE                       __attribute__((noinline))
#define LIKELY(condition)                  __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition)                __builtin_expect(!!(condition), 0)

/* Number of elements of an array. A pointer instead of an array does not compile. */
#define ARRAY_SIZE(array)                                                                          \
    (sizeof(array) / sizeof((array)[0]) +                                                          \
     0 * sizeof(struct {                                                                           \
         _Static_assert(!__builtin_types_compatible_p(__typeof__(array), __typeof__(&(array)[0])), \
                        "ARRAY_SIZE of a pointer");                                                \
         int unused;                                                                               \
     }))

/* <sys/param.h> of the C library has its own, which evaluate an argument twice. */
#undef MIN
#undef MAX
#define MIN(a, b)                                                                                  \
    ({                                                                                             \
        __auto_type min_a_ = (a);                                                                  \
        __auto_type min_b_ = (b);                                                                  \
        min_a_ < min_b_ ? min_a_ : min_b_;                                                         \
    })
#define MAX(a, b)                                                                                  \
    ({                                                                                             \
        __auto_type max_a_ = (a);                                                                  \
        __auto_type max_b_ = (b);                                                                  \
        max_a_ > max_b_ ? max_a_ : max_b_;                                                         \
    })

/*
 * Round an unsigned integer to a multiple of `alignment`, a power of two. Constant expressions if
 * their arguments are. ALIGN_UP wraps to 0 at the top of the type; where the value comes from
 * outside use u64_align_up_overflows.
 */
#define ALIGN_DOWN(x, alignment) ((x) & -(__typeof__(x))(alignment))
#define ALIGN_UP(x, alignment)   ((((x)-1) | ((__typeof__(x))(alignment)-1)) + 1)
#define IS_ALIGNED(x, alignment) (((x) & ((__typeof__(x))(alignment)-1)) == 0)

#define DIV_ROUND_UP(n, divisor)                                                                   \
    ({                                                                                             \
        __auto_type div_n_ = (n);                                                                  \
        __auto_type div_d_ = (divisor);                                                            \
        div_n_ / div_d_ + (div_n_ % div_d_ != 0);                                                  \
    })

/* The structure of type `type` whose member `member` `pointer` points to. The comparison is never
 * made; it is there to have the pointer's type checked. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)((uintptr_t)(pointer)-offsetof(type, member) +                                        \
              0 * sizeof((pointer) == &((type *)0)->member)))

/*
 * Checked arithmetic: true if the exact result does not fit; otherwise it is stored. What *result
 * holds after an overflow must not be used.
 */
WARN_UNUSED static inline bool u64_add_overflows(uint64_t a, uint64_t b, uint64_t *result) {
    return __builtin_add_overflow(a, b, result);
}

WARN_UNUSED static inline bool u64_mul_overflows(uint64_t a, uint64_t b, uint64_t *result) {
    return __builtin_mul_overflow(a, b, result);
}

WARN_UNUSED static inline bool u64_align_up_overflows(uint64_t value, uint64_t alignment,
                                                      uint64_t *result) {
    bool overflows = __builtin_add_overflow(value, alignment - 1, result);

    *result &= -alignment;
    return overflows;
}

/* True if [base, base + size) lies inside [0, limit), with no wrap-around anywhere. */
WARN_UNUSED static inline bool u64_range_is_within(uint64_t base, uint64_t size, uint64_t limit) {
    return base <= limit && size <= limit - base;
}

static inline bool u64_is_power_of_two(uint64_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}
