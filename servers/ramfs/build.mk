# SPDX-License-Identifier: MIT
SOURCES := servers/pipe/channel.c servers/pipe/end.c servers/pipe/ring.c
