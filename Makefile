# make test   all tests, with the race detector; real servers too where they are installed
# make check  what a change should pass before it is committed
# make bench  side by side with other programs, on the real servers (see bench/README.md)

GO ?= go
export CGO_ENABLED ?= 1

.PHONY: build test check lint fuzz fuzz-some wine bench docs servers release licenses

build: ## the static binary, in ./bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/netclients ./cmd/netclients

SHUFFLE ?= on
test: ## SHUFFLE= keeps the order of the tests, and Go then takes results of tests whose inputs have not changed
	CGO_ENABLED=0 $(GO) vet ./...
	$(GO) test -race $(if $(SHUFFLE),-shuffle=$(SHUFFLE)) -timeout 20m ./...

check: test
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt would change:'; gofmt -l $$(git ls-files '*.go'); exit 1; }

lint: ## what .golangci.yml asks for
	golangci-lint run ./...

FUZZTIME ?= 10s
fuzz: ## each fuzz target for $(FUZZTIME)
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; done

# Which targets fuzz-some takes changes from day to day: one in $(FUZZSHARE). They run a number of
# inputs, not of seconds: at the end of a time the fuzzer can report its own deadline as a failure.
FUZZSHARE ?= 12
FUZZSOME ?= 20000x
fuzz-some: ## a few fuzz targets, $(FUZZSOME) inputs each
	@git grep -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | \
	  awk -v day=$$(( $$(date +%s) / 86400 )) -F: '(NR + day) % $(FUZZSHARE) == 0 {sub("/[^/]*$$", "", $$1); sub("func ", "", $$2); print "./" $$1, $$2}' | \
	  while read -r pkg f; do echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZSOME) "$$pkg" </dev/null || exit 1; done

wine: ## unit tests of the Windows build, where Debian's wine is installed
	packaging/wine.sh

servers: ## install and start the real servers for the interoperability tests (root, Debian)
	internal/interop/servers.sh install
	internal/interop/servers.sh up

bench: servers
	internal/interop/servers.sh peers
	$(GO) run ./bench -md bench/README.md

docs: ## what is generated: docs/verbs.md, docs/schema, docs/parity.md
	$(GO) test ./internal/cli -run 'TestVerbsDoc|TestSchemas' -update
	$(GO) test ./internal/check -run TestParityDoc -update

release: ## everything that a release publishes, in ./dist; the version is the commit's tag
	packaging/release.sh dist

licenses: ## the licences of all modules in the program
	packaging/licenses.sh
