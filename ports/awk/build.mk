# SPDX-License-Identifier: MIT
KIND := program
SOURCES := b.c main.c parse.c tran.c lib.c run.c lex.c
GENERATED := awkgram.tab.c proctab.c
INCLUDES := $(UPSTREAM)/awk
