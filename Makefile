# A thin front for Meson; `make help` lists the targets.
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
# Compile jobs on CI's two cores; tests and their servers run beside nothing else.
NINJA = ninja -j $(JOBS)

.PHONY: build demo test check lint format fuzz bench torture tsan run install clean help
.DEFAULT_GOAL := build

build: $(BUILD)/build.ninja ## build build/penstock; installs what it needs first
	@$(NINJA) -C $(BUILD) penstock

$(BUILD)/build.ninja: .deps/.done-build
	@test -f $@ || CC=$${CC:-gcc} meson setup $(BUILD) --prefix=/ >$(BUILD)-setup.log || { cat $(BUILD)-setup.log; exit 1; }
	@rm -f $(BUILD)-setup.log; touch $@

.deps/.done-build: tools/deps.sh
	@tools/deps.sh build

demo: build ## start a local S3 server with sample files and walk through a load
	@tools/deps.sh s3
	@tools/demo.py

test: build build-asan ## run every test; ends with one line: N passed, N failed
	@tools/deps.sh s3 test
	@$(NINJA) -C $(BUILD)
	@tools/run_tests

# The second compiler and the sanitizers in one build.
build-asan: .deps/.done-build
	@tools/deps.sh test
	@test -f $@/build.ninja || CC=clang-14 meson setup $@ -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized >$@-setup.log || { cat $@-setup.log; exit 1; }
	@rm -f $@-setup.log
	@$(NINJA) -C $@
.PHONY: build-asan

lint: build ## static checks: format, layers, words, links, clang-tidy, cppcheck, gcc -fanalyzer
	@tools/deps.sh check test
	@tools/lint

check: ## what CI runs: static checks, then every test
	@.ci/run

format: ## rewrite all C files in the house format
	@tools/deps.sh check
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

fuzz: ## fuzz every parser of foreign bytes for FUZZ_SECONDS (60) each
	@tools/deps.sh build test
	@tools/fuzz.sh $(FUZZ_SECONDS)

bench: build ## compare with DuckDB's own loader on about 500 MB; prints ratios
	@$(NINJA) -C $(BUILD) bench/bench_data bench/bench_server bench/bench_parse bench/bench_bzip2 bench/bench_filters bench/bench_schedules
	@bench/run.py $(CASES)

torture: build ## the long form of the crash and disk tests: some 30 minutes
	@tools/deps.sh s3 test
	@$(NINJA) -C $(BUILD)
	@PENSTOCK_TORTURE=1 meson test -C $(BUILD) --suite torture --print-errorlogs --timeout-multiplier 10
	@PENSTOCK_TORTURE=1 tools/run_tests integration -m torture -s

# Everything that shares memory between threads, but for DuckDB: it is not instrumented.
TSAN_TESTS = task part_writer object_stream http_client http_server s3_client s3_reader source_s3 source_file

tsan: .deps/.done-build ## run the tests of everything with threads under ThreadSanitizer
	@tools/deps.sh test
	@test -f build-tsan/build.ninja || CC=clang-14 meson setup build-tsan -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debugoptimized >build-tsan-setup.log || { cat build-tsan-setup.log; exit 1; }
	@rm -f build-tsan-setup.log
	@$(NINJA) -C build-tsan $(TSAN_TESTS:%=tests/unit/test_%)
	@meson test -C build-tsan --no-rebuild --print-errorlogs --timeout-multiplier 5 $(TSAN_TESTS)

run: build ## run build/penstock with ARGS
	@$(BUILD)/penstock $(ARGS)

install: build ## install to PREFIX (/usr/local), under DESTDIR when set
	@rm -rf $(BUILD)/stage
	@meson install -C $(BUILD) --no-rebuild --quiet --destdir stage
	mkdir -p $(DESTDIR)$(PREFIX)
	sed -i 's|@BINDIR@|$(PREFIX)/bin|; s|@DOCDIR@|$(PREFIX)/share/doc/penstock|' $(BUILD)/stage/lib/systemd/system/penstock.service
	cp -a $(BUILD)/stage/. $(DESTDIR)$(PREFIX)/

clean: ## remove what was built (not what was installed)
	rm -rf $(BUILD) build-asan build-tidy build-analyzer build-fuzz build-tsan

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
