# SPDX-License-Identifier: MIT
#
# The kernel in programs of the host: what of it is plain C, with stand-ins for what touches the machine
# (tests/host). A test with `Build: kernel` in its head comment is linked with it; see mk/test.mk and
# mk/fuzz.mk.

# Not: what starts the machine, or is its console; and those that tests/host has in its own files.
HOST_KERNEL := $(filter-out $(addprefix kernel/,main.c panic.c console.c loader.c reaper.c frame.c slab.c), \
	$(wildcard kernel/*.c) $(wildcard kernel/debug/*.c)) \
	$(addprefix kernel/arch/x86_64/,page_table.c registers.c fpu.c thread.c) \
	$(wildcard tests/host/*.c)

# The stand-ins come before the headers that they stand for.
HOST_KERNEL_CFLAGS := -iquote tests/host/include -fno-strict-aliasing
