/* SPDX-License-Identifier: MIT */
#include "tests/guest/kernel/kernel_test.h"
const struct test lent_tests[] = {{NULL, NULL}};
