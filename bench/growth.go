//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// growing is work whose size grows, against a server in this process: what counts is the client's own cost.
type growing struct {
	name  string
	serve func(n int) (url string, end func(), err error)
	argv  []string // with {URL}
}

// growth lists the kinds of work.
func growth() []growing {
	return []growing{
		{"lines of a listing (FTP, ls --json)", servesTree(1 << 30), []string{program, "ls", "--json", "--tls", "off", "{URL}"}},
		{"lines of a sorted listing (FTP, ls --sort name)", servesTree(1 << 30), []string{program, "ls", "--sort", "name", "--json", "--tls", "off", "{URL}"}},
		{"files of a tree (FTP, sync)", servesTree(1000), []string{program, "sync", "--quiet", "--tls", "off", "{URL}", "{OUT}/tree"}},
		{"messages of a mailbox (POP3, sync to an mbox)", servesMail, []string{program, "sync", "--quiet", "--tls", "off", "{URL}", "mbox:{OUT}/box"}},
		{"articles of a group (NNTP, sync to an mbox)", servesNews, []string{program, "sync", "--quiet", "--tls", "off", "{URL}", "mbox:{OUT}/box"}},
	}
}

// servesTree serves n small files, so many in one folder.
func servesTree(folder int) func(n int) (string, func(), error) {
	return func(n int) (string, func(), error) {
		tree := base.NewTree()
		for i := range n {
			dir := fmt.Sprintf("folder-%04d", i/folder)
			if i%folder == 0 {
				if err := tree.MkdirAll(dir); err != nil {
					return "", nil, err
				}
			}
			if err := tree.WriteFile(fmt.Sprintf("%s/file-%07d.txt", dir, i), []byte("a small file\n")); err != nil {
				return "", nil, err
			}
		}
		s, err := ftplab.Start(ftplab.Options{Tree: tree})
		if err != nil {
			return "", nil, err
		}
		url := "ftp://alice@" + s.Addr() + "/"
		if n <= folder {
			url += "folder-0000/"
		}
		return url, func() { _ = s.Close() }, nil
	}
}

func servesMail(n int) (string, func(), error) {
	mail := maillab.NewMailboxes(maillab.Limits{Messages: n, Bytes: 1 << 40})
	for i := range n {
		text := fmt.Sprintf("From: a@netclients.invalid\r\nMessage-ID: <%d@netclients.invalid>\r\nSubject: message %d\r\n\r\ntext\r\n", i, i)
		if _, err := mail.Append("alice", maillab.Inbox, []byte(text), nil, time.Unix(1_700_000_000, 0)); err != nil {
			return "", nil, err
		}
	}
	s, err := maillab.StartPOP3(maillab.POP3Options{Mail: mail, Shared: true})
	if err != nil {
		return "", nil, err
	}
	return "pop3://alice@" + s.Addr() + "/", func() { _ = s.Close() }, nil
}

func servesNews(n int) (string, func(), error) {
	address, err := scriptedNews(n)
	return "nntp://" + address + "/local.bench", func() {}, err
}

// grown is what one size has cost.
type grown struct {
	n       int
	cpu     time.Duration // of the median run
	peakKiB int64         // of the largest
}

// grow measures each kind of work at 1,000, 10,000 and so on up to opts.most items, prints a table, and draws the CPU
// time for each item and the peak memory as SVG into a folder.
func grow(ctx context.Context, l *lab, opts options, out io.Writer) error {
	var cpu, memory []curve
	fmt.Fprint(out, "| work | items | CPU s | CPU µs for each | peak MiB |\n| --- | --- | --- | --- | --- |\n")
	for _, g := range growth() {
		if !opts.run.MatchString(g.name) {
			continue
		}
		c, m := curve{name: g.name}, curve{name: g.name}
		for n := 1000; n <= opts.most; n *= 10 {
			r, err := g.measure(ctx, l, n, opts.rounds)
			if err != nil {
				return fmt.Errorf("%s, %d items: %w", g.name, n, err)
			}
			each, mib := float64(r.cpu.Microseconds())/float64(n), float64(r.peakKiB)/1024
			fmt.Fprintf(out, "| %s | %d | %.3f | %.1f | %.1f |\n", g.name, n, r.cpu.Seconds(), each, mib)
			c.points, m.points = append(c.points, point{n, each}), append(m.points, point{n, mib})
		}
		cpu, memory = append(cpu, c), append(memory, m)
	}
	for name, text := range map[string]string{
		"growth-cpu.svg":    chart("CPU time for each item, µs", cpu),
		"growth-memory.svg": chart("Peak memory, MiB", memory),
	} {
		if err := os.WriteFile(filepath.Join(opts.growth, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// measure runs one size: each time with an empty folder, under time(1), for the memory.
func (g growing) measure(ctx context.Context, l *lab, n, rounds int) (grown, error) {
	r := grown{n: n}
	url, end, err := g.serve(n)
	if err != nil {
		return r, err
	}
	defer end()
	l.vars["URL"], l.limit = url, time.Hour
	var cpu []time.Duration
	for range rounds {
		if err := l.clean(); err != nil {
			return r, err
		}
		s, err := l.run(ctx, g.argv, true)
		if err != nil {
			return r, err
		}
		cpu, r.peakKiB = append(cpu, s.cpu), max(r.peakKiB, s.peakKiB)
	}
	slices.Sort(cpu)
	r.cpu = cpu[len(cpu)/2]
	return r, nil
}
