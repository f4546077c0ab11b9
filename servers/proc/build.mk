# SPDX-License-Identifier: MIT
SOURCES := servers/init/archive.c
