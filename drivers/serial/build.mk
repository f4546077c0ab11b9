# SPDX-License-Identifier: MIT
SOURCES := $(wildcard lib/terminal/*.c)
