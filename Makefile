# lmsfs: `make` builds, `make check` tests, `make demo` shows it, `make help` lists the rest.

# make's own rules would be tried on every file there is, through every pattern below: half a minute before the first compile.
MAKEFLAGS += --no-builtin-rules

PREFIX  ?= /usr/local
BUILD   ?= build
DESTDIR ?=
VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' packaging/debian/changelog)

CFLAGS  ?= -O2 -g
WARN    ?= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wvla -Wno-format-truncation -Wno-unknown-warning-option
HARDEN  ?= -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
SAN     ?=
DEFINES := -D_GNU_SOURCE -DFUSE_USE_VERSION=314 -DLMSFS_VERSION='"$(VERSION)"'
INCLUDE := -Iinclude -Isrc

# pkg-config is asked when the first file is compiled, not when this file is read, and then once: on a bare machine
# `make check` and `make demo` install the packages first.
PKGS       := fuse3 libcurl jansson lmdb inih libsystemd libmicrohttpd
NEED_PKGS   = $(if $(shell pkg-config --exists $(PKGS) || echo no),$(error libraries are missing: run `make deps`))
PKG_CFLAGS  = $(NEED_PKGS)$(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS    = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

COMPILE = $(CC) -std=c11 $(DEFINES) $(INCLUDE) $(CPPFLAGS) $(PKG_CFLAGS) $(WARN) -fPIE $(HARDEN) $(CFLAGS) $(SAN) -MMD -MP
LINK    = $(CC) $(CFLAGS) $(SAN) -pie -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)

# ---- what there is to build ----

BASE_SRC    := $(wildcard src/base/*.c)
SANDBOX_SRC := $(wildcard src/sandbox/*.c)
CORE_SRC    := $(BASE_SRC) $(wildcard $(foreach d,conf lms net store sync fs cli,src/$d/*.c))
MAIN_SRC    := $(wildcard src/main.c)
UNIT_SRC    := $(wildcard tests/unit/test_*.c)
UNIT_LIB    := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))
HELPER_SRC  := $(wildcard tests/mount/*.c tests/fault/*.c tests/bench/*.c)
FUZZ_SRC    := $(wildcard tests/fuzz/fuzz_*.c)
SRC         := $(CORE_SRC) $(MAIN_SRC) $(SANDBOX_SRC)
TEST_SRC    := $(UNIT_SRC) $(UNIT_LIB) $(HELPER_SRC)
HEADERS     := $(wildcard include/lmsfs/*.h src/*/*.h tests/*/*.h)

# `make V=1` shows whole command lines.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1) $@')

obj       = $(patsubst %.c,$(BUILD)/%.o,$(1))
PROGRAMS := $(if $(MAIN_SRC),$(BUILD)/lmsfs) $(if $(SANDBOX_SRC),$(BUILD)/lmsfs-sandbox)
UNITS    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
HELPERS  := $(patsubst %.c,$(BUILD)/tests/%,$(notdir $(HELPER_SRC)))
FUZZERS  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))

.PHONY: all tests mounted flows check demo bench format lint asan tsan fuzz fuzzers deb deps lint-includes lint-banned \
	lint-format lint-cppcheck lint-tidy install uninstall clean help
.SECONDARY:
.DELETE_ON_ERROR:

all: $(PROGRAMS)          ## build the two programs
tests: $(UNITS) mounted $(BUILD)/lmsfs-semantics.7
mounted: $(PROGRAMS) $(HELPERS) $(BUILD)/tests/lmsfs-hooks
flows: $(filter $(BUILD)/unit/test_sync_% $(BUILD)/unit/test_net_% $(BUILD)/unit/test_fs_%,$(UNITS))
fuzzers: $(FUZZERS)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(COMPILE) -c -o $@ $<

# Archives, so that a test may put its own fake in the place of a file it doesn't otherwise pull in.
$(BUILD)/core.a: $(call obj,$(CORE_SRC))
$(BUILD)/sandbox.a: $(call obj,$(filter-out src/sandbox/main.c,$(SANDBOX_SRC)))
$(BUILD)/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR  )
	$(Q)$(AR) rcs $@ $^

$(BUILD)/lmsfs: $(call obj,$(MAIN_SRC)) $(BUILD)/core.a
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(PKG_LIBS) -lpthread

$(BUILD)/lmsfs-sandbox: $(call obj,$(SANDBOX_SRC) $(BASE_SRC))
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(PKG_LIBS) -lpthread

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(call obj,$(UNIT_LIB)) $(BUILD)/sandbox.a $(BUILD)/core.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ -lcmocka $(PKG_LIBS) -lpthread

# The daemon that suites kill at each step of a save, or slow down: the flows compiled with their hooks, the rest as it is.
HOOKED = $(patsubst %.c,$(BUILD)/hooks/%.o,$(wildcard src/sync/*.c) src/fs/notify.c)
$(BUILD)/hooks/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(COMPILE) -DLMSFS_TEST_HOOKS -c -o $@ $<

$(BUILD)/tests/lmsfs-hooks: $(HOOKED) $(call obj,$(MAIN_SRC)) $(BUILD)/core.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(PKG_LIBS) -lpthread

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/core.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS) -lpthread

link-helper = $(Q)$(LINK) -o $@ $^ $(PKG_LIBS) -lpthread -ldl
$(BUILD)/tests/%: $(BUILD)/tests/mount/%.o ; $(link-helper)
$(BUILD)/tests/%: $(BUILD)/tests/fault/%.o ; $(link-helper)
$(BUILD)/tests/%: $(BUILD)/tests/bench/%.o ; $(link-helper)

-include $(patsubst %.o,%.d,$(call obj,$(SRC) $(TEST_SRC) $(FUZZ_SRC)) $(HOOKED:.o=.d))

# ---- what one does with it ----

DEPS     = @packaging/install-deps
SUBMAKE  = +@$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
ASAN     = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
TSAN     = -fsanitize=thread -fno-omit-frame-pointer
FUZZSAN  = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FUZZ_SECONDS ?= 60

deps:                     ## install the packages that building needs
	$(DEPS) build

check:                    ## build everything, run every test, mounts and flows with sanitizers; ONLY=name for some
	$(DEPS) test
	$(SUBMAKE) all tests
	$(SUBMAKE) BUILD=build-asan SAN='$(ASAN)' HARDEN= mounted
	$(SUBMAKE) BUILD=build-tsan SAN='$(TSAN)' HARDEN= flows
	@BUILD=$(BUILD) ASAN_BUILD=build-asan TSAN_BUILD=build-tsan tests/run $(ONLY)

demo:                     ## the sandbox, a mount and a guided tour
	$(DEPS) demo
	$(SUBMAKE) all
	@$(BUILD)/lmsfs demo

asan:                     ## the whole suite with AddressSanitizer and UBSan
	$(DEPS) test
	$(SUBMAKE) BUILD=build-asan SAN='$(ASAN)' HARDEN= all tests
	@BUILD=build-asan tests/run $(ONLY)

tsan:                     ## the whole suite with ThreadSanitizer
	$(DEPS) test
	$(SUBMAKE) BUILD=build-tsan SAN='$(TSAN)' HARDEN= all tests
	@BUILD=build-tsan tests/run $(ONLY)

fuzz:                     ## every fuzzer for FUZZ_SECONDS (60) each
	$(DEPS) fuzz
	$(SUBMAKE) BUILD=build-fuzz CC=clang SAN='$(FUZZSAN)' HARDEN= fuzzers
	@tests/fuzz/run build-fuzz $(FUZZ_SECONDS) $(ONLY)

bench:                    ## measure, where tests/bench/run is there to do it
	@test -x tests/bench/run || { echo 'make bench: there is no tests/bench/run in this tree'; exit 1; }
	$(DEPS) bench
	$(SUBMAKE) all tests
	@BUILD=$(BUILD) tests/bench/run

format:                   ## format the sources in place
	clang-format -i $(SRC) $(TEST_SRC) $(FUZZ_SRC) $(HEADERS)

lint:                     ## formatting, static analysis and the house rules
	$(DEPS) lint
	+@$(MAKE) --no-print-directory -k lint-includes lint-banned lint-format lint-cppcheck lint-tidy

lint-includes:
	packaging/check-includes

lint-banned:
	@packaging/check-banned $(SRC) $(wildcard include/lmsfs/*.h src/*/*.h)

lint-format:
	@clang-format --dry-run -Werror $(SRC) $(TEST_SRC) $(FUZZ_SRC) $(HEADERS)

lint-cppcheck:
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem $(DEFINES) $(INCLUDE) -j $(shell nproc) $(SRC)

lint-tidy:
	@printf '%s\n' $(SRC) | xargs -P $(shell nproc) -I {} clang-tidy --quiet {} -- -std=c11 $(DEFINES) $(INCLUDE) $(PKG_CFLAGS)

deb:                      ## a Debian package in build/deb
	$(DEPS) deb
	packaging/build-deb $(BUILD)/deb $(VERSION)

clean:                    ## remove everything that was built
	rm -rf build build-asan build-tsan build-fuzz

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

# ---- installing ----

BIN   = $(DESTDIR)$(PREFIX)/bin
SBIN  = $(DESTDIR)$(PREFIX)/sbin
SHARE = $(DESTDIR)$(PREFIX)/share
UNIT  = $(DESTDIR)$(PREFIX)/lib/systemd/system
ZSH   = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
MAN   = $(wildcard docs/*.1 docs/*.5 docs/*.8) $(BUILD)/lmsfs-semantics.7

$(BUILD)/lmsfs-semantics.7: docs/semantics.md packaging/semantics-man
	@mkdir -p $(@D)
	$(call say,MAN )
	$(Q)packaging/semantics-man >$@

install: all $(BUILD)/lmsfs-semantics.7          ## install below DESTDIR and PREFIX (/usr/local)
	install -d $(BIN) $(SBIN) $(UNIT) $(SHARE)/doc/lmsfs/examples $(SHARE)/bash-completion/completions $(ZSH)
	install -m 755 $(PROGRAMS) $(BIN)
	ln -sfn ../bin/lmsfs $(SBIN)/mount.lmsfs
	sed 's|@PREFIX@|$(PREFIX)|g' packaging/systemd/lmsfs@.service | install -m 644 /dev/stdin $(UNIT)/lmsfs@.service
	install -m 644 packaging/completions/lmsfs.bash $(SHARE)/bash-completion/completions/lmsfs
	install -m 644 packaging/completions/lmsfs.zsh $(ZSH)/_lmsfs
	install -m 644 examples/lmsfs.conf $(SHARE)/doc/lmsfs/examples
	for r in $$(find examples/recipes -type f); do \
		install -D -m $$(test -x $$r && echo 755 || echo 644) $$r $(SHARE)/doc/lmsfs/$$r || exit 1; done
	for m in $(MAN); do install -D -m 644 $$m $(SHARE)/man/man$${m##*.}/$${m##*/} || exit 1; done

uninstall:                ## remove what install put there
	rm -f $(BIN)/lmsfs $(BIN)/lmsfs-sandbox $(SBIN)/mount.lmsfs $(UNIT)/lmsfs@.service
	rm -f $(SHARE)/bash-completion/completions/lmsfs $(ZSH)/_lmsfs
	rm -f $(foreach m,$(MAN),$(SHARE)/man/man$(subst .,,$(suffix $m))/$(notdir $m))
	rm -rf $(SHARE)/doc/lmsfs
