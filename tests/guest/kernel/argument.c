/* SPDX-License-Identifier: MIT */
#include "tests/guest/kernel/kernel_test.h"
const struct test argument_tests[] = {{NULL, NULL}};
