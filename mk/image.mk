# SPDX-License-Identifier: MIT
#
# Boot archives and boot images.
#
#   build/boot.tar         /bin, /etc, /share; the manifests of services as /etc/services/NAME.manifest
#   build/test.tar         the same, /tests and the manifests of services for tests
#   build/kernel-test.tar  the kernel's tests alone, in the place of init
#   build/euralios.iso     GRUB (BIOS and UEFI), the kernel and boot.tar

BOOT_TAR := $(BUILD)/boot.tar
TEST_TAR := $(BUILD)/test.tar
ISO      := $(BUILD)/euralios.iso

MANIFESTS      := $(sort $(wildcard servers/*/manifest drivers/*/manifest))
WORKLOADS      := $(call find_sources,tests/workloads,*)
LUA_TESTS      := $(sort $(wildcard tests/guest/lua/*.lua))
TEST_MANIFESTS := $(sort $(wildcard tests/guest/*/*/manifest))
ETC            := $(call find_sources,data/etc,*)
KEYMAPS        := $(sort $(wildcard data/keymaps/*))

# PATH-IN-THE-ARCHIVE=FILE, as tools/mkboot takes it.
manifest_entries = $(foreach m,$(1),etc/services/$(notdir $(patsubst %/,%,$(dir $(m)))).manifest=$(m))
# What system() and popen() run, and scripts that begin with #!/bin/sh.
ALIASES = bin/sh=$(BUILD)/image/bin/dash
BOOT_ENTRIES = $(foreach b,$(BIN),bin/$(b)=$(BUILD)/image/bin/$(b)) $(ALIASES) $(call manifest_entries,$(MANIFESTS)) \
	$(foreach e,$(ETC),$(e:data/%=%)=$(e)) $(foreach k,$(KEYMAPS),etc/keymaps/$(notdir $(k))=$(k)) \
	$(PORT_FILES)
TEST_ENTRIES = $(BOOT_ENTRIES) $(foreach t,$(TESTS),tests/$(t)=$(BUILD)/image/tests/$(t)) \
	$(foreach w,$(WORKLOADS),$(w)=$(w)) $(foreach l,$(LUA_TESTS),tests/lua/$(notdir $(l))=$(l)) $(call manifest_entries,$(TEST_MANIFESTS))

# The lists are prerequisites too: a folder that went must leave the archive.
$(BUILD)/boot.list $(BUILD)/test.list: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(if $(findstring test,$@),$(TEST_ENTRIES),$(BOOT_ENTRIES)) > $@.new
	@$(call update,$@)

entry_files = $(foreach e,$(1),$(lastword $(subst =, ,$(e))))

$(BOOT_TAR): $(BUILD)/boot.list $(call entry_files,$(BOOT_ENTRIES)) tools/mkboot
	$(call say,TAR,$@)
	$(Q)tools/mkboot $@ $(BUILD)/boot.list

$(TEST_TAR): $(BUILD)/test.list $(call entry_files,$(TEST_ENTRIES)) tools/mkboot
	$(call say,TAR,$@)
	$(Q)tools/mkboot $@ $(BUILD)/test.list

# An archive in which the kernel's tests stand in the place of init.
KERNEL_TEST_TAR := $(BUILD)/kernel-test.tar
$(KERNEL_TEST_TAR): $(BUILD)/image/tests/kernel tools/mkboot
	$(call say,TAR,$@)
	$(Q)echo 'bin/init=$<' > $(BUILD)/kernel-test.list && tools/mkboot $@ $(BUILD)/kernel-test.list

$(ISO): $(KERNEL) $(BOOT_TAR) boot/grub.cfg tools/mkiso
	$(call say,ISO,$@)
	$(Q)tools/mkiso $@ --kernel $(KERNEL) --archive $(BOOT_TAR)

.PHONY: boot-archive test-archive iso
boot-archive: $(BOOT_TAR) ## the boot archive with all programs
test-archive: $(TEST_TAR) $(KERNEL_TEST_TAR)
iso: $(ISO) ## bootable image for BIOS and UEFI
