# SPDX-License-Identifier: MIT
#
# The conformance tests of posixtestsuite (ports/posixtestsuite), each a program of its own, unpatched.
#
#   make test-posix            all of them inside EuraliOS; the table, and build/posix.csv
#   make test-posix ONLY=sem_  those whose name has that in it
#   make posix-reference       the same sources with the same musl on Linux, in QEMU too; build/posix-linux.csv
#
# tests/posix/reference.csv names the tests and what each gave on Linux, tests/posix/known what differs here; see
# tests/posix/README.md.

PTS       := $(UPSTREAM)/posixtestsuite
PTS_TESTS := $(shell sed -n 's/^\([a-z_]*\/[0-9-]*\),.*/\1/p' tests/posix/reference.csv)
PTS_QUICK := $(shell grep '^[a-z]' tests/posix/quick)
PTS_CFLAGS = -std=gnu99 -O2 -w -fno-pie -fcf-protection=none -fno-omit-frame-pointer -nostdinc \
	-D_POSIX_C_SOURCE=200112L -D_XOPEN_SOURCE=600 -I $(PTS)/include

# --- for EuraliOS --------------------------------------------------------------------------------

$(BUILD)/posix/obj/%.o: $(UPSTREAM)/posixtestsuite.sha256 $(BUILD)/toolchain.mk mk/posix.mk | $(LIBC)
	$(Q)mkdir -p $(@D) && $(CC) $(PTS_CFLAGS) -isystem $(SYSROOT)/include -isystem $(CC_INCLUDE) -c -o $@ \
		$(PTS)/conformance/interfaces/$*.c

$(BUILD)/posix/bin/%: $(BUILD)/posix/obj/%.o $(POSIX_LIBS) $(LIBC) $(CRT_BEGIN) $(CRT_END)
	$(Q)mkdir -p $(@D) && $(LD) $(USER_LDFLAGS) -s -o $@ $(CRT_BEGIN) $< \
		--start-group $(POSIX_LIBS) $(LIBC) $(LIBGCC) --end-group $(CRT_END)

.PRECIOUS: $(BUILD)/posix/obj/%.o

$(eval $(call component,tests/posix,posix-runner,$(POSIX_LIBS),tests/posix/runner.c))

.PHONY: posix-tests posix-quick test-posix posix-reference
posix-tests: $(PTS_TESTS:%=$(BUILD)/posix/bin/%) $(BUILD)/image/posix-runner
posix-quick: $(PTS_QUICK:%=$(BUILD)/posix/bin/%) $(BUILD)/image/posix-runner

test-posix: all posix-tests ## the POSIX conformance tests inside EuraliOS; build/posix.csv
	@BUILD=$(BUILD) tools/test-posix $(if $(ONLY),--only '$(ONLY)') --output $(BUILD)/posix.csv

# --- for Linux -----------------------------------------------------------------------------------
#
# musl without the overlay, and the same runner; Debian's kernel in the same emulator.

PTS_LINUX   := $(BUILD)/posix/linux
PTS_SYSROOT := $(PTS_LINUX)/sysroot
PTS_LIBC    := $(PTS_SYSROOT)/lib/libc.a

$(PTS_LIBC): $(UPSTREAM)/musl.sha256 $(BUILD)/libc.config
	$(call say,MUSL,$(PTS_SYSROOT))
	$(Q)rm -rf $(PTS_LINUX)/libc && mkdir -p $(PTS_LINUX)/libc
	$(Q)cd $(PTS_LINUX)/libc && { \
		$(abspath $(UPSTREAM))/musl/configure --prefix=$(abspath $(PTS_SYSROOT)) \
			--syslibdir=$(abspath $(PTS_SYSROOT))/lib $(LIBC_CONFIG) \
			CC=$(CC) AR=$(AR) RANLIB=ranlib CFLAGS='$(LIBC_CFLAGS)' && \
		$(MAKE) install; } > build.log 2>&1 || { tail -n 20 build.log; exit 1; }
	$(Q)touch $@

$(PTS_LINUX)/bin/%.o: $(UPSTREAM)/posixtestsuite.sha256 $(PTS_LIBC) mk/posix.mk
	$(Q)mkdir -p $(@D) && $(CC) $(PTS_CFLAGS) -isystem $(PTS_SYSROOT)/include -isystem $(CC_INCLUDE) -c -o $@ \
		$(PTS)/conformance/interfaces/$*.c

$(PTS_LINUX)/%.o: tests/posix/%.c $(PTS_LIBC) mk/posix.mk
	$(Q)mkdir -p $(@D) && $(CC) $(filter-out -D_%,$(PTS_CFLAGS)) -D_GNU_SOURCE -isystem $(PTS_SYSROOT)/include \
		-isystem $(CC_INCLUDE) -c -o $@ $<

$(PTS_LINUX)/%: $(PTS_LINUX)/%.o
	$(Q)$(LD) -nostdlib -static -z noexecstack -s -o $@ $(PTS_SYSROOT)/lib/crt1.o $(PTS_SYSROOT)/lib/crti.o $< \
		--start-group $(PTS_LIBC) $(LIBGCC) --end-group $(PTS_SYSROOT)/lib/crtn.o

.PRECIOUS: $(PTS_LINUX)/bin/%.o $(PTS_LINUX)/%.o

posix-reference: $(PTS_TESTS:%=$(PTS_LINUX)/bin/%) $(PTS_LINUX)/runner $(PTS_LINUX)/linux_init
	@BUILD=$(BUILD) tools/test-posix --linux $(if $(ONLY),--only '$(ONLY)') --output $(BUILD)/posix-linux.csv
