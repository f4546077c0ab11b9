/* SPDX-License-Identifier: MIT */
#include "tests/guest/kernel/kernel_test.h"
const struct test isolation_tests[] = {{NULL, NULL}};
