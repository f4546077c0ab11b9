/* SPDX-License-Identifier: MIT */
#include "lib/native/log.h"

#include <errno.h>
#include <string.h>

#include "abi/generated/log.h"
#include "lib/base/bytes.h"
#include "lib/base/format.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"

/* How long a line waits for the log to be done with the one before, which another processor may
 * still be at, or which a program more important than the log keeps from being written. */
#define PATIENCE_NS (20 * NS_PER_MS)

extern char *program_invocation_short_name; /* of musl: the last component of argv[0] */

/* OK if the log took it. One that was not there in time is not waited for again until it is. */
static status_t piece_send(handle_t gate, const uint64_t *words) {
    static bool was_late;
    uint64_t deadline = was_late ? 0 : time_deadline(PATIENCE_NS);
    status_t status;

    do {
        status = log_piece(gate, words[0], words[1], words[2], words[3], deadline);
    } while (status == ERROR_INTERRUPTED);
    was_late = status == ERROR_TIMEOUT;
    return status;
}

static void log_send(handle_t gate, enum log_level level, const char *line, size_t length) {
    const struct process_page *process_page = (const struct process_page *)PROCESS_PAGE_ADDRESS;
    size_t done = 0;
    uint32_t flags = LOG_PIECE_FIRST;

    do {
        union {
            uint8_t bytes[MESSAGE_WORDS * sizeof(uint64_t)];
            uint64_t words[MESSAGE_WORDS];
        } piece = {.words = {0}};
        size_t n = MIN(length - done, (size_t)LOG_PIECE_BYTES);

        memcpy(&piece.bytes[3], line + done, n);
        bytes_put_le16(&piece.bytes[1], (uint16_t)process_page->id);
        done += n;
        flags |= done == length ? LOG_PIECE_LAST : 0;
        piece.bytes[0] = (uint8_t)(flags | level);
        flags = 0;
        if (piece_send(gate, piece.words) != OK) {
            return; /* lost, and with it the rest of the line */
        }
    } while (done < length);
}

static void log_line(enum log_level level, char *line, size_t length) {
    handle_t gate = startup_handle(STARTUP_GATE, "log");
    handle_t system = startup_handle(STARTUP_SYSTEM, NULL);

    for (size_t i = 0; i < length; i++) {
        if ((uint8_t)line[i] < ' ' || line[i] == 0x7f) {
            line[i] = line[i] == '\t' ? ' ' : '?';
        }
    }
    if (gate != HANDLE_NONE) {
        log_send(gate, level, line, length);
    } else if (system != HANDLE_NONE) {
        line[length] = '\n';
        status_t status = sys_system_control(system, SYSTEM_LOG_WRITE, (uint64_t)(uintptr_t)line,
                                             length + 1, 0, NULL);
        (void)status; /* lossy, as all logging */
    }
}

void log_write_v(enum log_level level, const char *format, va_list args) {
    char line[LOG_LINE_BYTES + 1];
    size_t length = format_buffer(line, LOG_LINE_BYTES, "%s: ", program_invocation_short_name);

    length = MIN(length, (size_t)LOG_LINE_BYTES - 1);
    length += format_buffer_v(line + length, LOG_LINE_BYTES - length, format, args);
    log_line(level, line, MIN(length, (size_t)LOG_LINE_BYTES - 1));
}

void log_write(enum log_level level, const char *format, ...) {
    va_list args;

    va_start(args, format);
    log_write_v(level, format, args);
    va_end(args);
}

void log_text(enum log_level level, const char *text, size_t length) {
    static char line[LOG_LINE_BYTES + 1];
    static size_t n;

    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\n') {
            line[n++] = text[i];
        }
        if (text[i] == '\n' || n == LOG_LINE_BYTES - 1) {
            line[n] = '\0';
            log_write(level, "%s", line);
            n = 0;
        }
    }
}
