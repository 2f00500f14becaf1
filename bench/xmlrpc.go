//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// xmlrpc measures consecutive small calls on a keep-alive connection, and one large response. Python's own server takes
// most of the time of a call, so the calls also go to nginx, which has a single prepared response.
func xmlrpc() []workload {
	return []workload{
		xmlrpcCalls("xmlrpc-calls", "2,000 small calls on one connection, to nginx with a fixed response", "XMLRPC_FAST"),
		xmlrpcCalls("xmlrpc-python", "2,000 calls of a small method on one connection to Python's xmlrpc.server, which takes most of the time itself", "XMLRPC"),
		xmlrpcRows(),
	}
}

const (
	xmlrpcURL    = "http://{XMLRPC}/RPC2"
	xmlrpcNumber = 2000
	xmlrpcRow    = 20000
)

func xmlrpcCalls(name, about, service string) workload {
	return workload{
		name:  name,
		about: about,
		times: 2,
		setup: func(l *lab) error {
			var b strings.Builder
			for i := range xmlrpcNumber {
				fmt.Fprintf(&b, "{\"method\":\"add\",\"params\":[%d,1000000]}\n", i)
			}
			return os.WriteFile(l.expand("{SCRATCH}/calls"), []byte(b.String()), 0o600)
		},
		check: lines(xmlrpcNumber, "100"),
		peers: []peer{
			{"netclients", []string{program, "xmlrpc", "multicall", "--one-by-one", "--batch", "{SCRATCH}/calls", "http://{" + service + "}/RPC2"}},
			{"python xmlrpc.client", python("xmlrpc_calls.py", "{"+service+"_PORT}", fmt.Sprint(xmlrpcNumber))},
		},
	}
}

func xmlrpcRows() workload {
	return workload{
		name:  "xmlrpc-rows",
		about: "one response with 20,000 structs, printed as JSON",
		check: holds("row 19999"),
		peers: []peer{
			{"netclients", []string{program, "xmlrpc", "call", "--json", xmlrpcURL, "rows", fmt.Sprint(xmlrpcRow)}},
			{"python xmlrpc.client", python("xmlrpc_rows.py", "{XMLRPC_PORT}", fmt.Sprint(xmlrpcRow))},
		},
	}
}

// holds returns a check that standard output, which may be one long line, contains a text.
func holds(text string) func(*lab) error {
	return func(l *lab) error {
		out, err := os.ReadFile(l.stdout())
		if err == nil && !bytes.Contains(out, []byte(text)) {
			err = errors.New("standard output lacks " + text)
		}
		return err
	}
}
