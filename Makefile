# luaslack: `make demo` and `make test` need nothing but a Swift toolchain on Debian 12; what else is
# missing they install, and say so.

PREFIX  ?= /usr/local
DESTDIR ?=
UNITS   ?= $(PREFIX)/lib/systemd/system
# Debian's zsh looks into different places for packages and for the rest.
ZSH     ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)

SWIFT_RELEASE = swift build -c release --static-swift-stdlib --disable-local-rpath
RELEASE       = .build/release

BUILD_PACKAGES = liblua5.4-dev libsqlite3-dev libcurl4-openssl-dev libmaxminddb-dev libc-ares-dev pkg-config python3
DEB_PACKAGES   = $(BUILD_PACKAGES) debhelper dpkg-dev
TEST_PACKAGES  = $(BUILD_PACKAGES) binutils busybox-static curl fish gcc mandoc openssl procps python3-yaml socat strace systemd util-linux zsh
# A real fail2ban as well, but not where installing it would start its service: its tests are skipped then.
ifeq ($(wildcard /run/systemd/system),)
TEST_PACKAGES += fail2ban
endif
LONG_PACKAGES  = $(TEST_PACKAGES) $(DEB_PACKAGES) debootstrap lintian
BENCH_PACKAGES = $(TEST_PACKAGES)
# Other fonts would draw other pictures.
PICTURE_PACKAGES = $(BUILD_PACKAGES) chromium fonts-dejavu-core fonts-lato fonts-noto-color-emoji pngquant

.PHONY: all build programs demo test torture fuzz check lint format layers bench install uninstall deb test-deb test-systemd pages pictures clean

all: build

# The three programs and the development Slack, in $(RELEASE); the shipped formatters are found
# beside them as they are when installed.
build: packages-build programs pages

programs:
	@for product in luaslack luaslackd luaslack-sandbox fake-slack; do \
	  tools/quiet-link $(SWIFT_RELEASE) --product $$product || exit 1; \
	done
	@tools/stage-scripts

# What the programs say of themselves, as man pages and completions.
PAGES = .build/pages
pages:
	@tools/make-pages $(RELEASE) $(PAGES)

demo: build
	@tools/demo $(RELEASE)

# Everything: the drivers and stages one by one, the formatters' cases, and the real programs. ONLY=WarningTests:
# what that regular expression finds.
test: packages-test programs pages
	@swift build --build-tests --quiet && tools/stage-scripts
	@LUASLACK_PROGRAMS="$(CURDIR)/$(RELEASE)" tools/run-tests $(ONLY)

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

# Packages of their own, of which most Sources are links into ours.
ASIDE_SWIFT = Fuzz/Package.swift Fuzz/Sources/fuzz/Fuzz.swift Benchmarks/History/Package.swift \
  Benchmarks/History/Sources/history

lint:
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests $(ASIDE_SWIFT)

format:
	@swift format --in-place --recursive --parallel Package.swift Sources Tests $(ASIDE_SWIFT)

layers:
	@tools/check-layers

bench: packages-bench programs
	@python3 Benchmarks/accept.py $(RELEASE)
	@python3 Benchmarks/format.py $(RELEASE)
	@python3 Benchmarks/deliver.py $(RELEASE)
	@python3 Benchmarks/firewall.py $(RELEASE)
	@python3 Benchmarks/preview.py $(RELEASE)
	@python3 Benchmarks/history.py $(RELEASE)
	@python3 Benchmarks/addresses.py $(RELEASE)

# The docs' pictures, as docs/pictures/recipe.txt says, from `luaslack preview --html` in Chromium. `make test`
# says when they are not what the programs show any more.
pictures: packages-pictures programs
	@tools/make-pictures $(RELEASE)

UNIT_NAMES = luaslackd.service luaslack-resume.service luaslack-resume.timer luaslack-failure@.service \
  luaslack-report.service luaslack-report.timer
MAN_PAGES  = luaslack.1 luaslackd.8 luaslack-config.5 luaslack-formatters.7

# bin/ holds what people type; libexec/ what only luaslack and systemd start.
# Builds only what is not there: root need not have a Swift toolchain.
install:
	@test -x $(RELEASE)/luaslack -a -x $(RELEASE)/luaslackd -a -x $(RELEASE)/luaslack-sandbox \
	  -a -d $(PAGES) || $(MAKE) build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/luaslack
	install -d $(DESTDIR)$(PREFIX)/share/luaslack
	install -s $(RELEASE)/luaslack $(DESTDIR)$(PREFIX)/bin/
	install -s $(RELEASE)/luaslackd $(RELEASE)/luaslack-sandbox $(DESTDIR)$(PREFIX)/libexec/luaslack/
	install packaging/libexec/luaslack-failure $(DESTDIR)$(PREFIX)/libexec/luaslack/
	cp -R --no-preserve=ownership scripts action.d $(DESTDIR)$(PREFIX)/share/luaslack/
	sed -i 's|^luaslack = luaslack$$|luaslack = $(PREFIX)/bin/luaslack|' \
	  $(DESTDIR)$(PREFIX)/share/luaslack/action.d/luaslack*.conf
	install -d $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	install -m 0644 packaging/sysusers.d/luaslack.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/
	install -m 0644 packaging/tmpfiles.d/luaslack.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/
	install -d $(DESTDIR)$(UNITS) $(DESTDIR)$(ZSH)
	@for unit in $(UNIT_NAMES); do \
	  tools/unit $$unit $(PREFIX)/libexec/luaslack >$(DESTDIR)$(UNITS)/$$unit \
	    && chmod 0644 $(DESTDIR)$(UNITS)/$$unit || exit 1; \
	done
	@for page in $(MAN_PAGES); do \
	  install -D -m 0644 $(PAGES)/$$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page || exit 1; \
	done
	install -D -m 0644 $(PAGES)/luaslack.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/luaslack
	install -D -m 0644 $(PAGES)/luaslack.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/luaslack.fish
	install -m 0644 $(PAGES)/_luaslack $(DESTDIR)$(ZSH)/

# Takes away what install brought; events, the config and fail2ban's files stay.
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/luaslack
	rm -rf $(DESTDIR)$(PREFIX)/libexec/luaslack $(DESTDIR)$(PREFIX)/share/luaslack
	rm -f $(DESTDIR)$(PREFIX)/lib/sysusers.d/luaslack.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/luaslack.conf
	rm -f $(addprefix $(DESTDIR)$(UNITS)/,$(UNIT_NAMES))
	rm -f $(foreach page,$(MAN_PAGES),$(DESTDIR)$(PREFIX)/share/man/man$(patsubst .%,%,$(suffix $(page)))/$(page))
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/luaslack
	rm -f $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/luaslack.fish $(DESTDIR)$(ZSH)/_luaslack

# The Debian package, in .build/deb; `test-deb` builds it, asks lintian, and installs, upgrades and
# purges it in a Debian of its own; `test-systemd` boots such a Debian, with systemd as its process 1.
# SUITE=trixie does the same in Debian 13, with the package that was built here.
deb: packages-deb programs pages
	@tools/build-deb

SUITE ?= bookworm
test-deb: packages-long deb
	@tools/test-deb $(SUITE)

test-systemd: packages-long deb
	@tools/test-systemd $(SUITE)

clean:
	rm -rf .build

packages-build:
	@tools/need-packages $(BUILD_PACKAGES)
# RUNLEVEL: in which no init script starts what is installed.
packages-test:
	@RUNLEVEL=1 tools/need-packages $(TEST_PACKAGES)
packages-deb:
	@tools/need-packages $(DEB_PACKAGES)
packages-long:
	@RUNLEVEL=1 tools/need-packages $(LONG_PACKAGES)
packages-pictures:
	@tools/need-packages $(PICTURE_PACKAGES)
packages-bench:
	@RUNLEVEL=1 tools/need-packages $(BENCH_PACKAGES)
