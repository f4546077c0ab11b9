/* SPDX-License-Identifier: MIT */
/* The keyboard: opens the driver, and opens it anew when it was restarted; layout, lamps. */
#pragma once

#include "lib/keymap/keyboard.h"
#include "lib/native/server.h"

/* `handle` is called for each key event, from the server loop. */
void keys_start(struct server *server, void (*handle)(const struct keyboard *keyboard,
                                                      const struct keyboard_event *event));

/* Exports /dev/keymap as this root: read gives the layout's name, writing a name sets it. */
void keys_export(struct server *server, unsigned root);

/* Sets the layout /etc/keymaps/NAME.map. BAD_ARGUMENT for no name of a file, NOT_FOUND, BAD_FORMAT;
 * then the old one stays. */
WARN_UNUSED status_t keys_set_layout(const char *name);

/* The layout that /etc/keymap names; the built-in one if there is none. */
void keys_set_usual_layout(void);
