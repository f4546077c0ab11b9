/* SPDX-License-Identifier: MIT */
/*
 * Lent memory: a server copies from or to what its client lent for the time of the call. A step
 * copies at most a page; the client's memory is resolved anew in each, so whatever the client does
 * to it meanwhile is an error of the client only.
 */
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"
#include "lib/base/string.h"

/* The client's address of byte `offset` of the range, and how many bytes follow in the same
 * segment; false: beyond the end. */
static bool lent_find(const struct thread *caller, uint32_t access, uint64_t offset,
                      uint64_t *address, uint64_t *n) {
    for (unsigned i = 0; i < caller->n_segments; i++) {
        const struct lent_segment *segment = &caller->segments[i];

        if (segment->access != access) {
            continue;
        }
        if (offset < segment->length) {
            *address = segment->address + offset;
            *n = segment->length - offset;
            return true;
        }
        offset -= segment->length;
    }
    return false;
}

/* Copies one piece that crosses no page on either side. OK with *n = 0 at the end of what is lent.
 */
static ALWAYS_INLINE status_t copy_piece(struct thread *server, struct thread *caller,
                                         uint32_t access, uint64_t offset, uint64_t buffer,
                                         uint64_t *n) {
    uint64_t lent, n_lent;
    void *ours, *theirs;
    bool reading = access == LENT_READABLE;
    status_t status;

    if (UNLIKELY(!lent_find(caller, access, offset, &lent, &n_lent))) {
        *n = 0;
        return OK;
    }
    *n = MIN(MIN(*n, n_lent), MIN(user_page_rest(lent), user_page_rest(buffer)));
    status =
        user_resolve(server->process->space, buffer, reading ? ACCESS_WRITE : ACCESS_READ, &ours);
    if (UNLIKELY(status != OK)) {
        return status;
    }
    status =
        user_resolve(caller->process->space, lent, reading ? ACCESS_READ : ACCESS_WRITE, &theirs);
    if (UNLIKELY(status != OK)) {
        return ERROR_PEER_FAULT;
    }
    memcpy(reading ? ours : theirs, reading ? theirs : ours, *n);
    return OK;
}

/* (reply or 0, offset, buffer, length, 0) -> bytes copied. The fifth argument counts over restarts.
 */
static ALWAYS_INLINE status_t lent_copy(struct thread *server, uint32_t access) {
    struct registers *registers = &server->registers;
    uint64_t left = PAGE_SIZE;
    status_t status;
    struct thread *caller = reply_caller(server, registers->rdi, &status);

    if (caller == NULL) {
        return status;
    }
    while (registers->r10 > 0) {
        uint64_t n = MIN(registers->r10, left);

        if (n == 0) {
            if (server->attention) {
                break; /* its handler may answer this call and take another */
            }
            return RESULT_RESTART;
        }
        status = copy_piece(server, caller, access, registers->rsi, registers->rdx, &n);
        if (status != OK) {
            return status;
        }
        if (n == 0) {
            break;
        }
        registers->rsi += n;
        registers->rdx += n;
        registers->r10 -= n;
        registers->r8 += n;
        left -= n;
    }
    registers->rdx = registers->r8;
    return OK;
}

status_t sys_lent_read(struct thread *thread) {
    return lent_copy(thread, LENT_READABLE);
}

status_t sys_lent_write(struct thread *thread) {
    return lent_copy(thread, LENT_WRITABLE);
}
