/* SPDX-License-Identifier: MIT */
/*
 * A terminal as servers offer it: protocols file and terminal on top of a line discipline, for the
 * serial line and for each virtual console.
 *
 *     terminal_init(&terminal, server, &device, 1);
 *     server_export(server, 0, &terminal_class, &terminal);     clients open it from there
 *     terminal_received(&terminal, bytes, n);                   the device has input
 *     n = terminal_take(&terminal, bytes, sizeof bytes);        the device wants output
 *
 * Reads and writes that have to wait are saved and answered in the order in which they came; so
 * many that wait are limited per client by the server loop. Nothing here blocks. Signal characters
 * are notifications to the session's gate (proc): upwards, and without waiting.
 */
#pragma once

#include "lib/native/server.h"
#include "lib/terminal/discipline.h"

struct terminal;

/* What the device is told. All may be called from within any function below, and from handlers. */
struct terminal_device {
    /* There is output to be fetched by terminal_take. */
    void (*has_output)(struct terminal *terminal);
    /* terminal_room has grown from nothing. May be NULL. */
    void (*has_room)(struct terminal *terminal);
};

struct terminal {
    struct discipline discipline;
    const struct terminal_device *device;
    struct server *server;
    uint32_t rows, columns;
    uint32_t id;      /* for stat: one number per terminal of a server */
    handle_t session; /* proc's gate for the session whose terminal this is, or HANDLE_NONE */
    uint32_t session_number; /* as its leader says; 0: none */
    struct list files;       /* struct terminal_file: open descriptions */
    struct list readers;     /* struct waiting, oldest first */
    struct list writers;
    struct list drainers;      /* drain, and set_attributes that waits for it */
    struct server_timer timer; /* VTIME of the first reader */
    uint64_t next_cookie;
    bool is_throttled; /* terminal_room was 0 */
    bool is_sending;   /* the device has taken output, and not asked for more since */
    /* Nobody has looked at it yet: poll says that it takes no output, for those who would rather
     * begin when somebody does. Set by the device after terminal_init. */
    bool is_unseen;
};

/* Exported as a root: `open` with the empty path makes a description. */
extern const struct server_class terminal_class;

void terminal_init(struct terminal *terminal, struct server *server,
                   const struct terminal_device *device, uint32_t id);

/* Input, and a break condition, of the device. */
void terminal_received(struct terminal *terminal, const uint8_t *bytes, size_t n);
void terminal_received_break(struct terminal *terminal);

/* Bytes of input that can be taken now; if 0, has_room is called when that changes. */
size_t terminal_room(struct terminal *terminal);

/*
 * Up to n bytes of output; 0: none now, has_output is called when there is. The device asks again
 * when what it took is out, and not before: whoever waits for that (drain) goes on then.
 */
size_t terminal_take(struct terminal *terminal, uint8_t *to, size_t n);

/* Somebody looks at it now. */
void terminal_seen(struct terminal *terminal);

/* The window's size; the session is notified if it is another. */
void terminal_resize(struct terminal *terminal, uint32_t rows, uint32_t columns);
