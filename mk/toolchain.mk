# SPDX-License-Identifier: MIT
#
# What every build step needs first: the Debian packages, and what the compiler is.

ifeq ($(origin CC),default)
CC := gcc
endif
LD      := ld
AR      := ar
OBJCOPY := objcopy
# The tools of this repository run on Debian's Python, whatever else is first in PATH.
PYTHON  := /usr/bin/python3

V      ?= 0
WERROR ?= 0
DEBUG  ?= 0

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '%-8s%s\n' '$(1)' '$(2:$(CURDIR)/%=%)'
endif

# $(call find_sources,FOLDERS,PATTERNS): the files below those of the folders that exist, sorted.
find_sources = $(if $(wildcard $(1)),$(sort $(shell find $(wildcard $(1)) -type f '(' -false \
	$(foreach p,$(2),-o -name '$(p)') ')')))

# $(call update,FILE): FILE.new becomes FILE, whose time changes only if its content does.
update = if cmp -s $(1).new $(1); then rm $(1).new; else mv $(1).new $(1); fi

# --- packages and compiler, looked at before anything else ---------------------------------------
#
# make first remakes the makefiles that it includes, and starts afresh if one changed. So a fresh
# machine gets its packages before any rule is read, and a new compiler or switch rebuilds what it
# concerns: all objects depend on this file.

ifneq ($(filter-out clean distclean help,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/toolchain.mk
endif

.PHONY: packages
packages:
	@tools/deps

deps: packages

# CC_INCLUDE: the compiler's own headers. LIBGCC: its helper functions.
$(BUILD)/toolchain.mk: packages
	@mkdir -p $(@D)
	@{ echo "# DEBUG=$(DEBUG) WERROR=$(WERROR)"; \
		echo "CC_VERSION := $$($(CC) --version | sed -n 1p)"; \
		echo "CC_INCLUDE := $$($(CC) -print-file-name=include)"; \
		echo "LIBGCC := $$($(CC) -print-libgcc-file-name)"; } > $@.new
	@$(call update,$@)

# --- flags ---------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wvla
ifeq ($(WERROR),1)
WARNINGS += -Werror
endif

# For kernel and user space alike. Frame pointers: a crash report walks them for its backtrace.
# Aliasing: memory is looked at as bytes, words and structures all over a kernel.
COMMON_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -iquote . -nostdinc -DDEBUG=$(DEBUG) \
	-fno-pie -fcf-protection=none -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -ffile-prefix-map=$(CURDIR)=. -MMD -MP

# WHOLE: gcc makes the code when it links, of all files together: calls between files are inlined where
# that pays, as calls within one are. What a called function leaves alone must not be known: another
# processor or thread may have written it while a lock was given up in there (gcc looks through asm and
# atomics, and kept the kernel's frame lists in registers). clang would need another linker.
ifeq ($(findstring clang,$(CC_VERSION)),)
WHOLE := -flto -fno-ipa-reference -fno-ipa-pure-const -fno-ipa-modref
endif

# $(call whole_ld,COMPILER FLAGS,LINKER FLAGS): the linker for what was compiled with WHOLE.
whole_ld = $(if $(WHOLE),$(CC) $(filter-out -MMD -MP,$(1)) $(WHOLE) -flto-partition=one -nostdlib -static \
	$(addprefix -Xlinker ,$(2)),$(LD) $(2))
