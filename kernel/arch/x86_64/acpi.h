/* SPDX-License-Identifier: MIT */
/*
 * What the kernel reads of the ACPI tables: which processors there are. Everything else of ACPI is
 * for a server.
 */
#pragma once

#include "kernel/types.h"

struct boot_info;

/*
 * Fills ids[] with the local APIC numbers of the processors that can be used, in the order of the
 * table (ACPI 6.4, 5.2.12: the boot processor should come first, but need not), at most `max`. The
 * number of them; 0 if there are no tables, or if they are damaged. The direct map is there.
 */
unsigned acpi_cpus(const struct boot_info *boot, uint32_t ids[], unsigned max);
