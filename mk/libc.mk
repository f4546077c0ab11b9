# SPDX-License-Identifier: MIT
#
# musl, through the overlay in lib/libc: $(SYSROOT)/include and $(SYSROOT)/lib.

SYSROOT := $(PORTS_BUILD)/sysroot
LIBC    := $(SYSROOT)/lib/libc.a

LIBC_OVERLAY := $(call find_sources,lib/libc,*.h *.S *.c *.in)
LIBC_CFLAGS  := -O2 -g -fno-pie -fcf-protection=none -fno-omit-frame-pointer \
	-ffile-prefix-map=$(abspath $(UPSTREAM))=. -ffile-prefix-map=$(CURDIR)=.
LIBC_CONFIG  := --disable-shared --target=x86_64-linux-musl

# Every upstream tree: build/upstream/NAME, known to be there by its .sha256.
$(UPSTREAM)/%.sha256: ports/%/recipe
	$(Q)tools/fetch $*

.PRECIOUS: $(UPSTREAM)/%.sha256

ifeq ($(PORTS_BUILD),$(BUILD))

# The library is rebuilt when the compiler changes, but not for DEBUG or WERROR.
$(BUILD)/libc.config: $(BUILD)/toolchain.mk mk/libc.mk
	@echo '$(CC) $(CC_VERSION) $(LIBC_CFLAGS) $(LIBC_CONFIG)' > $@.new
	@$(call update,$@)

$(LIBC): $(UPSTREAM)/musl.sha256 $(BUILD)/libc.config $(LIBC_OVERLAY)
	$(call say,MUSL,$(SYSROOT))
	$(Q)rm -rf $(BUILD)/libc $(SYSROOT) && mkdir -p $(BUILD)/libc
	$(Q)cd $(BUILD)/libc && { \
		$(abspath $(UPSTREAM))/musl/configure --prefix=$(abspath $(SYSROOT)) \
			--syslibdir=$(abspath $(SYSROOT))/lib $(LIBC_CONFIG) \
			CC=$(CC) AR=$(AR) RANLIB=ranlib CFLAGS='$(LIBC_CFLAGS)' && \
		{ echo 'OVERLAY = $(CURDIR)/lib/libc'; cat $(CURDIR)/lib/libc/config.mak.in; } >> config.mak && \
		$(MAKE) install; } > build.log 2>&1 || { tail -n 20 build.log; exit 1; }
	$(Q)! objdump -d --no-show-raw-insn $(SYSROOT)/lib/*.a $(SYSROOT)/lib/*.o | \
		grep -E '\s(syscall|sysenter|int +\$$0x80)\b' || \
		{ echo '$(LIBC): the overlay left a system call instruction'; rm -f $(LIBC); exit 1; }
	$(Q)touch $@

endif

.PHONY: libc
libc: $(LIBC) ## the C library only
