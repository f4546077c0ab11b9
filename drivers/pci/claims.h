/* SPDX-License-Identifier: MIT */
/*
 * Functions in the hands of drivers: protocol pci on the gate of a claimed function.
 *
 * Invariants: a function that nobody has claimed is no bus master. DMA memory of a dead process is
 * released to the kernel only after every function that this process owned is off. Both hold over
 * a restart of this server: who owned what is in the state page.
 */
#pragma once

#include "drivers/pci/scan.h"
#include "lib/native/server.h"

/* What may be claimed through a root. */
struct claim_rule {
    uint16_t vendor, device; /* PCI_ANY_ID: whichever */
    uint16_t class;          /* class << 8 | subclass, PCI_ANY_ID: whichever */
};

/* Takes over from an earlier run of this server. `system` pays for and makes what drivers get. */
void claims_start(struct server *server, struct pci_function *functions, size_t n_functions,
                  handle_t system);

bool claims_has(size_t index);

/* `claim` of protocol pci through a root with this rule. */
WARN_UNUSED status_t claims_claim(const struct claim_rule *rule, struct request *request,
                                  const struct claim_rule *wanted, uint32_t from, uint32_t *index,
                                  handle_t *gate);
