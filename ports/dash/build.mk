# SPDX-License-Identifier: MIT
KIND := program
SOURCES := $(patsubst %,src/%.c,alias arith_yacc arith_yylex cd error eval exec expand histedit input \
	jobs mail main memalloc miscbltin mystring options parser redir show trap output bltin/printf \
	system bltin/test bltin/times var)
GENERATED := builtins.c init.c nodes.c signames.c syntax.c
FLAGS := -include ports/dash/config.h -DBSD=1 -DSHELL
INCLUDES := $(UPSTREAM)/dash/src
