/* SPDX-License-Identifier: MIT */
/*
 * /dev/null, zero, full and random: files without content of their own.
 */
#pragma once

#include "abi/generated/file.h"
#include "lib/native/server.h"

enum device_kind { DEVICE_NULL, DEVICE_ZERO, DEVICE_FULL, DEVICE_RANDOM, DEVICE_KINDS };

/* Exports them as roots first_root + kind. */
void devices_export(struct server *server, unsigned first_root);
