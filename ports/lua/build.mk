# SPDX-License-Identifier: MIT
# The interpreter with its libraries in one program: every file of src/ but luac.c.
KIND := program
SOURCES := $(patsubst %,src/%.c,lapi lauxlib lbaselib lcode lcorolib lctype ldblib ldebug ldo ldump \
	lfunc lgc linit liolib llex lmathlib lmem loadlib lobject lopcodes loslib lparser lstate lstring \
	lstrlib ltable ltablib ltm lua lundump lutf8lib lvm lzio)
FLAGS := -DLUA_USE_POSIX
