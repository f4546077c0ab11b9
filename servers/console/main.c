/* SPDX-License-Identifier: MIT */
/*
 * console: the virtual consoles of the text screen. F1 shows the system log, F2 to F5 are
 * terminals; keys go to the one that is shown.
 *
 * Until somebody presses a key or a program writes to F2, F1 is shown: the boot. The terminals on
 * F3 to F5 say that they take no output before they were first shown, so that nobody starts a shell
 * there for nothing.
 */
#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/namespace.h"
#include "lib/native/server.h"
#include "lib/native/time.h"
#include "lib/terminal/terminal.h"
#include "servers/console/follow.h"
#include "servers/console/keys.h"
#include "servers/console/view.h"

enum {
    LOG = 0, /* its view */
    FIRST_SHELL = 1,
    N_CONSOLES = 5,
    ROOT_KEYMAP = 0,
    ROOT_FIRST_TERMINAL = 2, /* /dev/tty2 */
    OUTPUT_BYTES = 1024,
    OUTPUT_ROUNDS = 8, /* at once; then keys and others are heard */
    ANSWER_BYTES = 256,
    PAGE_ROWS = SCREEN_ROWS - 1,
    SAVED_PER_TAG = 512,
};

/* A view, and the terminal behind it unless it is the log. */
struct console {
    struct view view;
    struct terminal terminal;
    char answer[ANSWER_BYTES]; /* of the emulator, to be taken as input */
    size_t n_answer;
    bool is_drawing; /* output is being fetched: what comes meanwhile is fetched too */
    bool is_waiting; /* output is there, and we rest */
};

static struct console consoles[N_CONSOLES];
static uint64_t rests_until;
static struct server_timer rest;
static unsigned shown;
static bool was_chosen; /* somebody pressed F1 to F5 */
static struct follower log_follower;
static struct server *server;

static void console_show(unsigned number) {
    if (number != shown) {
        view_hide(&consoles[shown].view);
        shown = number;
        view_show(&consoles[number].view);
    }
    if (number != LOG) {
        terminal_seen(&consoles[number].terminal);
    }
}

/* ---- output ---- */

static void console_draw(struct console *console);

/* The rest is over. Those that wait have turns, one each time. */
static void on_rested(struct server *loop, struct server_timer *timer) {
    static unsigned last;

    (void)loop, (void)timer;
    for (unsigned i = 1; i <= N_CONSOLES; i++) {
        struct console *console = &consoles[(last + i) % N_CONSOLES];

        if (console->is_waiting) {
            last = (last + i) % N_CONSOLES;
            console_draw(console);
            return;
        }
    }
}

/* Arms the timer if one waits. */
static void rest_if_needed(void) {
    for (unsigned i = 0; i < N_CONSOLES; i++) {
        if (consoles[i].is_waiting) {
            server_timer_arm(server, &rest, rests_until, on_rested);
            return;
        }
    }
}

static void on_answer(void *context, const char *bytes, size_t n) {
    struct console *console = context;

    n = MIN(n, sizeof console->answer - console->n_answer);
    memcpy(console->answer + console->n_answer, bytes, n);
    console->n_answer += n;
}

/*
 * Moves the terminal's output into the view; then all consoles rest as long as that took. Drawing
 * is work for programs, done at a level above theirs: those that flood their consoles would leave
 * the others nothing. Resting, we let the queues fill, and they wait.
 */
static void console_draw(struct console *console) {
    uint8_t bytes[OUTPUT_BYTES];
    unsigned rounds = 0;
    size_t n;
    uint64_t begin = time_now_ns();

    if (console->is_drawing) {
        return;
    }
    if (begin < rests_until) {
        console->is_waiting = true;
        server_timer_arm(server, &rest, rests_until, on_rested);
        return;
    }
    console->is_waiting = false;
    console->is_drawing = true;
    while (rounds++ < OUTPUT_ROUNDS &&
           (n = terminal_take(&console->terminal, bytes, sizeof bytes)) > 0) {
        view_write(&console->view, (const char *)bytes, n);
        if (console->n_answer > 0) {
            size_t n_answer = console->n_answer;

            console->n_answer = 0; /* its echo may ask again */
            terminal_received(&console->terminal, (const uint8_t *)console->answer, n_answer);
        }
    }
    console->is_drawing = false;
    uint64_t end = time_now_ns();

    rests_until = end + (end - begin);
    console->is_waiting = rounds > OUTPUT_ROUNDS;
    rest_if_needed();
}

static void on_has_output(struct terminal *terminal) {
    struct console *console = CONTAINER_OF(terminal, struct console, terminal);

    if (!was_chosen && shown == LOG && console == &consoles[FIRST_SHELL]) {
        console_show(FIRST_SHELL);
    }
    console_draw(console);
}

/* ---- the log ---- */

static status_t log_open(handle_t *file, uint64_t deadline) {
    const char *rest;
    handle_t gate;
    uint32_t kind, matched, length;
    char target[1];
    status_t status = namespace_resolve("/dev/log", &gate, &rest);

    return status != OK ? status
                        : file_open(gate, FILE_OPEN_READ | FILE_OPEN_NONBLOCK, 0, "", 0, target,
                                    sizeof target, &kind, &matched, &length, file, deadline);
}

/* The log begins anew with the file: so does its view. */
static void on_log_opened(void) {
    static const char clear[] = "\x1b[H\x1b[2J";

    view_write(&consoles[LOG].view, clear, sizeof clear - 1);
}

static void on_log(const char *bytes, size_t n) {
    size_t begin = 0;

    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            view_write(&consoles[LOG].view, bytes + begin, i - begin);
            view_write(&consoles[LOG].view, "\r\n", 2);
            begin = i + 1;
        }
    }
    view_write(&consoles[LOG].view, bytes + begin, n - begin);
}

/* ---- keys ---- */

/* Keys that scroll: all of them on the log, with Shift on the others. */
static bool key_scrolls(const struct keyboard_event *event) {
    if (shown != LOG && (event->modifiers & MODIFIER_SHIFT) == 0) {
        return false;
    }
    switch (event->key) {
    case KEY_PAGE_UP:
        view_scroll(&consoles[shown].view, PAGE_ROWS);
        return true;
    case KEY_PAGE_DOWN:
        view_scroll(&consoles[shown].view, -PAGE_ROWS);
        return true;
    case KEY_UP:
        view_scroll(&consoles[shown].view, shown == LOG ? 1 : 0);
        return shown == LOG;
    case KEY_DOWN:
        view_scroll(&consoles[shown].view, shown == LOG ? -1 : 0);
        return shown == LOG;
    case KEY_HOME:
        view_scroll(&consoles[shown].view, shown == LOG ? VIEW_HISTORY_ROWS : 0);
        return shown == LOG;
    case KEY_END:
        view_scroll(&consoles[shown].view, shown == LOG ? -VIEW_HISTORY_ROWS : 0);
        return shown == LOG;
    default:
        return false;
    }
}

/* Cursor keys: what they send depends on a mode that the emulator keeps (DECCKM). */
static bool key_is_cursor(struct console *console, const struct keyboard_event *event) {
    static const struct {
        uint8_t key;
        VTermKey emulated;
    } keys[] = {{KEY_UP, VTERM_KEY_UP},     {KEY_DOWN, VTERM_KEY_DOWN},
                {KEY_LEFT, VTERM_KEY_LEFT}, {KEY_RIGHT, VTERM_KEY_RIGHT},
                {KEY_HOME, VTERM_KEY_HOME}, {KEY_END, VTERM_KEY_END}};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].key == event->key && event->modifiers == 0) {
            vterm_keyboard_key(console->view.vterm, keys[i].emulated, VTERM_MOD_NONE);
            return true;
        }
    }
    return false;
}

static void on_key(const struct keyboard *keyboard, const struct keyboard_event *event) {
    char bytes[KEYBOARD_BYTES_MAX];
    struct console *console = &consoles[shown];
    unsigned other = event->modifiers & ~(unsigned)MODIFIER_ALT;

    if (event->action == KEY_RELEASED) {
        return;
    }
    if (event->key >= KEY_F1 && event->key < KEY_F1 + N_CONSOLES && other == 0) {
        was_chosen = true;
        console_show(event->key - KEY_F1);
        return;
    }
    if (key_scrolls(event) || shown == LOG) {
        return;
    }
    size_t n = 0;
    if (key_is_cursor(console, event)) {
        n = console->n_answer;
        console->n_answer = 0;
        memcpy(bytes, console->answer, MIN(n, sizeof bytes));
        n = MIN(n, sizeof bytes);
    } else {
        n = keyboard_bytes(keyboard, event, bytes);
    }
    if (n > 0) {
        view_scroll(&console->view, -VIEW_HISTORY_ROWS); /* who types wants to see it */
        terminal_received(&console->terminal, (const uint8_t *)bytes, n);
    }
}

/* ---- start ---- */

static status_t consoles_start(void) {
    static const struct terminal_device device = {.has_output = on_has_output};

    for (unsigned i = 0; i < N_CONSOLES; i++) {
        struct console *console = &consoles[i];
        status_t status = view_init(&console->view, i == LOG ? NULL : on_answer, console);

        if (status != OK) {
            return status;
        }
        if (i == LOG) {
            continue;
        }
        terminal_init(&console->terminal, server, &device, i + 1);
        terminal_resize(&console->terminal, SCREEN_ROWS, SCREEN_COLUMNS);
        console->terminal.is_unseen = i != FIRST_SHELL;
        server_export(server, ROOT_FIRST_TERMINAL + i - FIRST_SHELL, &terminal_class,
                      &console->terminal);
    }
    view_show(&consoles[LOG].view);
    return OK;
}

int main(int argc, char **argv) {
    server =
        server_start(&(struct server_options){.name = "console", .saved_per_tag = SAVED_PER_TAG});
    if (!screen_open()) {
        log_write(LOG_INFO, "no text screen");
        return 0;
    }
    status_t status = consoles_start();
    if (status != OK) {
        log_write(LOG_ERROR, "%s", status_text(status));
        return 1;
    }
    keys_start(server, on_key);
    keys_set_usual_layout();
    if (argc > 1 && (status = keys_set_layout(argv[1])) != OK) {
        log_write(LOG_WARNING, "keymap=%s: %s", argv[1], status_text(status));
    }
    keys_export(server, ROOT_KEYMAP);
    follower_start(&log_follower, server, log_open, on_log_opened, on_log);
    server_run(server);
}
