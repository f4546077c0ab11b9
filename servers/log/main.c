/* SPDX-License-Identifier: MIT */
/*
 * log: takes the lines that programs send, and puts them, with the time, into the kernel's log
 * ring, where the kernel's own and init's lines are too. The ring is the log: it outlives this
 * server. What is read at /log and /dev/log comes from there.
 *
 * A line comes in pieces of one message each (protocol log), possibly mixed with those of others,
 * so pieces are collected per sender. Everything is lossy and bounded: the oldest unfinished line
 * gives way.
 */
#include <stdlib.h>

#include "abi/generated/log.h"
#include "abi/tag.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/log/echo.h"
#include "servers/log/reader.h"

enum { SENDERS_MAX = 16 };

/* A line that is coming in. Free iff length and sender are 0. */
struct sender {
    uint64_t sender; /* tag and process number, + 1 */
    uint64_t used_ns;
    size_t length;
    char text[LOG_LINE_BYTES];
};

static struct sender senders[SENDERS_MAX];
static handle_t system_handle;

/* The unfinished line of this sender, or the one that was longest without a piece. */
static struct sender *sender_find(uint64_t number) {
    struct sender *oldest = &senders[0];

    for (size_t i = 0; i < SENDERS_MAX; i++) {
        if (senders[i].sender == number) {
            return &senders[i];
        }
        if (senders[i].used_ns < oldest->used_ns) {
            oldest = &senders[i];
        }
    }
    *oldest = (struct sender){.sender = number};
    return oldest;
}

/* Text of others, so it is cleaned: a line stays one line, and no terminal is told what to do. */
static void line_clean(char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if ((uint8_t)text[i] < ' ' || (uint8_t)text[i] == 0x7f) {
            text[i] = '?';
        }
    }
}

static void line_write(enum log_level level, char *text, size_t length, uint32_t pid) {
    static const char *const marks[] = {"", "error: ", "warning: ", "", ""};
    uint64_t now = time_now_ns();
    char line[256];
    char who[16] = "";

    line_clean(text, length);
    if (pid != 0) {
        size_t n = format_buffer(who, sizeof who, "[%u] ", pid);
        (void)n; /* fits: a number of at most 10 digits */
    }
    size_t n = format_buffer(line, sizeof line - 1, "%5llu.%03llu %s%s%.*s",
                             (unsigned long long)(now / NS_PER_S),
                             (unsigned long long)(now / NS_PER_MS % 1000), who,
                             marks[MIN((size_t)level, ARRAY_SIZE(marks) - 1)], (int)length, text);
    n = MIN(n, sizeof line - 2);
    line[n++] = '\n';
    status_t status =
        sys_system_control(system_handle, SYSTEM_LOG_WRITE, (uint64_t)(uintptr_t)line, n, 0, NULL);
    (void)status; /* there is nobody left to tell */
    if (level == LOG_REPORT) {
        echo_report(line, n);
    }
}

static status_t on_piece(void *context, struct request *request, uint64_t a, uint64_t b, uint64_t c,
                         uint64_t d) {
    union {
        uint64_t words[MESSAGE_WORDS];
        uint8_t bytes[MESSAGE_WORDS * sizeof(uint64_t)];
    } piece = {.words = {a, b, c, d}};
    uint32_t flags = piece.bytes[0];
    uint64_t number = ((uint64_t)request->tag << 16 | piece.bytes[2] << 8 | piece.bytes[1]) + 1;
    struct sender *sender = sender_find(number);
    const char *text = (const char *)&piece.bytes[3];
    size_t n = strnlen(text, LOG_PIECE_BYTES);

    (void)context;
    if ((flags & LOG_PIECE_FIRST) != 0) {
        sender->length = 0;
    }
    n = MIN(n, sizeof sender->text - sender->length);
    memcpy(sender->text + sender->length, text, n);
    sender->length += n;
    sender->used_ns = time_now_ns();
    if ((flags & LOG_PIECE_LAST) != 0) {
        line_write((enum log_level)(flags & LOG_PIECE_LEVEL), sender->text, sender->length,
                   tag_pid(request->tag));
        *sender = (struct sender){.sender = 0};
    }
    return OK;
}

static const struct log_handlers log_handlers = {.piece = on_piece};

/* The ring grew: somebody waits for it, perhaps, and the serial line shows it. */
static void on_grown(struct server *server, void *object, uint64_t bits) {
    (void)server, (void)object, (void)bits;
    reader_ring_grew();
    echo_ring_grew();
}

static const struct server_class grown_class = {.notified = on_grown};

static void on_control(struct server *server, uint64_t bits) {
    (void)server;
    if ((bits & SERVER_CONTROL_QUIET) != 0) {
        echo_stop();
    }
}

/* Maps the ring, and has the kernel tell us when it grows. */
static status_t ring_open(struct server *server, const struct kernel_log **ring) {
    uint64_t memory, n_pages, address = 0;
    handle_t gate;
    status_t status = sys_system_control(system_handle, SYSTEM_LOG_MEMORY, 0, 0, 0, &memory);

    if (status == OK) {
        status = sys_memory_control((handle_t)memory, MEMORY_SIZE, 0, &n_pages);
    }
    if (status == OK) {
        status =
            sys_map(HANDLE_NONE, (handle_t)memory, 0, n_pages * PAGE_SIZE, 0, MAP_READ, &address);
    }
    if (status == OK) {
        status = server_notification_gate(server, &grown_class, NULL, &gate);
    }
    if (status == OK) {
        status = sys_system_control(system_handle, SYSTEM_BIND_LOG, gate, 1, 0, NULL);
    }
    *ring = (const struct kernel_log *)address;
    return status;
}

int main(void) {
    static const struct server_protocol protocols[] = {
        LOG_SERVE(log_handlers), READER_PROTOCOLS, {0, NULL, NULL}};
    static const struct server_class class = {.protocols = protocols};
    struct server *server =
        server_start(&(struct server_options){.name = "log", .control = on_control});
    const struct kernel_log *ring;

    system_handle = startup_handle(STARTUP_SYSTEM, NULL);
    status_t status = ring_open(server, &ring);
    if (status != OK) {
        return 1; /* init reports it */
    }
    reader_start(ring);
    echo_start(server, ring, system_handle);
    server_export(server, 0, &class, &reader_to_end);
    server_export(server, 1, &class, &reader_follow);
    server_run(server);
}
