/* SPDX-License-Identifier: MIT */
#include "kernel/message.h"

#include "kernel/memory.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/user_copy.h"

static handle_t control_handle(const struct registers *registers, unsigned i) {
    uint64_t pair = i < 2 ? registers->r14 : registers->r15;

    return (handle_t)(pair >> (32 * (i & 1)));
}

static bool control_is_copy(uint64_t control, unsigned i) {
    return (control >> (16 + i) & 1) != 0;
}

static uint32_t control_rights(uint64_t control, unsigned i) {
    return (uint32_t)(control >> (32 + 8 * i)) & RIGHTS_ALL;
}

bool message_moves(const struct thread *thread, uint64_t handle) {
    uint64_t control = thread->registers.r13;

    for (unsigned i = 0; i < CONTROL_N_HANDLES(control); i++) {
        if (handle != HANDLE_NONE && control_handle(&thread->registers, i) == handle) {
            return true;
        }
    }
    return false;
}

/* The handles that a message names: open, allowed to go, none moved twice. */
static status_t handles_check(const struct thread *from) {
    uint64_t control = from->registers.r13;
    unsigned n = CONTROL_N_HANDLES(control);

    for (unsigned i = 0; i < n; i++) {
        handle_t handle = control_handle(&from->registers, i);
        const struct handle_entry *entry = handle_entry(&from->process->handles, handle);

        if (entry == NULL) {
            return ERROR_BAD_HANDLE;
        }
        if (control_is_copy(control, i)) {
            if ((entry->rights & (HANDLE_REPLY | RIGHT_COPY)) != RIGHT_COPY) {
                return ERROR_NO_RIGHT;
            }
            continue;
        }
        for (unsigned j = 0; j < n; j++) {
            if (j != i && control_handle(&from->registers, j) == handle) {
                return ERROR_BAD_ARGUMENT;
            }
        }
    }
    return OK;
}

_Static_assert(LENT_READABLE == 1 && LENT_WRITABLE == 2, "the sums are side by side in this order");

static status_t segment_check(const struct lent_segment *segment) {
    return segment->access - LENT_READABLE > 1             ? ERROR_BAD_ARGUMENT
           : segment->address > USER_TOP - segment->length ? ERROR_BAD_ADDRESS
           : segment->length > LENT_BYTES_MAX              ? ERROR_TOO_MANY
                                                           : OK;
}

/* Takes n segments: the one in the registers, if control says so, or those that rbx points to. */
static status_t segments_take(struct thread *thread, unsigned n) {
    const struct registers *registers = &thread->registers;
    uint64_t lengths = 0; /* as in struct thread; four that are not too long are no carry */

    for (unsigned i = 0; i < n; i++) {
        struct lent_segment *segment = &thread->segments[i];
        status_t status = OK;

        if ((registers->r13 & MESSAGE_LENDS) != 0) {
            *segment = (struct lent_segment){registers->r14, (uint32_t)registers->r15,
                                             (uint32_t)(registers->r15 >> 32)};
        } else {
            status = copy_in_small(thread->process->space, segment,
                                   registers->rbx + i * sizeof(*segment), sizeof(*segment));
        }
        if (status == OK) {
            status = segment_check(segment);
        }
        if (UNLIKELY(status != OK)) {
            return status;
        }
        lengths += (uint64_t)segment->length << (32 * (segment->access - LENT_READABLE));
    }
    if ((uint32_t)lengths > LENT_BYTES_MAX || lengths >> 32 > LENT_BYTES_MAX) {
        return ERROR_TOO_MANY;
    }
    thread->n_segments = (uint8_t)n;
    thread->lent_lengths = lengths;
    return OK;
}

status_t message_accept(struct thread *thread, uint32_t n_accept) {
    status_t status;

    if (n_accept > MESSAGE_HANDLES_MAX) {
        return ERROR_BAD_ARGUMENT;
    }
    status = handle_reserve(&thread->process->handles, n_accept);
    if (status == OK) {
        thread->n_accept = (uint8_t)n_accept;
    }
    return status;
}

void message_accept_drop(struct thread *thread) {
    if (UNLIKELY(thread->n_accept != 0)) {
        handle_unreserve(&thread->process->handles, thread->n_accept);
        thread->n_accept = 0;
    }
}

status_t message_prepare(struct thread *thread) {
    uint64_t control = thread->registers.r13;
    unsigned n_segments = CONTROL_N_SEGMENTS(control);
    status_t status = OK;

    thread->n_segments = 0;
    thread->lent_lengths = 0;
    thread->no_interrupt = (control & MESSAGE_NO_INTERRUPT) != 0;
    if (LIKELY(control == 0)) {
        return OK;
    }
    if ((control & MESSAGE_LENDS) != 0) {
        /* One, and nothing beside it: else too many. */
        n_segments = (n_segments | CONTROL_N_HANDLES(control)) == 0 ? 1 : UINT32_MAX;
    }
    if (n_segments > MESSAGE_SEGMENTS_MAX || CONTROL_N_HANDLES(control) > MESSAGE_HANDLES_MAX) {
        return ERROR_BAD_ARGUMENT;
    }
    if (n_segments != 0) {
        status = segments_take(thread, n_segments);
    }
    if (status == OK && CONTROL_N_HANDLES(control) != 0) {
        status = handles_check(thread);
    }
    if (status == OK && CONTROL_N_ACCEPT(control) != 0) {
        status = message_accept(thread, CONTROL_N_ACCEPT(control));
    }
    return status;
}

/* Handle i if it is a gate of the receiving endpoint, which arrives as its badge; else NULL.
 * Not through a handle that is of no use: the badge may mean something else by now. */
static const struct gate *own_gate(const struct thread *from, unsigned i,
                                   const struct endpoint *own) {
    const struct handle_entry *entry =
        handle_entry(&from->process->handles, control_handle(&from->registers, i));
    const struct gate *gate = CONTAINER_OF(entry->object, struct gate, object);

    return entry->object->type == OBJECT_GATE && !entry->object->revoked && gate->endpoint == own &&
                   (entry->rights & (RIGHT_SEND | RIGHT_NOTIFY)) != 0
               ? gate
               : NULL;
}

/* Moves or copies one checked handle into a reserved slot. */
static handle_t handle_pass(struct thread *from, struct thread *to, unsigned i, uint64_t *result,
                            unsigned slot) {
    uint64_t control = from->registers.r13;
    handle_t handle = control_handle(&from->registers, i);
    const struct handle_entry *entry = handle_entry(&from->process->handles, handle);
    struct object *object = entry->object;
    bool is_reply = (entry->rights & HANDLE_REPLY) != 0;

    *result |= (uint64_t)(is_reply ? OBJECT_REPLY : object->type) << (16 + 4 * slot);
    if (control_is_copy(control, i)) {
        object_get(object);
        return handle_install(&to->process->handles, object,
                              handle_copy_rights(entry, control_rights(control, i)));
    }
    if (object->type == OBJECT_MEMORY && object->references == 1) {
        *result |= 1ULL << (8 + slot);
    }
    return handle_move(&from->process->handles, handle, &to->process->handles);
}

status_t message_transfer_handles(struct thread *from, struct thread *to,
                                  const struct endpoint *own) {
    uint64_t control = from->registers.r13;
    unsigned n = CONTROL_N_HANDLES(control);
    unsigned n_own = 0;
    uint64_t result = 0;
    uint64_t badge = 0;
    handle_t numbers[MESSAGE_HANDLES_MAX] = {0};
    unsigned slot = 0;
    status_t status = handles_check(from);

    if (status != OK) {
        return status;
    }
    for (unsigned i = 0; own != NULL && i < n; i++) {
        n_own += own_gate(from, i, own) != NULL;
    }
    if (n_own > 1 || n - n_own > to->n_accept) {
        return ERROR_TOO_MANY;
    }
    /* Commit. */
    for (unsigned i = 0; i < n; i++) {
        const struct gate *gate = n_own == 0 ? NULL : own_gate(from, i, own);

        if (gate == NULL) {
            numbers[slot] = handle_pass(from, to, i, &result, slot);
            slot++;
            continue;
        }
        badge = gate->badge;
        result |= 8;
        if (!control_is_copy(control, i)) {
            (void)handle_close(&from->process->handles, control_handle(&from->registers, i));
        }
    }
    to->n_accept -= (uint8_t)slot;
    to->registers.r13 = result | slot;
    to->registers.r14 = numbers[0] | (uint64_t)numbers[1] << 32;
    to->registers.r15 = numbers[2] | (uint64_t)numbers[3] << 32;
    to->registers.rbx = badge;
    return OK;
}

void message_event(struct thread *to, enum message_kind kind, uint64_t badge, uint64_t word) {
    struct registers *target = &to->registers;

    message_accept_drop(to);
    target->rax = kind;
    target->rdi = badge;
    target->rsi = 0;
    target->rdx = word;
    target->r10 = target->r8 = target->r9 = 0;
    target->r12 = target->r13 = target->r14 = target->r15 = target->rbx = 0;
}
