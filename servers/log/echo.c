/* SPDX-License-Identifier: MIT */
#include "servers/log/echo.h"

#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/native/server_state.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/log/reader.h"

enum {
    OPEN_PERIOD_MS = 50,  /* between two tries to reach the serial driver */
    OPEN_PATIENCE_MS = 2, /* of one try: everybody's lines wait meanwhile */
    OPEN_TRIES = 100,
    WRITE_PATIENCE_MS = 200, /* a line that hangs longer is given up */
};

static const struct kernel_log *the_ring;
static handle_t the_system;
static handle_t serial; /* open file, or HANDLE_NONE */
static bool is_stopped;
static uint64_t position; /* of the next byte to show */
static unsigned n_tries;
static struct server_timer timer;

static void serial_write(const char *text, size_t length) {
    size_t done = 0;

    while (done < length && serial != HANDLE_NONE) {
        uint64_t n = 0;
        status_t status =
            file_write(serial, FILE_OFFSET_CURRENT, text + done, (uint32_t)(length - done), &n,
                       time_deadline(WRITE_PATIENCE_MS * NS_PER_MS));

        if (status != OK || n == 0) {
            server_handle_close(serial); /* STALE after a restart of the driver, or it hangs: reach
                                            it anew, later */
            serial = HANDLE_NONE;
            return;
        }
        done += n;
    }
}

/* Shows all that is new. */
static void echo_flush(void) {
    char buffer[1024];
    size_t n;

    while (serial != HANDLE_NONE &&
           (n = ring_read(the_ring, &position, buffer, sizeof buffer)) > 0) {
        serial_write(buffer, n);
    }
}

/* Opens the serial line. False if its driver is not there (yet). */
static bool serial_open(void) {
    handle_t gate = startup_handle(STARTUP_GATE, "serial");
    uint32_t kind, matched, length;
    char target[1];

    if (gate == HANDLE_NONE) {
        return false;
    }
    status_t status = file_open(gate, FILE_OPEN_WRITE, 0, "", 0, target, 0, &kind, &matched,
                                &length, &serial, time_deadline(OPEN_PATIENCE_MS * NS_PER_MS));
    if (status != OK) {
        serial = HANDLE_NONE;
    }
    return status == OK;
}

static void on_timer(struct server *server, struct server_timer *fired) {
    uint64_t head;

    if (serial_open()) {
        /* From now on the kernel does not write there. It answers how far it came; if the driver
         * has told it before, nothing that came since was shown, but that is one line or none. */
        position = the_ring->head;
        if (server_incarnation(server) == 1 &&
            sys_system_control(the_system, SYSTEM_CLAIM_SERIAL, 0, 0, 0, &head) == OK &&
            head != 0) {
            position = head;
        }
        echo_flush();
    } else if (n_tries++ < OPEN_TRIES) {
        server_timer_arm(server, fired, time_deadline(OPEN_PERIOD_MS * NS_PER_MS), on_timer);
    }
}

void echo_start(struct server *server, const struct kernel_log *ring, handle_t system) {
    the_ring = ring;
    the_system = system;
    is_stopped = false;
    server_timer_arm(server, &timer, 0, on_timer);
}

void echo_ring_grew(void) {
    if (!is_stopped) {
        echo_flush();
    }
}

void echo_stop(void) {
    echo_flush();
    is_stopped = true;
}

void echo_report(const char *line, size_t length) {
    if (is_stopped && (serial != HANDLE_NONE || serial_open())) {
        serial_write(line, length);
    }
}
