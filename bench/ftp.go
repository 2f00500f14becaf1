//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ftp measures bulk transfer, many small files, and a long listing, all on vsftpd. lftp and netclients would use TLS if
// offered, so the workloads without TLS disable it.
func ftp() []workload {
	return []workload{ftpGet(), ftpPut(), ftpGetTLS(), ftpSyncDown(), ftpSyncUp(), ftpList()}
}

const (
	ftpURL      = "ftp://alice@{FTP}/"
	ftpLoginURL = "ftp://alice:secret@{FTP}/"
	lftpPlain   = "set ftp:ssl-allow no; "
)

func lftp(script string) []string {
	return []string{"lftp", "-u", "alice,secret", "-e", lftpPlain + script + "; exit", "ftp://{FTP}"}
}

// ncftp builds commands of ncftpget and ncftpput, whose target precedes the files.
func ncftp(name string, args ...string) []string {
	return append([]string{name, "-V", "-u", "alice", "-p", "secret", "-P", "{FTP_PORT}"}, args...)
}

func python(script string, args ...string) []string {
	return append([]string{"python3", "{PEERS}/" + script}, args...)
}

func ftpGet() workload {
	return workload{
		name:  "ftp-get",
		about: "download 512 MiB from vsftpd to a RAM disk",
		setup: bigData,
		check: sameFile("{ROOT}/bench/big/big.bin", "{OUT}/big.bin"),
		peers: []peer{
			{"netclients", []string{program, "get", "--tls", "off", ftpURL + "bench/big/big.bin", "-o", "{OUT}"}},
			{"curl", []string{"curl", "-sS", "-o", "{OUT}/big.bin", ftpLoginURL + "bench/big/big.bin"}},
			{"lftp", lftp("get -O {OUT} bench/big/big.bin")},
			{"ncftpget", ncftp("ncftpget", "127.0.0.1", "{OUT}", "bench/big/big.bin")},
			{"wget", []string{"wget", "-nv", "-P", "{OUT}", ftpLoginURL + "bench/big/big.bin"}},
			{"aria2c", []string{"aria2c", "-q", "--file-allocation=none", "-d", "{OUT}", ftpLoginURL + "bench/big/big.bin"}},
			{"python ftplib", python("ftp_get.py", "{FTP_PORT}", "bench/big/big.bin", "{OUT}/big.bin")},
			{"floor: python, splice", python("ftp_splice.py", "{FTP_PORT}", "bench/big/big.bin", "{OUT}/big.bin")},
			{"floor: cp, no network", []string{"cp", "{ROOT}/bench/big/big.bin", "{OUT}/big.bin"}},
		},
	}
}

// freshUpload empties the servers' folder upload/bench, directly on disk, and makes alice its owner.
func freshUpload(l *lab) error {
	dir := filepath.Join(l.root, "upload", "bench")
	return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755), os.Chmod(dir, 0o777))
}

func ftpPut() workload {
	const file = "{ROOT}/bench/big/big.bin"
	return workload{
		name:   "ftp-put",
		about:  "upload 512 MiB to vsftpd, which writes to the page cache",
		setup:  bigData,
		before: freshUpload,
		check:  sameFile(file, "{ROOT}/upload/bench/big.bin"),
		peers: []peer{
			{"netclients", []string{program, "put", "--tls", "off", file, ftpURL + "upload/bench/big.bin"}},
			{"curl", []string{"curl", "-sS", "-T", file, ftpLoginURL + "upload/bench/big.bin"}},
			{"lftp", lftp("put -O upload/bench " + file)},
			{"ncftpput", ncftp("ncftpput", "127.0.0.1", "upload/bench", file)},
			{"python ftplib", python("ftp_put.py", "{FTP_PORT}", file, "upload/bench/big.bin")},
		},
	}
}

func ftpGetTLS() workload {
	return workload{
		name:  "ftps-get",
		about: "download 512 MiB from vsftpd over explicit TLS, the data connection resuming the control connection's session",
		setup: bigData,
		check: sameFile("{ROOT}/bench/big/big.bin", "{OUT}/big.bin"),
		peers: []peer{
			{"netclients", []string{
				program, "get", "--tls", "require", "--ca-file", "{CA}", ftpURL + "bench/big/big.bin", "-o", "{OUT}",
			}},
			{"curl", []string{"curl", "-sS", "--ssl-reqd", "--cacert", "{CA}", "-o", "{OUT}/big.bin", ftpLoginURL + "bench/big/big.bin"}},
			{"lftp", []string{
				"lftp", "-u", "alice,secret", "-e",
				"set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:ca-file {CA}; get -O {OUT} bench/big/big.bin; exit",
				"ftp://localhost:{FTP_PORT}",
			}},
			{"wget", []string{ // its ftps: means AUTH TLS by default
				"wget", "-nv", "--ca-certificate={CA}", "-P", "{OUT}", "ftps://alice:secret@localhost:{FTP_PORT}/bench/big/big.bin",
			}},
			{"python FTP_TLS, reuse", python("ftp_tls_get.py", "{FTP_PORT}", "{CA}", "bench/big/big.bin", "{OUT}/big.bin")},
		},
	}
}

func ftpSyncDown() workload {
	sync := func(parallel string) []string {
		return []string{program, "sync", "--quiet", "--tls", "off", "--parallel", parallel, ftpURL + "bench/small", "{OUT}/small"}
	}
	mirror := func(parallel string) []string {
		return lftp("mirror --parallel=" + parallel + " bench/small {OUT}/small")
	}
	return workload{
		name:  "ftp-sync-down",
		about: "download 2,000 files of 1 to 16 KiB in 200 folders from vsftpd to an empty folder on a RAM disk",
		setup: func(l *lab) error { return cmp.Or(smallData(l), curlConfig(l, downloadLines)) },
		check: sameTree("{ROOT}/bench/small", "{OUT}/small"),
		peers: []peer{
			{"netclients --parallel 4", sync("4")},
			{"netclients --parallel 8", sync("8")},
			{"lftp --parallel=4", mirror("4")},
			{"lftp --parallel=8", mirror("8")},
			{"curl -Z, 8 connections, names known", curlParallel(downloadLines)},
			{"ncftpget -R", ncftp("ncftpget", "-R", "127.0.0.1", "{OUT}", "bench/small")},
			{"wget -r", []string{"wget", "-nv", "-r", "-nH", "--cut-dirs=1", "-P", "{OUT}", ftpLoginURL + "bench/small"}},
			{"python ftplib, one connection", python("ftp_tree.py", "{FTP_PORT}", "bench/small", "{OUT}/small")},
		},
	}
}

func ftpSyncUp() workload {
	const tree = "{ROOT}/bench/small"
	sync := func(parallel string) []string {
		return []string{program, "sync", "--quiet", "--tls", "off", "--parallel", parallel, tree, ftpURL + "upload/bench/small"}
	}
	mirror := func(parallel string) []string {
		return lftp("mirror -R --parallel=" + parallel + " " + tree + " upload/bench/small")
	}
	return workload{
		name:   "ftp-sync-up",
		about:  "upload the same 2,000 files to an empty folder on vsftpd",
		setup:  func(l *lab) error { return cmp.Or(smallData(l), curlConfig(l, uploadLines)) },
		before: freshUpload,
		check:  sameTree(tree, "{ROOT}/upload/bench/small"),
		peers: []peer{
			{"netclients --parallel 4", sync("4")},
			{"netclients --parallel 8", sync("8")},
			{"lftp --parallel=4", mirror("4")},
			{"lftp --parallel=8", mirror("8")},
			{"curl -Z, 8 connections", curlParallel(uploadLines, "--ftp-create-dirs")},
			{"ncftpput -R", ncftp("ncftpput", "-R", "127.0.0.1", "upload/bench", tree)},
		},
	}
}

// curlLines is a block of curl's configuration for one file; %s is its name relative to the tree's top.
type curlLines struct{ config, text string }

var (
	downloadLines = curlLines{"{SCRATCH}/curl-down", "url = \"" + ftpLoginURL + "bench/small/%[1]s\"\noutput = \"{OUT}/small/%[1]s\"\n"}
	uploadLines   = curlLines{"{SCRATCH}/curl-up", "url = \"" + ftpLoginURL + "upload/bench/small/%[1]s\"\nupload-file = \"{ROOT}/bench/small/%[1]s\"\n"}
)

func curlParallel(lines curlLines, flags ...string) []string {
	argv := []string{"curl", "-sS", "-Z", "--parallel-max", "8", "--create-dirs", "-K", lines.config}
	return append(argv, flags...)
}

func curlConfig(l *lab, lines curlLines) error {
	var b strings.Builder
	_, err := walkFiles(filepath.Join(l.root, "bench", "small"), func(name string) error {
		_, err := fmt.Fprintf(&b, l.expand(lines.text), name)
		return err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(l.expand(lines.config), []byte(b.String()), 0o600)
}

func ftpList() workload {
	const folder = "bench/many/"
	return workload{
		name:  "ftp-list",
		about: "list a folder of 50,000 entries on vsftpd (LIST); curl does not parse its output",
		setup: manyData,
		check: lines(manyFiles, "entry-"),
		peers: []peer{
			{"netclients ls --json", []string{program, "ls", "--json", "--tls", "off", ftpURL + folder}},
			{"netclients ls -l", []string{program, "ls", "-l", "--tls", "off", ftpURL + folder}},
			{"curl, raw", []string{"curl", "-sS", ftpLoginURL + folder}},
			{"lftp cls -l", lftp("cls -l " + folder)},
			{"python ftplib, parsed, JSON", python("ftp_list.py", "{FTP_PORT}", folder)},
		},
	}
}
