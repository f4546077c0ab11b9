# SPDX-License-Identifier: MIT
KIND := program
SOURCES := $(patsubst %,src/%.c,browser chars color cut files global help history move nano prompt \
	rcfile search text utils winio) \
	$(patsubst %,lib/%.c,fcntl free futimens getopt getopt1 gettime glob globfree \
	malloc/dynarray_resize malloc/scratch_buffer_grow malloc/scratch_buffer_set_array_size nl_langinfo regex stat-time timespec utimens)
# It is not Linux: no keyboard state is asked of a virtual terminal.
FLAGS := -DHAVE_CONFIG_H -U__linux__ -DSYSCONFDIR='"/etc"'
INCLUDES := $(PORTS_BUILD)/ports/nano/generated/lib $(UPSTREAM)/nano/lib $(UPSTREAM)/nano/src
LIBS := ncurses
