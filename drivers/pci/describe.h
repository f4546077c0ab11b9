/* SPDX-License-Identifier: MIT */
/*
 * A function in words: names of its class and of well-known vendors, and the text of its file in
 * /pci.
 */
#pragma once

#include "abi/generated/pci.h"
#include "lib/base/types.h"

enum { DESCRIBE_BYTES = 1024, FUNCTION_NAME_BYTES = 16 };

/* "00:03.0": its name in /pci. */
void describe_name(const struct pci_function *function, char name[FUNCTION_NAME_BYTES]);

/*
 * Writes the text, terminated: a line that says what it is, then one line for each thing worth
 * knowing, indented. `is_claimed`: a driver has it. The length.
 */
size_t describe(const struct pci_function *function, bool is_claimed, char text[DESCRIBE_BYTES]);
