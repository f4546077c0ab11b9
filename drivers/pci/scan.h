/* SPDX-License-Identifier: MIT */
/*
 * Finding all functions: every bus that a bridge leads to, every device, every function.
 */
#pragma once

#include "abi/generated/pci.h"
#include "drivers/pci/config.h"

enum { FUNCTIONS_MAX = 256 };

/*
 * Fills `functions`, in the order of bus, device and function; the number of them. What is beyond
 * FUNCTIONS_MAX is left out, and logged. Decoding is switched off for a moment while the ranges of
 * a function are measured.
 */
size_t scan_all(struct pci_function *functions);

static inline pci_address_t function_address(const struct pci_function *function) {
    return PCI_ADDRESS(function->bus, function->device, function->function);
}
