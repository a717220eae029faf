# luaslack: `make demo` and `make test` need nothing but a Swift toolchain on Debian 12; what else is
# missing they install, and say so.

PREFIX  ?= /usr/local
DESTDIR ?=

SWIFT_RELEASE = swift build -c release --static-swift-stdlib --disable-local-rpath
RELEASE       = .build/release

BUILD_PACKAGES = liblua5.4-dev libsqlite3-dev libcurl4-openssl-dev pkg-config
TEST_PACKAGES  = $(BUILD_PACKAGES) binutils curl openssl procps socat strace util-linux
BENCH_PACKAGES = $(TEST_PACKAGES) python3

.PHONY: all build programs demo test torture fuzz check lint format layers bench install uninstall clean

all: build

# The three programs and the development Slack, in $(RELEASE); the shipped formatters are found
# beside them as they are when installed.
build: packages-build programs

programs:
	@for product in luaslack luaslackd luaslack-sandbox fake-slack; do \
	  tools/quiet-link $(SWIFT_RELEASE) --product $$product || exit 1; \
	done
	@tools/stage-scripts

demo: build
	@tools/demo $(RELEASE)

# Everything: the drivers and stages one by one, the formatters' cases, and the real programs.
test: packages-test programs
	@swift build --build-tests --quiet && tools/stage-scripts
	@LUASLACK_PROGRAMS="$(CURDIR)/$(RELEASE)" swift test --skip-build --parallel

# The full numbers of what `make test` does a slice of: faults of the network, kills, races, storms,
# full disks, upgrades, a backlog, hostile events, damaged bytes. Five minutes at most; the figures
# come last. LUASLACK_OLD_PROGRAMS=DIRECTORY of older programs: these are upgraded from, and back.
TORTURE = KillingTests|WakingTests|OverflowTests|EscapingTests|DecodingTests|FaultTests|StormTests
TORTURE := $(TORTURE)|DiskTests|RaceTests|UpgradeTests|BacklogTests|CommandTests.DatabaseTests|ClockTests
FIGURES = $(CURDIR)/.build/torture-figures
torture: packages-test programs
	@swift build --build-tests --quiet && tools/stage-scripts
	@rm -f "$(FIGURES)"
	@LUASLACK_LONG=1 LUASLACK_FIGURES="$(FIGURES)" LUASLACK_PROGRAMS="$(CURDIR)/$(RELEASE)" \
	  swift test --skip-build --filter '$(TORTURE)'; status=$$?; \
	  echo; sort "$(FIGURES)"; exit $$status

# libFuzzer on what decodes other programs' bytes; what it finds is kept in Fuzz/crashes.
FUZZ_SECONDS ?= 60
fuzz: packages-build
	@Fuzz/run $(FUZZ_SECONDS)

check: lint layers test

# Not all of Fuzz/: its Sources are links into ours.
FUZZ_SWIFT = Fuzz/Package.swift Fuzz/Sources/fuzz/Fuzz.swift

lint:
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests $(FUZZ_SWIFT)

format:
	@swift format --in-place --recursive --parallel Package.swift Sources Tests $(FUZZ_SWIFT)

layers:
	@tools/check-layers

bench: packages-bench programs
	@python3 Benchmarks/accept.py $(RELEASE)
	@python3 Benchmarks/format.py $(RELEASE)
	@python3 Benchmarks/deliver.py $(RELEASE)

# bin/ holds what people type; libexec/ what only luaslack and systemd start.
# Builds only what is not there: root need not have a Swift toolchain.
install:
	@test -x $(RELEASE)/luaslack -a -x $(RELEASE)/luaslackd -a -x $(RELEASE)/luaslack-sandbox \
	  || $(MAKE) build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/luaslack
	install -d $(DESTDIR)$(PREFIX)/share/luaslack
	install -s $(RELEASE)/luaslack $(DESTDIR)$(PREFIX)/bin/
	install -s $(RELEASE)/luaslackd $(RELEASE)/luaslack-sandbox $(DESTDIR)$(PREFIX)/libexec/luaslack/
	cp -R --no-preserve=ownership scripts action.d $(DESTDIR)$(PREFIX)/share/luaslack/
	sed -i 's|^luaslack = luaslack$$|luaslack = $(PREFIX)/bin/luaslack|' \
	  $(DESTDIR)$(PREFIX)/share/luaslack/action.d/luaslack.conf
	install -d $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	install -m 0644 packaging/sysusers.d/luaslack.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/
	install -m 0644 packaging/tmpfiles.d/luaslack.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/luaslack
	rm -rf $(DESTDIR)$(PREFIX)/libexec/luaslack $(DESTDIR)$(PREFIX)/share/luaslack
	rm -f $(DESTDIR)$(PREFIX)/lib/sysusers.d/luaslack.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/luaslack.conf

clean:
	rm -rf .build

packages-build:
	@tools/need-packages $(BUILD_PACKAGES)
packages-test:
	@tools/need-packages $(TEST_PACKAGES)
packages-bench:
	@tools/need-packages $(BENCH_PACKAGES)
