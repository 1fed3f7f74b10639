# SPDX-License-Identifier: ISC
#
# Tests: included by the Makefile.  Every suite is a .bats file or a program
# that writes TAP; tests/run runs them and keeps the tally that .ci/run adds
# up.  What is quick enough for every change is `check`; `check-long` goes
# deeper, with seeds that it prints.

RUN = tests/run

# unit tests: tests/unit/NAME.c, each a program of its own; and our side of
# the differential test
UNIT = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))

$(B)/unit/%: $(B)/tests/unit/%.o $(B)/librk.a
	@mkdir -p $(@D)
	$(call say,$(CC) $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lwebsockets -ljq -lrabbitmq -lsqlite3 -ljwt \
		$(TLS) $(LIBS)

$(B)/differ/oracle: $(B)/tests/differ/oracle.o $(B)/librk.a
	@mkdir -p $(@D)
	$(call say,$(CC) $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# The sanitizers are the compiler's own; what a library leaks by design is
# named in tests/lsan.supp.  RK_SLOW: what limits are multiplied by.
SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
ASAN = B=build/asan BIN=build/asan/bin LTO= CFLAGS='$(SANITIZE)'

# Part after part, whatever fails; the end tells.
define parts
	@for part in $(1); do $(MAKE) -j2 $$part || :; done
	@$(RUN) --tally $(1)
endef

#: make check       everything quick: lint, unit, bats, asan (about 10 min)
check: test-deps
	$(call parts,lint unit bats asan)

#: make check-long  what takes longer: kills, soak, fuzzing; prints its seeds
check-long: test-deps
	$(call parts,long asan-long)

#: make test-deps   install what the tests need besides
test-deps: deps
	@tests/deps test

#: make lint        boundaries, style, man pages, completions, warnings
lint: all
	@$(RUN) lint tests/lint

objects: $(patsubst %.c,$(B)/%.o,$(shell find lib src tests/unit tests/differ \
	tests/fuzz -name '*.c'))

#: make unit        the parts, in C, and the scanner against another parser
unit: unit-build
	@RK_ORACLE=$(B)/differ/oracle $(RUN) unit $(UNIT) tests/differ/run

unit-build: $(UNIT) $(B)/differ/oracle

#: make bats        the programs, with real peers; BATS=FILE... for a few
# minutes of kills, of a broker's faults, and of valgrind: in check-long
AUDIT = tests/audit.bats tests/broker.bats tests/kills.bats \
	tests/promises.bats tests/valgrind.bats
BATS = $(filter-out $(AUDIT),$(wildcard tests/*.bats))
bats: all
	@JOBS=3 $(RUN) bats $(BATS)

#: make asan        unit and bats under AddressSanitizer and UBSan
WITH_ASAN = RK_BIN=$(CURDIR)/build/asan/bin RK_SLOW=4 \
	RK_ORACLE=build/asan/differ/oracle
asan: asan-build
	@JOBS=3 $(WITH_ASAN) $(RUN) asan \
		$(UNIT:$(B)/%=build/asan/%) tests/differ/run \
		$$(grep -L '^# asan: \(no\|long\)' $(BATS))

# those that take their time
asan-long: asan-build
	@JOBS=3 $(WITH_ASAN) $(RUN) asan-long \
		$$(grep -l '^# asan: long' $(BATS) $(AUDIT))

asan-build:
	@$(MAKE) $(ASAN) all unit-build

# what takes longer: the same suites, those that ask, told so; three at a time,
# for the longest of them mostly wait
long: all unit-build
	@$(MAKE) $(FUZZ) fuzz-build
	@RK_LONG=1 LIMIT=900 JOBS=$${JOBS:-3} $(RUN) long $(UNIT) tests/differ/run tests/fuzz/run \
		$(AUDIT) $$(grep -l RK_LONG $(BATS))

#: make promises    measures what a death costs, and writes it into rk(7)
promises: test-deps all
	RK_PROMISES=1 bats tests/promises.bats
	node tests/audit/promises.js page <man/rk.7 >$(B)/rk.7
	cp $(B)/rk.7 man/rk.7

# the load, the floor, and what else a measurement needs
BENCH_C = $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
BENCH = $(BENCH_C) $(B)/bench/load/load
$(BENCH): $(B)/librk.a
	@mkdir -p $(@D)
	$(call say,$(CC) $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $< $(TLS) $(LIBS)

$(BENCH_C): $(B)/bench/%: $(B)/tests/bench/%.o
$(B)/bench/load/load: $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/load/*.c))

#: make bench       ours, the floor and the peers side by side; CASE=fan1k
bench: all $(BENCH)
	@tests/deps test
	@tests/deps bench
	@tests/bench/run $(CASE)

#: make bench-instr instructions a message costs each program; CASE=route_dot
bench-instr: all $(B)/bench/load/load
	@tests/deps test
	@tests/bench/instr $(CASE)

# fuzz targets: tests/fuzz/NAME.c, with a library that clang has prepared
FUZZ = B=build/fuzz CC=clang CFLAGS='-O1 -g -fsanitize=fuzzer-no-link \
	-fsanitize=address,undefined -fno-sanitize=pointer-overflow \
	-fno-sanitize-recover=all'

fuzz-build: $(patsubst tests/fuzz/%.c,$(B)/%,$(wildcard tests/fuzz/*.c))

$(B)/%: $(B)/tests/fuzz/%.o $(B)/librk.a
	$(call say,$(CC) $@)
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer -o $@ $^ -lwebsockets -ljq \
		-lrabbitmq $(TLS) $(LIBS)

.PHONY: asan asan-build asan-long bats bench bench-instr check check-long fuzz-build lint \
	long objects promises test-deps unit unit-build
