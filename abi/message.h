/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* [book:message-registers] */
/*
 * The message calls: send, receive, call, reply, reply_receive.
 *
 * Register map (rax = system call number in, status or kind out):
 *
 *   register  in                                     out (receive, reply_receive, call)
 *   rax       system call number                     status < 0, or enum message_kind
 *   rdi       gate (send, call), endpoint (receive,  badge of the gate (receive, reply_receive)
 *             reply_receive), saved reply or 0
 *             (reply)
 *   rsi       label (low 32 bits)                    label; sender's tag in the high 32 bits
 *                                                    (0 in an answer)
 *   rdx       word 0                                 word 0 (notification: bits; cancel: cookie)
 *   r10       word 1                                 word 1
 *   r8        word 2                                 word 2
 *   r9        word 3                                 word 3
 *   r12       deadline (send, receive,               lengths of the lent ranges: readable in the
 *             reply_receive, call); ignored by       low, writable in the high 32 bits
 *             reply
 *   r13       control word, 0 for a short message    result word, 0 for a short message
 *   r14       handles 0 (low 32 bits) and 1 (high)   handles received 0 and 1
 *   r15       handles 2 and 3                        handles received 2 and 3
 *             with LENDS: the one lent segment, its
 *             address (r14), length and access (r15)
 *   rbx       address of the lent segments           badge of a gate of the receiver's own
 *                                                    endpoint, if sent
 *   rcx, r11  -                                      lost
 *   rbp, rsp  -                                      kept
 *
 * rbx, rdi, rsi, r8-r10, r12-r15 and rdx never hold anything of another process but what this table
 * says. On an error status the other registers are undefined (but never another process's data).
 *
 * A reply's label is by convention a status_t of the protocol, zero-extended.
 */
/* [/book] */
/* clang-format on */
#pragma once

#include "abi/types.h"

enum {
    MESSAGE_HANDLES_MAX = 4,
    MESSAGE_SEGMENTS_MAX = 4,
    MESSAGE_WORDS = 4,
};

/* Most bytes lent per direction by one call. */
#define LENT_BYTES_MAX (16u << 20)

/* What receive and reply_receive brought. call gives MESSAGE_PLAIN for an answer. */
enum message_kind {
    MESSAGE_PLAIN = 0,        /* sent with send: nobody waits */
    MESSAGE_CALL = 1,         /* sent with call: now the current reply of this thread */
    MESSAGE_NOTIFICATION = 2, /* badge, bits in word 0 */
    MESSAGE_CANCEL = 3,       /* badge, cookie in word 0: the saved reply should be answered soon */
};

/* clang-format off */
/*
 * Control word (r13 in).
 *   bits 0-2    number of handles sent
 *   bits 3-5    number of lent segments
 *   bits 6-8    number of handles accepted (receive, reply_receive, call): slots are reserved
 *               at once
 *   bit 9       NO_INTERRUPT: an upcall does not cancel this call (call only)
 *   bit 10      REFUSE: nothing is received; instead all who wait at the endpoint are told ABSENT,
 *               notifications are dropped, and so it goes with all that comes, until the next
 *               receive without this bit (receive only; BUSY if another thread receives)
 *   bit 11      LENDS: r14 and r15 are the one lent segment, and no handles are sent (call, send)
 *   bits 16-19  handle i is copied, not moved
 *   bits 32-63  for a copied handle i the rights that the copy keeps, 8 bits each
 */
/* clang-format on */
#define MESSAGE_SEND_HANDLES(n) ((uint64_t)(n))
#define MESSAGE_SEGMENTS(n)     ((uint64_t)(n) << 3)
#define MESSAGE_ACCEPT(n)       ((uint64_t)(n) << 6)
#define MESSAGE_NO_INTERRUPT    (1ULL << 9)
#define MESSAGE_REFUSE          (1ULL << 10)
#define MESSAGE_LENDS           (1ULL << 11)
#define MESSAGE_COPY(i, rights) ((1ULL << (16 + (i))) | ((uint64_t)(rights) << (32 + 8 * (i))))

/* clang-format off */
/*
 * Result word (r13 out).
 *   bits 0-2    number of handles received (an own gate, whose badge is in rbx, is not among them)
 *   bit 3       rbx holds the badge of an own gate
 *   bits 8-11   handle i is a memory object that nobody else can reach: it was the sole handle,
 *               and unmapped
 *   bits 16-31  kind of handle i (enum object_type), 4 bits each
 */
/* clang-format on */
#define MESSAGE_RESULT_HANDLES(result)      ((unsigned)((result)&7))
#define MESSAGE_RESULT_OWN_GATE(result)     (((result) >> 3) & 1)
#define MESSAGE_RESULT_EXCLUSIVE(result, i) (((result) >> (8 + (i))) & 1)
#define MESSAGE_RESULT_TYPE(result, i)      ((enum object_type)(((result) >> (16 + 4 * (i))) & 15))

/*
 * A range of the caller's memory that the server may read or write (not both) for the time of the
 * call, through lent_read and lent_write. All readable segments, one after the other, form one
 * range from offset 0; so do all writable ones.
 */
struct lent_segment {
    uint64_t address;
    uint32_t length; /* bytes */
    uint32_t access; /* LENT_READABLE or LENT_WRITABLE */
};
enum { LENT_READABLE = 1, LENT_WRITABLE = 2 };
