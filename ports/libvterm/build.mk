# SPDX-License-Identifier: MIT
# The terminal emulator. It allocates through vterm_new's allocator or malloc, and calls nothing else.
KIND := library
# It takes DEBUG, whatever its value, for a wish to print and to abort.
FLAGS := -UDEBUG
SOURCES := $(patsubst %,src/%.c,encoding keyboard mouse parser pen screen state unicode vterm)
INCLUDES := $(UPSTREAM)/libvterm/include
