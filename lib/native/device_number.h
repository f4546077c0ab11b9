/* SPDX-License-Identifier: MIT */
/*
 * Numbers of what holds files, as stat gives them (st_dev): with the file's own number they tell
 * whether two names mean the same file, so each server has one of its own.
 */
#pragma once

enum device_number {
    DEVICE_NUMBER_INIT = 1,
    DEVICE_NUMBER_ARCHIVE,
    DEVICE_NUMBER_NAMES,
    DEVICE_NUMBER_RAMFS,
    DEVICE_NUMBER_TERMINALS, /* numbered alike in all that have some */
    DEVICE_NUMBER_NETWORK,
    DEVICE_NUMBER_PIPE,
    DEVICE_NUMBER_LOG,
    DEVICE_NUMBER_PROC,
    DEVICE_NUMBER_PCI,
    DEVICE_NUMBER_CHARACTERS, /* of lib/native/driver_char.h */
    DEVICE_NUMBER_KEYBOARD,   /* /dev/keyboard of the consoles */
    DEVICE_NUMBER_CLOCK,
};
