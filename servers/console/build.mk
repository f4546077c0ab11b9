# SPDX-License-Identifier: MIT
SOURCES := $(wildcard lib/terminal/*.c lib/keymap/*.c)
LIBS := libvterm
