# SPDX-License-Identifier: MIT
# The library, and two of its test programs: minigzip is a small gzip, example tries all of the library.
KIND := library
SOURCES := adler32.c compress.c crc32.c deflate.c gzclose.c gzlib.c gzread.c gzwrite.c infback.c inffast.c \
	inflate.c inftrees.c trees.c uncompr.c zutil.c
FLAGS := -D_LARGEFILE64_SOURCE=1 -DHAVE_UNISTD_H -DHAVE_STDARG_H
INCLUDES := $(UPSTREAM)/zlib
PROGRAMS := minigzip zlib-example
SOURCES_minigzip := test/minigzip.c
SOURCES_zlib-example := test/example.c
