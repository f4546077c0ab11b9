/* SPDX-License-Identifier: MIT */
#include "servers/console/keys.h"

#include <stdlib.h>

#include "abi/generated/file.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/namespace.h"
#include "lib/native/server_state.h"
#include "lib/native/startup.h"
#include "lib/native/time.h"
#include "servers/console/follow.h"

enum { LAYOUT_NAME_BYTES = 32, LAMP_PATIENCE_MS = 20 };

#define KEYBOARD_SET_LAMPS 0xed

static struct follower source;
static struct keyboard keyboard;
static struct keymap keymaps[2]; /* the one in use, and the one that is being read */
static unsigned current;
static char layout_name[LAYOUT_NAME_BYTES] = "us";
static unsigned shown_locks;
static void (*handle_event)(const struct keyboard *keyboard, const struct keyboard_event *event);

/* ---- keys ---- */

/* Shows the locks on the keyboard's lamps. The driver takes the bytes at once or has gone. */
static void show_locks(void) {
    const uint8_t bytes[] = {KEYBOARD_SET_LAMPS, (uint8_t)keyboard.locks};
    uint64_t n;

    if (keyboard.locks == shown_locks || source.file == HANDLE_NONE) {
        return;
    }
    shown_locks = keyboard.locks;
    status_t status = file_write(source.file, FILE_OFFSET_CURRENT, bytes, sizeof bytes, &n,
                                 time_deadline(LAMP_PATIENCE_MS * NS_PER_MS));
    (void)status; /* lamps are not worth more */
}

static void on_bytes(const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct keyboard_event event;

        if (keyboard_feed(&keyboard, (uint8_t)bytes[i], &event)) {
            handle_event(&keyboard, &event);
        }
    }
    show_locks();
}

static void on_opened(void) {
    keyboard_reset(&keyboard); /* a release may be lost */
    shown_locks = 0;
}

static status_t keyboard_open(handle_t *file, uint64_t deadline) {
    handle_t root = startup_handle(STARTUP_GATE, "ps2");
    uint32_t kind, matched, length;
    char target[1];

    return root == HANDLE_NONE
               ? ERROR_NO_SERVICE
               : file_open(root, FILE_OPEN_READ | FILE_OPEN_WRITE | FILE_OPEN_NONBLOCK, 0, "", 0,
                           target, sizeof target, &kind, &matched, &length, file, deadline);
}

void keys_start(struct server *server, void (*handle)(const struct keyboard *keyboard,
                                                      const struct keyboard_event *event)) {
    handle_event = handle;
    keymap_init_us(&keymaps[current]);
    keyboard_init(&keyboard, &keymaps[current]);
    follower_start(&source, server, keyboard_open, on_opened, on_bytes);
}

/* ---- the layout ---- */

/* Reads a whole file of up to `size` bytes. */
static status_t read_whole(const char *path, char *text, size_t size, size_t *length) {
    handle_t file;
    uint64_t n = 0;
    status_t status = namespace_open(path, FILE_OPEN_READ, 0, &file, NULL);

    *length = 0;
    if (status != OK) {
        return status;
    }
    do {
        status = file_read(file, *length, text + *length, (uint32_t)(size - *length), &n,
                           DEADLINE_NEVER);
        *length += status == OK ? MIN(n, size - *length) : 0;
    } while (status == OK && n > 0 && *length < size);
    server_handle_close(file);
    return status;
}

static bool is_layout_name(const char *name) {
    for (const char *at = name; *at != '\0'; at++) {
        if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-')) {
            return false;
        }
    }
    return *name != '\0' && strlen(name) < LAYOUT_NAME_BYTES;
}

status_t keys_set_layout(const char *name) {
    static char text[KEYMAP_TEXT_MAX];
    char path[64];
    size_t length;
    struct keymap_error error;
    unsigned next = 1 - current;

    if (!is_layout_name(name)) {
        return ERROR_BAD_ARGUMENT;
    }
    format_buffer(path, sizeof path, "/etc/keymaps/%s.map", name);
    status_t status = read_whole(path, text, sizeof text, &length);
    if (status != OK) {
        return status;
    }
    if (!keymap_parse(text, length, &keymaps[next], &error)) {
        log_write(LOG_ERROR, "%s:%u: %s", path, error.line, error.what);
        return ERROR_BAD_FORMAT;
    }
    current = next;
    keyboard.keymap = &keymaps[current];
    bool fits = string_copy(layout_name, sizeof layout_name, name);
    (void)fits; /* is_layout_name has looked */
    return OK;
}

/* Cuts the text to its first word. */
static void first_word(char *text, size_t length) {
    size_t end = 0;

    while (end < length && (uint8_t)text[end] > ' ') {
        end++;
    }
    text[end] = '\0';
}

void keys_set_usual_layout(void) {
    char name[LAYOUT_NAME_BYTES + 1];
    size_t length;
    status_t status = read_whole("/etc/keymap", name, sizeof name - 1, &length);

    if (status == OK) {
        first_word(name, length);
        status = keys_set_layout(name);
        if (status != OK) {
            log_write(LOG_WARNING, "keymap %s of /etc/keymap: %s", name, status_text(status));
        }
    }
}

/* ---- /dev/keymap ---- */

/* An open description. */
struct name_file {
    bool was_read; /* the name was given: what follows is the end */
};

static status_t on_read(void *context, struct request *request, uint64_t offset, uint32_t length,
                        uint64_t *n) {
    struct name_file *file = context;
    char line[LAYOUT_NAME_BYTES + 1];
    size_t size = format_buffer(line, sizeof line, "%s\n", layout_name);

    if (offset != FILE_OFFSET_CURRENT) {
        return ERROR_NOT_SEEKABLE;
    }
    *n = file->was_read ? 0 : MIN((size_t)length, size);
    file->was_read = true;
    return request_write(request, 0, line, *n);
}

static status_t on_write(void *context, struct request *request, uint64_t offset, uint32_t length,
                         uint64_t *n) {
    char name[LAYOUT_NAME_BYTES + 1];
    size_t size = MIN((size_t)length, sizeof name - 1);

    (void)context, (void)offset;
    status_t status = request_read(request, 0, name, size);
    if (status == OK) {
        first_word(name, size);
        status = keys_set_layout(name);
    }
    *n = length;
    return status;
}

static status_t write_stat(struct request *request, uint32_t path_length, uint32_t stat_length) {
    const struct file_stat stat = {.device = DEVICE_NUMBER_KEYBOARD,
                                   .id = 1,
                                   .mode = FILE_MODE_CHARACTER | 0644,
                                   .n_links = 1,
                                   .block_bytes = 64};

    return path_length != 0
               ? ERROR_NOT_DIRECTORY
               : request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    (void)context, (void)flags, (void)matched, (void)length, (void)next;
    return write_stat(request, path_length, stat_length);
}

static void on_closed(struct server *server, void *object) {
    (void)server;
    free(object);
}

static const struct file_handlers file_handlers = {
    .read = on_read, .write = on_write, .stat = on_stat};
static const struct server_protocol file_protocols[] = {FILE_SERVE(file_handlers), {0, NULL, NULL}};
static const struct server_class file_class = {.protocols = file_protocols, .closed = on_closed};

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *gate) {
    (void)context, (void)mode, (void)target_length, (void)matched, (void)length;
    if (path_length != 0 || (flags & FILE_OPEN_DIRECTORY) != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    struct name_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return ERROR_NO_MEMORY;
    }
    *kind = FILE_MODE_CHARACTER;
    status_t status = server_object_create(request->server, request->tag, &file_class, file, gate);
    if (status != OK) {
        free(file);
    }
    return status;
}

static const struct file_handlers root_handlers = {.open = on_open, .stat = on_stat};
static const struct server_protocol root_protocols[] = {FILE_SERVE(root_handlers), {0, NULL, NULL}};
static const struct server_class root_class = {.protocols = root_protocols};

void keys_export(struct server *server, unsigned root) {
    server_export(server, root, &root_class, NULL);
}
