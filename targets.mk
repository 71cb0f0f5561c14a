# SPDX-License-Identifier: BSD-2-Clause
# The targets a person types. The rules that build are in Makefile; what a check stage does is in tests/<stage>/run.sh.
SUBMAKE := $(MAKE) --no-print-directory
UNIT_PROGRAMS := $(foreach p,$(TEST_PROGRAMS),$(if $(filter tests/unit-%,$(p)),$(if $($(p)_SRCS),$(p))))
OTHER_TEST_PROGRAMS := $(foreach p,$(filter-out tests/unit-%,$(TEST_PROGRAMS)),$(if $($(p)_SRCS),$(p)))
FORMATTED := $(shell git ls-files '*.cc' '*.h' 2>/dev/null)

help:
	@echo 'make demo         build, then run every service on 127.0.0.1 in the foreground (DEMO_ARGS=... is passed on)'
	@echo 'make check        build and every test stage, about 20 minutes (STAGES="unit lint" runs only these)'
	@echo 'make all          build only; MODE=opt (default), asan, clang, fuzz'
	@echo 'make deps         install the missing Debian packages (root) or print the apt line'
	@echo 'make check-asan   unit tests and dialogs with AddressSanitizer and UBSan'
	@echo 'make check-clang  everything built by clang++, unit tests run'
	@echo 'make check-all    check, check-clang, tidy of every file'
	@echo 'make fuzz         long fuzzing of every target (FUZZ_SECONDS=60 each)'
	@echo 'make bench        posada and its peers side by side'
	@echo 'make bench-core   what a connection, a handshake, a privileged request and an idle session cost'
	@echo 'make shape        sizes, include arrows, duplicates of the tree in numbers (AT=REVISION: as of then)'
	@echo 'make soak         thousands of kills under load, and of FTP transfers that are cut'
	@echo 'make install      DESTDIR= PREFIX=/usr SYSCONFDIR=/etc; make uninstall removes what the manifest lists'
	@echo 'make format tidy lint   clang-format in place; clang-tidy on all files; the lint stage alone'

deps:
	@packaging/deps.sh build test

# The build list only: a newcomer needs no test tool to see the demo.
demo:
	@packaging/deps.sh build
	@$(SUBMAKE) -j$$(nproc) all
	@exec $(B)/bin/posada demo $(DEMO_ARGS)

check:
	@packaging/deps.sh build test
	@exec tests/run.sh $(STAGES)

check-asan:
	@packaging/deps.sh build test
	@exec tests/run.sh asan

check-clang:
	@packaging/deps.sh build test
	@exec tests/run.sh clang

check-all:
	@packaging/deps.sh build test
	@exec tests/run.sh all

bench-core:
	@BENCH=core exec tests/bench/long.sh

fuzz bench soak:
	@packaging/deps.sh build test
	@exec tests/$@/long.sh

lint:
	@exec tests/lint/run.sh
shape:
	@exec python3 tests/lint/shape.py $(AT)

tests: $(patsubst %,$(B)/%,$(UNIT_PROGRAMS) $(OTHER_TEST_PROGRAMS))
unit-tests: $(patsubst %,$(B)/%,$(UNIT_PROGRAMS))
list-unit-tests:
	@for p in $(UNIT_PROGRAMS); do echo $(B)/$$p; done

list-programs:
	@for p in $(PROGRAMS); do echo $$p; done

format:
	clang-format -i $(FORMATTED)
tidy:
	@exec tests/lint/tidy.sh all

include packaging/install.mk

.PHONY: help deps demo check check-asan check-clang check-all fuzz bench bench-core soak lint shape tests unit-tests list-unit-tests list-programs format tidy
