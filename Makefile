# make test   all tests, with the race detector; real servers too where they are installed
# make check  what a change should pass before it is committed
# make bench  side by side with other programs, on the real servers (see bench/README.md)

GO ?= go
export CGO_ENABLED ?= 1

.PHONY: build test check fuzz bench docs servers

build: ## the static binary, in ./bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/netclients ./cmd/netclients

test:
	$(GO) vet ./...
	$(GO) test -race -shuffle=on ./...

check: test
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt would change:'; gofmt -l $$(git ls-files '*.go'); exit 1; }

FUZZTIME ?= 10s
fuzz: ## each fuzz target for $(FUZZTIME)
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; done

servers: ## install and start the real servers for the interoperability tests (root, Debian)
	internal/interop/servers.sh install
	internal/interop/servers.sh up

bench: servers
	internal/interop/servers.sh peers
	$(GO) run ./bench -md bench/README.md

docs: ## what is generated
	$(GO) test ./internal/cli -run TestVerbsDoc -update
