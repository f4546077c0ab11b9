# SPDX-License-Identifier: MIT
# The shell and the library in one program. What configure would find out is said here: the system is
# known. There are no shared objects to load extensions from.
KIND := program
PROGRAMS := sqlite3
GENERATED := sqlite3.c shell.c
FLAGS := -DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_ENABLE_MATH_FUNCTIONS \
	-DSQLITE_ENABLE_DBPAGE_VTAB -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_EXPLAIN_COMMENTS \
	-DHAVE_USLEEP=1 -DHAVE_FDATASYNC=1 -DHAVE_GMTIME_R=1 -DHAVE_LOCALTIME_R=1 -DHAVE_STRCHRNUL=1 \
	-DHAVE_READLINE=0 -DHAVE_EDITLINE=0
