# make build        the program, ./shoebox
# make test         every test of every run; installs what is missing on Debian when root
# make test-long    the same with large counts, and minutes of fuzzing
# make lint         format, vet, staticcheck, govulncheck, and all six platforms
# make bench        our speed beside restic, borg, kopia (built from source), cp, tar and adb, on a made-up camera roll
# make bench-blocks the speed of each building block, beside what is committed

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: build test test-long test-ablation bench bench-blocks lint format vet static cross vulnerable test-tools bench-tools

GO ?= go
# nodynamic keeps the decoder of HEIC inside its WebAssembly: without the tag there is none, see docs/decisions/0012-gallery.md.
export GOFLAGS ?= -buildvcs=false -tags=nodynamic

platforms := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

build:
	$(GO) build -o shoebox ./cmd/shoebox

# command:package of Debian. gcc is for -race only: shoebox itself is pure Go.
test-tools: tools := gcc:gcc adb:adb chromium:chromium ffmpeg:ffmpeg toybox:toybox age:age b3sum:b3sum \
	dbus-daemon:dbus-daemon gdbus:libglib2.0-bin notify-send:libnotify-bin
bench-tools: tools := adb:adb chromium:chromium toybox:toybox restic:restic borg:borgbackup b3sum:b3sum /usr/bin/time:time
test-tools bench-tools:
	@missing=
	for tool in $(tools); do command -v $${tool%%:*} >/dev/null || missing+=" $${tool##*:}"; done
	[[ " $$missing" == *" gcc"* ]] && missing+=" libc6-dev"
	[ "$@" != test-tools ] || /usr/bin/python3 -c 'import cryptography, zstandard, aiosmtpd' 2>/dev/null || missing+=" python3 python3-cryptography python3-zstandard python3-aiosmtpd"
	[ -n "$$missing" ] || exit 0
	if ! command -v apt-get >/dev/null || [ "$$(id -u)" != 0 ]; then
		echo "make: the tests need these Debian packages:$$missing" >&2
		echo "make: install them (as root: apt-get install$$missing), then try again" >&2
		exit 1
	fi
	echo "installing$$missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing

# First everything but the proofs under the race detector; then the proofs, and of the other packages the tests in whose files something is counted, with
# the counts of every run, which tally holds against the table in bench/proof. SHOEBOX_COUNTS gathers them. Last the gallery of 100,000
# pictures, and the decoder of HEIC, which the race detector slows down too much.
proofs := ./bench/proof/... ./chunk ./device/... ./repo/... ./snapshot ./snapshot/clearance
counting := { ls bench/proof/*_test.go; grep -rlE --include='*_test.go' 'tried\.Cases|proof\.(Count|Pick)|law\.Block' .; } | xargs sed -nE 's/^func (Test\w+)\(t .*/\1/p' | sort -u | paste -sd '|'
test: test-tools vet
	$(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v '^shoebox/bench/proof$$')
	counts=$$(mktemp) && trap 'rm -f "$$counts"' EXIT
	SHOEBOX_PROOF=1 SHOEBOX_COUNTS=$$counts $(GO) test -timeout 30m -run "^($$($(counting)))$$" $(proofs)
	SHOEBOX_PROOF=1 $(GO) test -timeout 20m -run '^(TestMany|TestHEIC|TestHostileHEIC)$$' ./gallery ./gallery/thumb
	$(GO) run ./bench/proof/tally -level every $$counts

# Leaves out each step of repo/guard in turn and sees a named test fail: about two minutes.
test-ablation:
	SHOEBOX_LONG=1 $(GO) test -count=1 -v -timeout 30m ./bench/proof/ablation

# SHOEBOX_LONG asks the tests for their large counts. Each fuzz target then runs for FUZZTIME. COUNTS keeps what was counted: a long run
# may be made in parts, with LONG naming the tests of each.
FUZZTIME ?= 60s
LONG ?= .
COUNTS ?= $(shell mktemp)
test-long: test-tools vet
	SHOEBOX_LONG=1 SHOEBOX_COUNTS=$(COUNTS) $(GO) test -timeout 12h -run '$(LONG)' ./...
	for package in $$($(GO) list ./...); do
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do
			echo "$$package $$target"
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package
		done
	done
	$(GO) run ./bench/proof/tally -level long $(COUNTS)

# BENCH takes flags of the program: BENCH='-size 1 -rows roll'; -h names the rows. The table and the JSON go to bench/results.
bench: bench-tools
	$(GO) run ./bench $(BENCH)

# Each benchmark six times, for benchstat, which needs as many to tell a difference from noise: first a table against what is committed, where
# something is, then what was measured, which benchstat can read again. BLOCKS is a pattern of names. Sizes is a sweep, and no block.
BLOCKS ?= .
BLOCKRUNS ?= 6
BLOCKTIME ?= 0.3s
BENCHSTAT ?= golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
results := bench/results/blocks.txt
bench-blocks: bench-tools
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT
	packages=$$($(GO) list ./chunk ./index ./repo/... ./device/... ./snapshot/... | grep -v 'test$$')
	INDEX_ENTRIES=300000 $(GO) test -run '^$$' -bench '$(BLOCKS)' -skip '^BenchmarkSizes$$' -benchmem -count $(BLOCKRUNS) -benchtime $(BLOCKTIME) -timeout 1h $$packages |
		grep -Ev '^(PASS|ok|\?|no test)' | tee "$$dir/now"
	cd "$$dir"
	git -C '$(CURDIR)' show 'HEAD:$(results)' >committed 2>/dev/null || rm committed
	GOFLAGS= $(GO) run $(BENCHSTAT) $$([ ! -e committed ] || echo committed) now >table ||
		echo 'benchstat could not be run: what follows was measured and not yet compared' | tee table >&2
	cat table <(echo) now >'$(CURDIR)/$(results)'
	cat table

lint: format vet static cross vulnerable

format:
	@files=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go'))
	[ -z "$$files" ] || { echo "not formatted; run gofmt -w on:" >&2; echo "$$files" >&2; exit 1; }

vet:
	$(GO) vet ./...

static:
	$(GO) tool staticcheck ./...

# vet reads the tests too; build proves that everything links without cgo.
cross:
	for platform in $(platforms); do
		export GOOS=$${platform%/*} GOARCH=$${platform#*/} CGO_ENABLED=0
		echo "vet and build for $$platform"
		$(GO) vet ./...
		$(GO) build -o /dev/null ./cmd/shoebox
	done

# A vulnerability found fails. A database that cannot be reached is said loudly and passes: see
# docs/decisions/0002-govulncheck-offline.md. VULNDB names another database, such as file:///path.
vulnerable:
	@if out=$$($(GO) tool govulncheck $(if $(VULNDB),-db $(VULNDB)) ./... 2>&1); then
		echo "$$out"
	elif [[ "$$out" == *"fetching vulnerabilities"* ]]; then
		echo "$$out" >&2
		echo "******************************************************************************" >&2
		echo "** NOT CHECKED for known vulnerabilities: the database cannot be reached.     **" >&2
		echo "** Run 'make vulnerable' where https://vuln.go.dev answers.                   **" >&2
		echo "******************************************************************************" >&2
	else
		echo "$$out" >&2
		exit 1
	fi

.ONESHELL:
