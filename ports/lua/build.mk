# SPDX-License-Identifier: MIT
# The interpreter with its libraries in one program: every file of src/ but luac.c, and in the place
# of linit.c our own, which adds the module "euralios" (README.md).
KIND := program
SOURCES := $(patsubst %,src/%.c,lapi lauxlib lbaselib lcode lcorolib lctype ldblib ldebug ldo ldump \
	lfunc lgc liolib llex lmathlib lmem loadlib lobject lopcodes loslib lparser lstate lstring \
	lstrlib ltable ltablib ltm lua lundump lutf8lib lvm lzio)
OWN := $(patsubst %,ports/lua/%.c,libraries native_call native_module)
LINUX := src/linit.c
FLAGS := -DLUA_USE_POSIX
INCLUDES := $(UPSTREAM)/lua/src
