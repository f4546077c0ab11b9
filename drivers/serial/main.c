/* SPDX-License-Identifier: MIT */
/*
 * serial: moves bytes between the UART and its terminal, when the UART's interrupt says so.
 *
 * Invariant: `is_sending` iff bytes were given to the UART and its "sent" interrupt has not been
 * seen yet; then the watchdog is armed. The receive interrupt is off iff the terminal has no room.
 * `is_behind` iff the UART still asks at the end of a turn, as one does that an emulator makes:
 * then the watchdog gives us the next turn, after a rest in which less important programs run: an
 * emulator may take milliseconds for a turn. Not the interrupt, which goes ahead of all clients and
 * so would keep them out: it is not acknowledged (`is_masked`) until the UART asks for nothing.
 */
#include "drivers/serial/uart.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/server.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/terminal/terminal.h"

enum {
    COM1 = 0x3f8,
    SAVED_PER_TAG = 512,
    RECEIVE_BYTES = 64, /* handed to the terminal at once */
    ROUNDS_MAX = 32,    /* of one turn, so that clients are heard in between */
    REST_US = 1000,     /* after such a turn: 512 bytes; real ones need 44 ms for these */
    WATCHDOG_MS = 100,  /* 16 bytes take 1.4 ms */
    REPORT_PERIOD_MS = 1000,
    ROWS = 24, /* what a terminal at the other end has if nobody says otherwise (stty) */
    COLUMNS = 80,
};

static struct uart uart;
static struct terminal terminal;
static handle_t irq;
static struct server *server;
static bool is_sending;
static bool is_behind, is_masked;
static struct server_timer watchdog;
static struct server_timer report_timer;
static uint64_t reported_overruns, reported_line_errors;

static void service(void);

/* ---- losses, once a second at most ---- */

static void on_report(struct server *loop, struct server_timer *timer) {
    (void)loop, (void)timer;
    log_write(LOG_WARNING, "%llu overruns, %llu bytes with wrong parity or framing",
              (unsigned long long)uart.n_overruns, (unsigned long long)uart.n_line_errors);
    reported_overruns = uart.n_overruns;
    reported_line_errors = uart.n_line_errors;
}

static void report_losses(void) {
    if ((uart.n_overruns != reported_overruns || uart.n_line_errors != reported_line_errors) &&
        !list_is_linked(&report_timer.node)) {
        server_timer_arm(server, &report_timer, time_deadline(REPORT_PERIOD_MS * NS_PER_MS),
                         on_report);
    }
}

/* ---- output ---- */

static void on_watchdog(struct server *loop, struct server_timer *timer) {
    (void)loop, (void)timer;
    service(); /* the interrupt was lost, or the line is held up: then we come again */
}

static void await_interrupt(void) {
    is_sending = true;
    server_timer_arm(server, &watchdog, time_deadline(WATCHDOG_MS * NS_PER_MS), on_watchdog);
}

/* Fills the UART, if it is empty. If not, that is what an earlier run or the kernel sent, or we. */
static void send(void) {
    uint8_t bytes[16];
    uint32_t room = uart_room(&uart);

    if (room == 0) {
        await_interrupt();
        return;
    }
    size_t n = terminal_take(&terminal, bytes, MIN((size_t)room, sizeof bytes));
    for (size_t i = 0; i < n; i++) {
        uart_send(&uart, bytes[i]);
    }
    if (n > 0) {
        await_interrupt();
    } else if (is_sending) {
        is_sending = false;
        server_timer_stop(&watchdog);
    }
}

static void on_has_output(struct terminal *from) {
    (void)from;
    if (!is_sending) {
        send();
    }
}

/* ---- input ---- */

static void on_has_room(struct terminal *from) {
    (void)from;
    uart_set_receiving(&uart, true);
}

static void receive(void) {
    uint8_t bytes[RECEIVE_BYTES];
    enum uart_received received = UART_NOTHING;
    size_t room = MIN(terminal_room(&terminal), sizeof bytes);
    size_t n = 0;

    while (n < room && (received = uart_receive(&uart, &bytes[n])) == UART_BYTE) {
        n++;
    }
    if (room == 0) {
        uart_set_receiving(&uart, false); /* until on_has_room */
    }
    if (n > 0) {
        terminal_received(&terminal, bytes, n);
    }
    if (received == UART_BREAK) {
        terminal_received_break(&terminal);
    }
}

/* ---- the interrupt ---- */

static void irq_acknowledge(void) {
    status_t status = sys_irq_control(irq, IRQ_ACKNOWLEDGE, HANDLE_NONE, 0);
    (void)status; /* the irq is ours and bound */
    is_masked = false;
}

/* Does what the UART asks for, until it asks for nothing or the turn is over. */
static void service(void) {
    is_behind = false;
    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        bool is_pending = uart_is_pending(&uart);

        receive();
        send();
        if (!is_pending && !is_masked) {
            report_losses();
            return;
        }
        if (!is_pending) {
            irq_acknowledge(); /* edges are kept from now on; another round sees the others */
        }
    }
    /* It still asks, and its line will not rise again: we have to come back by ourselves. */
    is_sending = is_behind = true;
    server_timer_arm(server, &watchdog, time_deadline(REST_US * NS_PER_US), on_watchdog);
}

static void on_irq(struct server *loop, void *object, uint64_t bits) {
    (void)loop, (void)object, (void)bits;
    is_masked = true;
    if (!is_behind) {
        irq_acknowledge(); /* first: an edge that comes while we work is then kept for us */
        service();
    }
}

static const struct server_class irq_class = {.notified = on_irq};

static status_t irq_start(void) {
    handle_t gate;
    status_t status = server_notification_gate(server, &irq_class, NULL, &gate);

    irq = startup_handle(STARTUP_IRQ, NULL);
    return status != OK ? status : sys_irq_control(irq, IRQ_BIND, gate, 1);
}

int main(void) {
    static const struct terminal_device device = {.has_output = on_has_output,
                                                  .has_room = on_has_room};

    server =
        server_start(&(struct server_options){.name = "serial", .saved_per_tag = SAVED_PER_TAG});
    if (!uart_init(&uart, startup_handle(STARTUP_IOPORTS, NULL), COM1)) {
        log_write(LOG_INFO, "no port at 0x%x", COM1);
        return 0; /* nothing to drive: no failure */
    }
    terminal_init(&terminal, server, &device, 1);
    terminal_resize(&terminal, ROWS, COLUMNS);
    status_t status = irq_start();
    if (status != OK) {
        log_write(LOG_ERROR, "no interrupt: %s", status_text(status));
        return 1;
    }
    server_export(server, 0, &terminal_class, &terminal);
    service();
    server_run(server);
}
