//go:build linux

// Command bench runs netclients and its peers side by side against the real servers of internal/interop, and prints the
// time and resources of each. README.md in this folder explains how to read the numbers.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
)

type options struct {
	run, peers *regexp.Regexp
	rounds     int
	accounts   int // of the workload fleet
	markdown   string
	before     string // an older build, measured alongside this one
	growth     string // folder for the charts of how cost grows; empty: the workloads are run
	most       int    // items of those
}

func main() {
	opts, err := parseFlags(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err = bench(ctx, opts, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseFlags(args []string) (options, error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	run := fs.String("run", "", "run only the workloads whose name matches `REGEXP`")
	peers := fs.String("peer", "", "run only the peers whose name matches `REGEXP`")
	accounts := fs.Int("accounts", 1000, "accounts of the fleet's migration")
	rounds := fs.Int("rounds", 5, "timed rounds, after one to warm up")
	before := fs.String("before", "", "also measure the netclients binary at `PATH`, as the state before a change")
	growth := fs.String("growth", "", "measure how cost grows with the number of items, and draw it as SVG into `FOLDER`")
	most := fs.Int("most", 100_000, "with -growth: up to so many items")
	markdown := fs.String("md", "", "also write the tables into `FILE`, between its results markers")
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	opts := options{accounts: *accounts, rounds: max(*rounds, 1), markdown: *markdown, before: *before, growth: *growth, most: *most}
	var err error
	for _, re := range []struct {
		to   **regexp.Regexp
		text string
	}{{&opts.run, *run}, {&opts.peers, *peers}} {
		if *re.to, err = regexp.Compile(re.text); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			return options{}, err
		}
	}
	return opts, nil
}

// workloads lists all workloads, one function per protocol.
func workloads(accounts int) []workload {
	return slices.Concat(startup(), ftp(), web(), pop3(), imap(), gopher(), xmlrpc(), smtp(), nntp(), sockets(), fleet(accounts))
}

func bench(ctx context.Context, opts options, out, log io.Writer) error {
	l, err := newLab(ctx, log)
	if err != nil {
		return err
	}
	defer l.close()
	if opts.growth != "" {
		if l.buildErr != nil {
			return l.buildErr
		}
		return grow(ctx, l, opts, out)
	}
	var results []result
	for _, w := range workloads(opts.accounts) {
		if !opts.run.MatchString(w.name) {
			continue
		}
		if opts.before != "" {
			w.peers = withBefore(w.peers, opts.before)
		}
		r, err := w.measure(ctx, l, opts, log)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		if err := writeText(out, r); err != nil {
			return err
		}
		results = append(results, r)
	}
	return report(ctx, l, opts, results, out)
}

// report writes the Markdown, and fails if netclients failed: the failure of a peer is only shown.
func report(ctx context.Context, l *lab, opts options, results []result, out io.Writer) error {
	text := markdown(results, machine(ctx), opts.rounds)
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if opts.markdown != "" {
		if err := replaceResults(opts.markdown, text); err != nil {
			return err
		}
	}
	if l.buildErr != nil {
		return fmt.Errorf("netclients was not measured: %w", l.buildErr)
	}
	for _, r := range results {
		for _, row := range r.rows {
			if row.peer.ours() && row.failure != "" {
				return fmt.Errorf("%s: %s: %s", r.workload.name, row.peer.name, row.failure)
			}
		}
	}
	return nil
}
