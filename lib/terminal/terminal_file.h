/* SPDX-License-Identifier: MIT */
/* The inside of lib/terminal/terminal.h, shared by terminal.c and terminal_file.c. */
#pragma once

#include "abi/generated/file.h"
#include "lib/native/watch.h"
#include "lib/terminal/terminal.h"

/* An open description. */
struct terminal_file {
    struct list_node node; /* in the terminal's files */
    struct terminal *terminal;
    uint32_t flags; /* FILE_OPEN_READ, WRITE, NONBLOCK */
    struct watch_list watches;
};

enum waiting_kind { WAITING_READ, WAITING_WRITE, WAITING_DRAIN, WAITING_ATTRIBUTES };

/* A saved request. */
struct waiting {
    struct list_node node;
    enum waiting_kind kind;
    const struct terminal_file *file;
    handle_t saved;
    uint64_t cookie;
    uint64_t since_ns;
    uint32_t length; /* read, write: bytes that the client lent */
    uint32_t done;   /* write: of these */
    uint32_t when;   /* attributes: to be set so */
    struct terminal_attributes attributes;
};

/* Saves the request and puts a copy of `wanted` (without saved and cookie) at the list's end.
 * REQUEST_DEFERRED, or why not. */
WARN_UNUSED status_t waiting_add(struct terminal *terminal, struct list *list,
                                 struct request *request, const struct waiting *wanted);

/* Answers with what it has got so far, else with this status. */
void waiting_give_up(struct terminal *terminal, struct waiting *waiting, status_t status);

/* Is all output out, and nobody's turn to wait for that? */
bool terminal_is_drained(const struct terminal *terminal);

/* FILE_EVENT_ bits that hold. */
uint32_t terminal_events(const struct terminal *terminal);

/* Can a read of `size` bytes be answered? */
bool terminal_can_read(const struct terminal *terminal, uint32_t size, bool *may_time);

/* Answers a read (saved, or HANDLE_NONE for the current request) with what there is. */
WARN_UNUSED status_t terminal_read_now(struct terminal *terminal, handle_t saved, uint32_t size,
                                       uint64_t *n);

/* Takes more of a write. WOULD_BLOCK: not all of it; *done says how much until now. */
WARN_UNUSED status_t terminal_write_now(struct terminal *terminal, handle_t saved, uint32_t length,
                                        uint32_t *done);

/* Answers the readers that can be, and tells everybody what changed. */
void terminal_step_readers(struct terminal *terminal);

/* Tells the watches and the device what holds now. */
void terminal_tell(struct terminal *terminal);

void terminal_apply(struct terminal *terminal, uint32_t when,
                    const struct terminal_attributes *attributes);
void terminal_flush_queues(struct terminal *terminal, uint32_t queues);

/* Takes the gate over. */
void terminal_set_owner(struct terminal *terminal, uint32_t number, handle_t session);
