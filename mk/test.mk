# SPDX-License-Identifier: MIT
#
# Tests. `make test` builds what they need and leaves the running and counting to tools/test.
#
#   tests/unit/NAME_test.c   host unit tests with cmocka, under ASan and UBSan. Lines in the head
#                            comment (see tests/unit/test.h) name what is linked and how:
#                                Sources: kernel/frame_allocator.c
#                                Build: plain      or: kernel (mk/host.mk)
#   tests/fuzz/NAME_fuzz.c   libFuzzer targets, see mk/fuzz.mk
#   tests/tools/             pytest, of the scripts in tools/
#   tests/model/             spin models; tests/model/run runs them
#   tests/guest/kernel/      the kernel's own tests, run in the place of init
#   tests/guest/             programs of the test image, which tests/system/test_guest.py runs
#   tests/system/            pytest: *host* are programs built for the host, the others drive QEMU
#
# One suite: make test SUITES=unit. One system test: make test SUITES=system ONLY=test_boot.

SUITES ?= tools unit fuzz model kernel host system
ONLY   ?=

# --- host unit tests -----------------------------------------------------------------------------

HOST_CFLAGS := -std=gnu11 -g $(WARNINGS) -iquote . -MMD -MP -fno-omit-frame-pointer -DDEBUG=1
HOST_asan   := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_plain  := -O2 -fcf-protection=none
HOST_kernel := $(HOST_asan)

$(BUILD)/host/asan/%.c.o: %.c $(BUILD)/toolchain.mk mk/test.mk
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(HOST_CFLAGS) $(HOST_asan) -c -o $@ $<

$(BUILD)/host/plain/%.c.o: %.c $(BUILD)/toolchain.mk mk/test.mk
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(HOST_CFLAGS) $(HOST_plain) -c -o $@ $<

$(BUILD)/host/kernel/%.c.o: %.c $(BUILD)/toolchain.mk mk/test.mk mk/host.mk
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(HOST_KERNEL_CFLAGS) $(HOST_CFLAGS) $(HOST_asan) -c -o $@ $<

# $(call said,KEY,FILE): what the line " * KEY: ..." of the file's head comment says.
said = $(shell sed -n '/^ \*\//q; s/^ \* $(1): *//p' $(2))

# $(call linked,FILE): what is linked with it besides lib/base.
linked = $(call said,Sources,$(1)) $(if $(filter kernel,$(call said,Build,$(1))),$(HOST_KERNEL))

# $(call unit_test,NAME,VARIANT,SOURCES)
define unit_test
unit_$(1)_objects := $(patsubst %,$(BUILD)/host/$(2)/%.o,tests/unit/$(1)_test.c $(3) $(filter %.c,$(BASE_SOURCES)))
HOST_OBJECTS += $$(unit_$(1)_objects)
$(BUILD)/unit/$(1): $$(unit_$(1)_objects)
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D) && $$(CC) $$(HOST_$(2)) -o $$@ $$^ -lcmocka -lpthread -lm
endef

UNIT_TESTS := $(patsubst tests/unit/%_test.c,%,$(sort $(wildcard tests/unit/*_test.c)))
$(foreach t,$(UNIT_TESTS),$(eval $(call unit_test,$(t),$(or $(call said,Build,tests/unit/$(t)_test.c),asan),$(call linked,tests/unit/$(t)_test.c))))

.PHONY: unit-tests test
unit-tests: $(UNIT_TESTS:%=$(BUILD)/unit/%)

# --- programs for the host -----------------------------------------------------------------------
#
# Most of what programs do is tested on the host, under the sanitizers (HOST_PROGRAMS: mk/user.mk).

# $(call host_program,NAME,SOURCES)
define host_program
host_$(1)_objects := $(2:%=$(BUILD)/host/asan/%.o)
HOST_OBJECTS += $$(host_$(1)_objects)
$(BUILD)/host/bin/$(1): $$(host_$(1)_objects) $(BUILD)/host/libcommon.a
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D) && $$(CC) $$(HOST_asan) -o $$@ $$^
endef
$(foreach p,$(HOST_PROGRAMS),$(eval $(call host_program,$(p),$(wildcard programs/$(p)/*.c))))

HOST_COMMON := $(patsubst %,$(BUILD)/host/asan/%.o,$(filter-out $(NATIVE_COMMON),$(wildcard programs/common/*.c)) $(filter %.c,$(BASE_SOURCES)))
HOST_OBJECTS += $(HOST_COMMON)
$(BUILD)/host/libcommon.a: $(HOST_COMMON)
	$(call say,AR,$@)
	$(ARCHIVE)

.PHONY: host-programs
host-programs: $(HOST_PROGRAMS:%=$(BUILD)/host/bin/%)

-include $(sort $(HOST_OBJECTS:.o=.d))

# --- all -----------------------------------------------------------------------------------------

TEST_NEEDS_tools  :=
TEST_NEEDS_unit   := unit-tests
TEST_NEEDS_fuzz   := fuzz-tests
TEST_NEEDS_model  :=
TEST_NEEDS_kernel := $(KERNEL) $(CHECKED_KERNEL) $(KERNEL_TEST_TAR)
TEST_NEEDS_host   := host-programs
TEST_NEEDS_system := all $(CHECKED_KERNEL) test-archive iso reference posix-quick

.PHONY: test-build
test-build: $(foreach s,$(SUITES),$(TEST_NEEDS_$(s))) ## what the tests need

test: test-build ## all tests, with a table at the end
	@BUILD=$(BUILD) CC=$(CC) tools/test $(if $(ONLY),--only '$(ONLY)') $(SUITES)
