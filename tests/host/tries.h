/* SPDX-License-Identifier: MIT */
/*
 * Parts of the kernel against models that are simpler than they are: random operations, the answers
 * compared, invariants checked, and nothing left in the end. tests/unit/kernel_parts_test.c runs
 * them with numbers, tests/fuzz/kernel_*_fuzz.c with what libFuzzer finds.
 */
#pragma once

#include "tests/host/choice.h"

void budgets_try(struct choice *choice);
void calls_try(struct choice *choice);
void handles_try(struct choice *choice);
void queues_try(struct choice *choice);
void spaces_try(struct choice *choice);
