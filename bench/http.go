//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// web measures bulk transfer with and without TLS, an upload, and many small
// files, all on nginx.
func web() []workload {
	return []workload{httpGet(), httpsGet(), httpPut(), httpSmall(), httpSync(), httpSlowSync()}
}

const (
	httpURL  = "http://{HTTP}/"
	httpsURL = "https://localhost:{HTTPS_PORT}/"
	bigFile  = "bench/big/big.bin"
)

func httpGet() workload {
	return workload{
		name:  "http-get",
		about: "download 512 MiB from nginx to a RAM disk",
		setup: bigData,
		check: sameFile("{ROOT}/"+bigFile, "{OUT}/big.bin"),
		peers: []peer{
			{"netclients", []string{program, "get", httpURL + bigFile, "-o", "{OUT}"}},
			{"curl", []string{"curl", "-sS", "-o", "{OUT}/big.bin", httpURL + bigFile}},
			{"wget", []string{"wget", "-nv", "-P", "{OUT}", httpURL + bigFile}},
			{"wget2", []string{"wget2", "-q", "-P", "{OUT}", httpURL + bigFile}},
			{"lftp", []string{"lftp", "-c", "get -O {OUT} " + httpURL + bigFile}},
			{"aria2c", []string{"aria2c", "-q", "--file-allocation=none", "-d", "{OUT}", httpURL + bigFile}},
			{"netclients --segments 4", []string{program, "get", "--segments", "4", httpURL + bigFile, "-o", "{OUT}"}},
			{"aria2c -x4 -s4", []string{"aria2c", "-q", "-x4", "-s4", "--file-allocation=none", "-d", "{OUT}", httpURL + bigFile}},
			{"floor: cp, no network", []string{"cp", "{ROOT}/" + bigFile, "{OUT}/big.bin"}},
		},
	}
}

func httpsGet() workload {
	curl := func(flags ...string) []string {
		return append([]string{"curl", "-sS", "--cacert", "{CA}", "-o", "{OUT}/big.bin", httpsURL + bigFile}, flags...)
	}
	ours := func(flags ...string) []string {
		return append([]string{program, "get", "--ca-file", "{CA}", httpsURL + bigFile, "-o", "{OUT}"}, flags...)
	}
	return workload{
		name:  "https-get",
		about: "download 512 MiB from nginx over TLS 1.3",
		setup: bigData,
		check: sameFile("{ROOT}/"+bigFile, "{OUT}/big.bin"),
		peers: []peer{
			{"netclients", ours()},
			{"curl, HTTP/1.1", curl("--http1.1")},
			{"curl, HTTP/2", curl("--http2")},
			{"netclients, HTTP/2", ours("--http2")},
			{"wget", []string{"wget", "-nv", "--ca-certificate={CA}", "-P", "{OUT}", httpsURL + bigFile}},
		},
	}
}

func httpPut() workload {
	const file, to = "{ROOT}/" + bigFile, "http://alice:secret@{HTTP}/dav/bench/big.bin"
	return workload{
		name:   "http-put",
		about:  "upload 512 MiB to nginx, with a login; nginx writes to the page cache",
		setup:  bigData,
		before: freshUpload,
		check:  sameFile(file, "{ROOT}/upload/bench/big.bin"),
		peers: []peer{
			{"netclients", []string{program, "put", file, to}},
			{"curl", []string{"curl", "-sS", "-T", file, to}},
		},
	}
}

// httpSmall downloads files with known names into one folder.
func httpSmall() workload {
	workload := workload{
		name:  "http-small",
		about: "download 2,000 files of 1 to 16 KiB with known names from nginx into one folder on a RAM disk",
		times: 3,
		setup: func(l *lab) error { return cmp.Or(smallData(l), smallLists(l)) },
		check: flatFiles,
	}
	ours := func(parallel string) []string {
		return []string{"sh", "-c", "exec " + program + " get -q --parallel " + parallel + " -o {OUT} $(cat {SCRATCH}/http-urls)"}
	}
	workload.peers = []peer{
		{"netclients --parallel 8", ours("8")},
		{"curl -Z --parallel-max 50", []string{"curl", "-sS", "-Z", "--parallel-max", "50", "-K", "{SCRATCH}/http-curl"}},
		{"wget2", []string{"wget2", "-q", "-P", "{OUT}", "-i", "{SCRATCH}/http-urls"}},
		{"curl, one connection", []string{"curl", "-sS", "-K", "{SCRATCH}/http-curl"}},
		{"aria2c -j8", []string{"aria2c", "-q", "-j8", "--file-allocation=none", "-d", "{OUT}", "-i", "{SCRATCH}/http-urls"}},
		{"wget", []string{"wget", "-nv", "-P", "{OUT}", "-i", "{SCRATCH}/http-urls"}},
	}
	return workload
}

// smallLists writes the names for programs that read them from a file.
func smallLists(l *lab) error {
	var urls, config strings.Builder
	_, err := walkFiles(filepath.Join(l.root, "bench", "small"), func(name string) error {
		fmt.Fprintf(&urls, l.expand(httpURL+"bench/small/%s\n"), name)
		fmt.Fprintf(&config, l.expand("url = \""+httpURL+"bench/small/%s\"\noutput = \"{OUT}/%s\"\n"), name, filepath.Base(name))
		return nil
	})
	return errors.Join(err,
		os.WriteFile(l.expand("{SCRATCH}/http-urls"), []byte(urls.String()), 0o600),
		os.WriteFile(l.expand("{SCRATCH}/http-curl"), []byte(config.String()), 0o600))
}

// flatFiles compares each file with the file of the same name in the tree.
func flatFiles(l *lab) error {
	_, err := walkFiles(filepath.Join(l.root, "bench", "small"), func(name string) error {
		return sameFile("{ROOT}/bench/small/"+name, "{OUT}/"+filepath.Base(name))(l)
	})
	return err
}

func httpSync() workload {
	const tree = httpURL + "bench/small/"
	return workload{
		name:  "http-sync",
		about: "download the same 2,000 files in 200 folders, found through nginx's index pages, to an empty folder",
		setup: smallData,
		check: sameTree("{ROOT}/bench/small", "{OUT}/small"),
		peers: []peer{
			{"netclients --parallel 4", []string{program, "sync", "--quiet", tree, "{OUT}/small"}},
			{"netclients --parallel 8", []string{program, "sync", "--quiet", "--parallel", "8", tree, "{OUT}/small"}},
			{"lftp --parallel=8", []string{"lftp", "-c", "mirror --parallel=8 " + tree + " {OUT}/small"}},
			{"wget -r", []string{"wget", "-nv", "-r", "-np", "-nH", "--cut-dirs=1", "-R", "index.html*", "-P", "{OUT}", tree}},
		},
	}
}

// httpSlowSync shows the cost of waiting for pages and files one after the other.
func httpSlowSync() workload {
	const tree = "http://{DELAYED}/bench/small/"
	sync := func(parallel string) []string {
		return []string{program, "sync", "--quiet", "--parallel", parallel, tree, "{OUT}/small"}
	}
	return workload{
		name:  "http-slow-sync",
		about: "download the same 2,000 files in 200 folders, found through index pages, over a link with a 50 ms round trip",
		setup: func(l *lab) error {
			if err := smallData(l); err != nil {
				return err
			}
			address, err := delayed(l.expand("{HTTP}"), 50*time.Millisecond)
			l.vars["DELAYED"] = address
			return err
		},
		check: sameTree("{ROOT}/bench/small", "{OUT}/small"),
		peers: []peer{
			{"netclients --parallel 4", sync("4")},
			{"netclients --parallel 8", sync("8")},
			{"lftp --parallel=8", []string{"lftp", "-c", "mirror --parallel=8 " + tree + " {OUT}/small"}},
		},
	}
}
