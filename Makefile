# SPDX-License-Identifier: MIT
#
# EuraliOS. `make help` lists what can be made. The rules are in mk/, one topic per file; what is
# built is found, not listed: each folder of servers/, drivers/ and programs/ is one program.
#
# Variables for the command line:
#   CC=clang      the compiler (default gcc)         WERROR=1   warnings are errors (CI)
#   BUILD=DIR     where to build (default build)     V=1        show the commands
#   DEBUG=1       kernel and servers with all checks ACCEL=kvm  QEMU with KVM, if it can be used
#   PORTS_BUILD=DIR  take compiled upstream code from the build there

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --jobs=$(shell nproc)

BUILD ?= build
# Upstream sources do not depend on the compiler: one copy for every BUILD.
UPSTREAM := build/upstream
# Where upstream code is compiled. Another BUILD's is taken as it is: build/, to compile our own part only.
PORTS_BUILD ?= $(BUILD)

.PHONY: FORCE
FORCE:

include mk/toolchain.mk
include mk/libc.mk
include mk/kernel.mk
include mk/user.mk
include mk/image.mk
include mk/run.mk
include mk/check.mk
include mk/host.mk
include mk/test.mk
include mk/fuzz.mk
include mk/coverage.mk
include mk/posix.mk

.PHONY: all clean distclean deps help
all: kernel boot-archive ## the kernel and the boot archive

deps: ## install the Debian packages that are missing (every target does)

clean: ## remove what was built; fetched upstream sources stay
	rm -rf $(filter-out $(UPSTREAM) build/apt,$(wildcard $(BUILD)/*))

distclean: ## remove the build folder, upstream sources too
	rm -rf build $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | sort -u | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done
	@sed -n 's/^#\( .*=.*\)/\1/p' Makefile
