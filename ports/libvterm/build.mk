# SPDX-License-Identifier: MIT
# The terminal emulator. It allocates through vterm_new's allocator or malloc, and calls nothing else.
KIND := library
SOURCES := $(patsubst %,src/%.c,encoding keyboard mouse parser pen screen state unicode vterm)
INCLUDES := $(UPSTREAM)/libvterm/include
