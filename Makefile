# The two commands are `make demo` and `make test`. Each installs what it needs and says why.

GO      ?= go
BIN     := bin/assay
EXIT    ?=
export CGO_ENABLED ?= 0

# Lint vets everything, so tests need not; -trimpath lets them use what `build` compiled.
TEST       = $(GO) test -vet=off -trimpath
BENCHMARKS = $(shell git grep -l '^func Benchmark' -- '*_test.go' ':!packaging' | xargs -n 1 dirname | sort -u | sed 's,^,./,')

# The race detector does not watch the SQLite engine: C translated into Go, of which each connection's is its own. Watched,
# it takes four times the processor's time. Who calls it is watched, as everything else.
RACE = CGO_ENABLED=1 $(GO) test -race -vet=off -gcflags='modernc.org/...=-race=false'

.PHONY: demo test build release boot reference setup setup-test lint bench suites soak fuzz evidence screenshots clean

## demo: start a laboratory with the examples, send traffic, print verdicts (EXIT=1 ends by itself)
demo: setup build
	$(GO) run ./examples/demo -assay $(BIN) $(if $(EXIT),-exit)

## test: everything that CI runs
test: setup-test lint
	$(RACE) -timeout 40m -skip '^TestFaultMatrix$$' ./...
	$(RACE) -v -run '^TestFaultMatrix$$' ./cli
	GOFLAGS=-trimpath ./scripts/fuzz 3s
	$(TEST) -run Simulated ./judge
	$(TEST) -run '^TestNodeOnAWS$$' ./suite/run
	$(TEST) -run '^$$' -bench . -benchtime 1x $(BENCHMARKS) >/dev/null
	cd packaging && $(GO) vet ./... && $(GO) test -timeout 20m ./...
	./scripts/cold-clone

build:
	$(GO) build -trimpath -buildvcs=auto -o $(BIN) ./cmd/assay

lint:
	test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	GOFLAGS=-trimpath $(GO) vet ./...
	GOFLAGS=-trimpath $(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
	GOOS=darwin GOARCH=arm64 $(GO) build -trimpath -o /dev/null ./cmd/assay

## release: make archives, Debian packages, bills of materials and checksums of this commit in dist/
release:
	./scripts/release

## boot: install the Debian package on a Debian that systemd boots in QEMU, have functions run there, upgrade and purge it
boot:
	./scripts/boot

## reference: write docs/reference anew, from what the code says of itself
reference: build
	$(BIN) man --markdown docs/reference

## screenshots: make the pictures of the README anew, and one of every page in every state into .screenshots
screenshots: setup-test build
	./scripts/screenshots

## bench: print the committed benchmarks' figures, then what Assay costs its clients beside nginx and HAProxy
bench: setup-test
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./bench -assay $(BIN)
	$(GO) run ./bench/suites -assay $(BIN)

## suites: run the tests of real projects as a whole with assay test, and compare each outcome with their own runner's
suites: setup-test
	ASSAY_SUITES=1 $(GO) test -count 1 -timeout 30m -run '^TestReal' -v ./suite/run

## soak: 100,000 requests under the race detector, while candidates, definitions and clients do what they like
soak: setup-test
	ASSAY_SOAK=100000 $(RACE) -count 1 -timeout 60m -run TestSoak -v ./cli

## fuzz: look for inputs that break what reads requests, events and definitions, two minutes each
fuzz:
	./scripts/fuzz 2m

## evidence: simulate what verdicts reach, ten times as often as the tests do, and write a report to .evidence;
## compare a million documents with themselves, and a million pairs either way
evidence:
	EVIDENCE=$(CURDIR)/.evidence $(GO) test -count 1 -timeout 60m -run Simulated -v ./judge
	$(GO) test -count 1 -timeout 60m -run "Reflexive|MirroredDocuments" ./compare/json -args -documents 1000000
	@echo "See .evidence/index.html; .evidence/table.md is the table of docs/evidence.md"

setup:
	./scripts/setup demo

setup-test: build
	./scripts/setup test

clean:
	rm -rf bin
