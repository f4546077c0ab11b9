# SPDX-License-Identifier: MIT
#
# make check: what a machine can say about the source. tools/check has the checks; here is how each
# file is compiled, for clang-tidy and for editors (compile_commands.json).

.PHONY: check generate format
check: $(BUILD)/compile_commands.json ## format, lint, generated files, size budgets, includes
	@tools/check --build $(BUILD)

generate: ## make abi/generated anew from abi/protocols
	$(Q)$(PYTHON) tools/idl/generate.py $(sort $(wildcard abi/protocols/*.idl))

format: ## format all C files with clang-format
	$(Q)git ls-files -co --exclude-standard '*.c' '*.h' ':!abi/generated' | xargs clang-format -i

# clang-tidy parses with clang's own headers, whatever CC is.
TIDY_INCLUDE = $(shell clang -print-file-name=include)
# The headers of upstream libraries too, or the linter would miss them on a fresh clone.
$(BUILD)/compile_commands.json: $(LIBC) $(PORTS_library:%=$(UPSTREAM)/%.sha256) FORCE
	@tools/check --build $(BUILD) --write-commands $@ \
		'kernel=$(subst $(CC_INCLUDE),$(TIDY_INCLUDE),$(KERNEL_CFLAGS))' \
		'user=$(subst $(CC_INCLUDE),$(TIDY_INCLUDE),$(USER_CFLAGS))' \
		'host=$(HOST_CFLAGS)' \
		'host-kernel=$(HOST_KERNEL_CFLAGS) $(HOST_CFLAGS)'
