/* SPDX-License-Identifier: MIT */
/* The output half of the line discipline, as its input half uses it. */
#pragma once

#include "lib/terminal/discipline.h"

/* Echoes a byte, with the translations of output. Dropped if even the room kept for echo is full.
 */
void discipline_echo_byte(struct discipline *discipline, uint8_t c);

/* How many bytes can be echoed without loss. */
size_t discipline_echo_room(const struct discipline *discipline);
