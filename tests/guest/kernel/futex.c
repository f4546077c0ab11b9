/* SPDX-License-Identifier: MIT */
#include "tests/guest/kernel/kernel_test.h"
const struct test futex_tests[] = {{NULL, NULL}};
