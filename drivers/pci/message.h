/* SPDX-License-Identifier: MIT */
/*
 * A function's message-signalled interrupts (PCI Local Bus Specification 3.0, section 6.8.1): one,
 * which it raises by writing `value` to `address`.
 */
#pragma once

#include "abi/generated/pci.h"

/* The capabilities' sizes: MSI's in its longest form, with masks. */
enum { MSI_BYTES_MAX = 24, MSIX_BYTES = 12 };

/* Switches them on, and the function's line off by that. It has the MSI capability. */
void message_program(const struct pci_function *function, uint32_t address, uint32_t value);

/* Switches them off; nothing if it has none. */
void message_stop(const struct pci_function *function);
