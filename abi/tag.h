/* SPDX-License-Identifier: MIT */
/*
 * Who speaks. A message brings the tag of the process that sent it: to the kernel a number that
 * proc gave (process_identify), 0 before, and neither inherited nor forged. proc makes it of the
 * process's pid and of its login: one number for all that comes from the same child of process 1 (a
 * shell on a terminal), whatever sessions it made since. Servers divide among logins what they have
 * only so much of (lib/base/share.h). Services have the tag 0: no pid, no login.
 */
#pragma once

#include <stdint.h>

#define TAG_PID_MAX     0xffffffu
#define TAG_LOGIN_SHIFT 24
#define TAG_LOGIN_MAX   0xffu

static inline uint32_t tag_make(uint32_t login, uint32_t pid) {
    return login << TAG_LOGIN_SHIFT | pid;
}

static inline uint32_t tag_pid(uint32_t tag) {
    return tag & TAG_PID_MAX;
}

static inline uint32_t tag_login(uint32_t tag) {
    return tag >> TAG_LOGIN_SHIFT;
}
