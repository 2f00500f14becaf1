//go:build linux

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// nntp measures reading a group of 20,000 articles, about 50 MiB, from INN (nnrpd, tradspool): its overview, all of it,
// and a part of it by programs that wait for each reply, also over a slow link.
func nntp() []workload {
	return []workload{newsOver(), newsHuge(), newsHugeSync(), newsMaildir(), newsMbox(), newsFew(), newsSlow()}
}

const (
	newsArticles = 20000
	newsFewCount = 200
	newsURL      = "nntp://{NNTP}/local.bench"
	newsPlain    = "--tls=off"
)

func newsSetup(l *lab) error {
	argv := python("nntp_fill.py", "{NNTP_FEED_PORT}", "{NNTP_PORT}", fmt.Sprint(newsArticles))
	for i := range argv {
		argv[i] = l.expand(argv[i])
	}
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("are the servers up? %s", firstLine(string(out), err))
	}
	return nil
}

func newsOver() workload {
	count := fmt.Sprint(newsArticles)
	shell := func(command string) []string {
		return []string{"sh", "-c", program + " nntp over " + newsPlain + " " + command + " > {OUT}/over"}
	}
	return workload{
		name:  "nntp-over",
		about: "overview of 20,000 articles",
		setup: newsSetup,
		check: atLeastLines("{OUT}/over", newsArticles),
		peers: []peer{
			{"netclients over --json", shell("--json " + newsURL)},
			{"netclients over", shell(newsURL)},
			{"python nntplib", python("nntp_lib.py", "{NNTP_PORT}", "over", count, "{OUT}/over")},
			{"floor: python, not parsed", []string{"sh", "-c", "python3 {PEERS}/nntp_floor.py {NNTP_PORT} over " + count + " {OUT}/floor && yes | head -n " + count + " > {OUT}/over"}},
		},
	}
}

// atLeastLines checks a file's number of lines: the group may have grown.
func atLeastLines(path string, want int) func(*lab) error {
	return func(l *lab) error {
		data, err := os.ReadFile(l.expand(path))
		if err != nil {
			return err
		}
		if got := bytes.Count(data, []byte("\n")); got < want {
			return fmt.Errorf("%d lines, want %d", got, want)
		}
		return nil
	}
}

// newsSync syncs the group, or its first articles, to an archive.
func newsSync(url, to string, flags ...string) []string {
	return append([]string{program, "sync", newsPlain, "--quiet", url, to}, flags...)
}

func newsMaildir() workload {
	return workload{
		name:  "nntp-maildir",
		about: "all 20,000 articles into a new maildir on a RAM disk; the floor writes only their size",
		setup: newsSetup,
		check: enoughBytes(newsArticles * 1000),
		peers: []peer{
			{"netclients sync", newsSync(newsURL, "maildir:{OUT}/m")},
			{"netclients sync, no fsync", newsSync(newsURL, "maildir:{OUT}/m", "--durability", "none")},
			{"floor: python, pipelined", python("nntp_floor.py", "{NNTP_PORT}", "articles", fmt.Sprint(newsArticles), "{OUT}/floor")},
		},
	}
}

func newsMbox() workload {
	return workload{
		name:  "nntp-mbox",
		about: "all 20,000 articles into a new mbox on a RAM disk",
		setup: newsSetup,
		check: enoughBytes(newsArticles * 1000),
		peers: []peer{
			{"netclients sync", newsSync(newsURL, "mbox:{OUT}/box")},
			{"netclients sync, no fsync", newsSync(newsURL, "mbox:{OUT}/box", "--durability", "none")},
			{"floor: python, pipelined", python("nntp_floor.py", "{NNTP_PORT}", "articles", fmt.Sprint(newsArticles), "{OUT}/floor")},
		},
	}
}

// enoughBytes checks that all files together have a plausible size.
func enoughBytes(want int64) func(*lab) error {
	return func(l *lab) error {
		got := int64(0)
		err := filepath.WalkDir(l.out, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				got += info.Size()
			}
			return err
		})
		if err == nil && got < want {
			err = fmt.Errorf("%d bytes, want %d", got, want)
		}
		return err
	}
}

// newsRange returns the URL of the first articles of the group.
func newsRange(host string, n int) string { return fmt.Sprintf("nntp://%s/local.bench/1-%d", host, n) }

func newsFew() workload {
	count := fmt.Sprint(newsFewCount)
	return workload{
		name:  "nntp-few",
		about: "200 articles, few enough for programs that wait for each reply and for delayed acknowledgements",
		setup: newsSetup,
		check: enoughBytes(newsFewCount * 1000),
		peers: []peer{
			{"netclients sync", newsSync(newsRange("{NNTP}", newsFewCount), "maildir:{OUT}/m")},
			{"python nntplib", python("nntp_lib.py", "{NNTP_PORT}", "articles", count, "{OUT}/lib")},
			{"suck", []string{"sh", "-c", "mkdir -p {OUT}/s/Msgs && echo 'local.bench 1 " + count + "' > {OUT}/s/sucknewsrc && suck 127.0.0.1 -N {NNTP_PORT} -dd {OUT}/s -dt {OUT}/s -dm {OUT}/s/Msgs -m -i 0 -H"}},
			{"slrnpull", []string{"sh", "-c", "mkdir -p {OUT}/p && echo 'local.bench " + count + " 0 0' > {OUT}/p/slrnpull.conf && slrnpull -d {OUT}/p -h {NNTP} --no-post"}},
		},
	}
}

func newsSlow() workload {
	var host string
	slow := func(l *lab) (err error) {
		host, err = delayed(l.expand("{NNTP}"), 50*time.Millisecond)
		if err == nil {
			l.vars["NNTP_SLOW"], l.vars["NNTP_SLOW_PORT"] = host, host[strings.LastIndexByte(host, ':')+1:]
		}
		return err
	}
	return workload{
		name:  "nntp-slow",
		about: "the same 200 articles with a 50 ms round trip",
		setup: func(l *lab) error { return cmp.Or(newsSetup(l), slow(l)) },
		check: enoughBytes(newsFewCount * 1000),
		peers: []peer{
			{"netclients sync", newsSync(newsRange("{NNTP_SLOW}", newsFewCount), "maildir:{OUT}/m")},
			{"netclients get", append([]string{program, "nntp", "get", newsPlain, "--quiet", "-o", "{OUT}/g/"}, newsRange("{NNTP_SLOW}", newsFewCount))},
			{"python nntplib", python("nntp_lib.py", "{NNTP_SLOW_PORT}", "articles", fmt.Sprint(newsFewCount), "{OUT}/lib")},
		},
	}
}
