/* SPDX-License-Identifier: MIT */
/*
 * The message calls, as C.
 *
 *   message_call_short, message_send_short   label and four words: only registers, inline
 *   message_call, message_send,              everything: handles, lent memory, own gates
 *   message_receive, message_reply, message_reply_receive
 *
 * All take a struct message: in what is to be sent, out what came. The register map is
 * abi/message.h; the kernel's rules (who may block, what moves when) are design section 4. A
 * process without an upcall handler is never interrupted; one with it uses the interruptible forms
 * of lib/native/block.h.
 */
#pragma once

#include "abi/message.h"
#include "lib/base/string.h"
#include "lib/base/types.h"

struct message {
    handle_t gate;  /* send, call: gate; receive, reply_receive: endpoint; reply: saved reply, or
                       HANDLE_NONE for the current one */
    uint32_t label; /* in: request, or the status of a reply; out: the same of the other side */
    uint32_t tag;   /* out (receive): the sender's process tag */
    uint32_t kind;  /* out (receive): enum message_kind */
    uint64_t badge; /* out (receive): of the gate it came through */
    uint64_t words[MESSAGE_WORDS];
    uint64_t deadline;  /* absolute ns, DEADLINE_NEVER, or 0: do not wait */
    uint64_t control;   /* in: MESSAGE_SEND_HANDLES | MESSAGE_SEGMENTS | MESSAGE_ACCEPT ...; out:
                           result word */
    uint64_t own_badge; /* out: badge of a gate of the receiver's own endpoint, iff
                           MESSAGE_RESULT_OWN_GATE(control) */
    uint32_t readable;  /* out (receive): bytes lent to read from, and to write to */
    uint32_t writable;
    union {
        handle_t handles[MESSAGE_HANDLES_MAX];
        struct lent_segment lent; /* in, with MESSAGE_LENDS: the quick way to lend one segment, in a
                                     message that sends no handles */
    };
    struct lent_segment segments[MESSAGE_SEGMENTS_MAX];
};

/* A segment for struct message. */
#define MESSAGE_LEND(pointer, n_bytes, how)                                                        \
    ((struct lent_segment){                                                                        \
        .address = (uint64_t)(uintptr_t)(pointer), .length = (n_bytes), .access = (how)})

/*
 * Brief requests: few bytes that would be lent travel in words 1 to 3 instead, the lowest byte
 * first, and bits 10 to 15 of the label say how many (plus one). `brief` in a protocol makes stubs
 * that do so and servers' request_read find them there (abi/protocols/README.md).
 */
enum { MESSAGE_BRIEF_BYTES = 24, MESSAGE_BRIEF_SHIFT = 10, MESSAGE_BRIEF_MASK = 63 };

static ALWAYS_INLINE void message_set_brief(struct message *m, const void *bytes, uint32_t n) {
    m->label |= (n + 1) << MESSAGE_BRIEF_SHIFT;
    m->words[1] = m->words[2] = m->words[3] = 0;
    memcpy(&m->words[1], bytes, n);
}

/* Bytes of a brief request, -1: it is none. More than MESSAGE_BRIEF_BYTES: nonsense. */
static inline int message_brief_bytes(uint32_t label) {
    return (int)(label >> MESSAGE_BRIEF_SHIFT & MESSAGE_BRIEF_MASK) - 1;
}

/* Did the answer to a brief request say that the server has more to write than it could: a symbolic
 * link's target? */
static inline bool message_asks_again(const struct message *m, status_t status, handle_t gate) {
    return status == OK && (status_t)m->label == ERROR_REDIRECT && gate == HANDLE_NONE;
}

/*
 * Label and words out, label and words back. Uses gate, label, words and deadline of the message,
 * changes label and words. Returns OK if an answer came (its status is in label), else why none
 * came: CLOSED, TIMEOUT, BAD_HANDLE ...
 */
WARN_UNUSED static ALWAYS_INLINE status_t message_call_short(struct message *m) {
    register uint64_t word1 __asm__("r10") = m->words[1];
    register uint64_t word2 __asm__("r8") = m->words[2];
    register uint64_t word3 __asm__("r9") = m->words[3];
    register uint64_t deadline __asm__("r12") = m->deadline;
    register uint64_t control __asm__("r13") = 0;
    uint64_t rax = SYSCALL_call, gate = m->gate, label = m->label, word0 = m->words[0];

    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(gate), "+S"(label), "+d"(word0), "+r"(word1), "+r"(word2),
                       "+r"(word3), "+r"(deadline), "+r"(control)
                     :
                     : "rbx", "rcx", "r11", "r14", "r15", "memory");
    m->label = (uint32_t)label;
    m->words[0] = word0;
    m->words[1] = word1;
    m->words[2] = word2;
    m->words[3] = word3;
    return (int64_t)rax < 0 ? (status_t)rax : OK;
}

/* Label and words out; waits (until the deadline) for a receiver, not for an answer. */
WARN_UNUSED static ALWAYS_INLINE status_t message_send_short(struct message *m) {
    register uint64_t word1 __asm__("r10") = m->words[1];
    register uint64_t word2 __asm__("r8") = m->words[2];
    register uint64_t word3 __asm__("r9") = m->words[3];
    register uint64_t deadline __asm__("r12") = m->deadline;
    register uint64_t control __asm__("r13") = 0;
    uint64_t rax = SYSCALL_send, gate = m->gate, label = m->label, word0 = m->words[0];

    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(gate), "+S"(label), "+d"(word0), "+r"(word1), "+r"(word2),
                       "+r"(word3), "+r"(deadline), "+r"(control)
                     :
                     : "rbx", "rcx", "r11", "r14", "r15", "memory");
    return (int64_t)rax < 0 ? (status_t)rax : OK;
}

/*
 * The long forms: one of the five system calls with all registers loaded from, and stored to, the
 * message. Same results as above. Handles sent move when (and only when) the call gets as far as
 * delivery; on BAD_HANDLE, TOO_MANY, TIMEOUT, CLOSED and INTERRUPTED before receipt they are still
 * the sender's.
 */
WARN_UNUSED status_t message_call(struct message *m);
WARN_UNUSED status_t message_send(struct message *m);

/* Answers gate (a saved reply, used up even on NO_REPLY) or the current request. NO_REPLY: nobody
 * waits any more. */
WARN_UNUSED status_t message_reply(struct message *m);

/*
 * Waits at endpoint `gate` for a message, notification or CANCEL until the deadline (TIMEOUT); kind
 * says what came. Handles are accepted as MESSAGE_ACCEPT in control says.
 */
WARN_UNUSED status_t message_receive(struct message *m);

/*
 * message_reply to the current request (label, words, handles), then message_receive. Errors are
 * those of the receive, but for those of handles: NO_REPLY (nobody waits for them) or what
 * message_reply would say; the answer is then still to be given, and a receive is PENDING.
 */
WARN_UNUSED status_t message_reply_receive(struct message *m);

/* The i-th handle that an answer brought, HANDLE_NONE if it brought fewer or did not come. */
static inline handle_t message_handle(const struct message *m, status_t status, unsigned i) {
    return status == OK && i < MESSAGE_RESULT_HANDLES(m->control) ? m->handles[i] : HANDLE_NONE;
}

/* What the generated stubs call; lib/posix puts interruptible ones in their place before it
 * includes them. */
#ifndef MESSAGE_CALL
#define MESSAGE_CALL(m)       message_call(m)
#define MESSAGE_CALL_SHORT(m) message_call_short(m)
#endif
#ifndef MESSAGE_SEND
#define MESSAGE_SEND(m) message_send(m)
#endif
