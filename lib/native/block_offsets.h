/* SPDX-License-Identifier: MIT */
/*
 * What lib/native/block.S knows of struct message and of the lists in abi/; lib/native/message.c
 * asserts every line.
 */
#pragma once

#define MESSAGE_GATE        0
#define MESSAGE_LABEL       4
#define MESSAGE_TAG         8
#define MESSAGE_KIND        12
#define MESSAGE_BADGE       16
#define MESSAGE_WORD0       24
#define MESSAGE_DEADLINE    56
#define MESSAGE_CONTROL     64
#define MESSAGE_OWN_BADGE   72
#define MESSAGE_READABLE    80
#define MESSAGE_WRITABLE    84
#define MESSAGE_HANDLES     88
#define MESSAGE_SEGMENTS_AT 104

#define ERROR_NUMBER_INTERRUPTED    10
#define SYSCALL_NUMBER_CALL         3
#define SYSCALL_NUMBER_PROCESS_FORK 25
#define SYSCALL_NUMBER_FUTEX_WAIT   39
