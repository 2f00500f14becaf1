//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols/lab/textlab"
)

// sockets measures bulk transfer through a raw socket in both directions, a
// server with many connections, and scripted telnet logins. socat is the other
// end of bulk transfers: it sends or discards.
func sockets() []workload {
	receive := tcpReceive("tcp-receive", "read 2 GiB from a service into a pipe",
		peer{"netclients", through(program + " tcp connect {SOURCE}" + counted)},
		peer{"nc", through("nc -d 127.0.0.1 {SOURCE_PORT}" + counted)},
		peer{"socat, 64 KiB blocks", through("socat -u -b 65536 TCP:{SOURCE} -" + counted)},
		peer{"ncat", through("ncat --recv-only 127.0.0.1 {SOURCE_PORT}" + counted)})
	telnet := tcpReceive("telnet-receive", "the same through the Telnet engine",
		peer{"netclients", through(program + " telnet open {SOURCE}" + counted)},
		peer{"nc -t", through("nc -d -t 127.0.0.1 {SOURCE_PORT}" + counted)},
		peer{"ncat -t", through("ncat -t --recv-only 127.0.0.1 {SOURCE_PORT}" + counted)})
	return slices.Concat(tcpSends(), []workload{receive, telnet, tcpEcho()}, telnetLogins())
}

const rawBytes = 2 << 30

// through runs a shell line, so that the bytes come from, or go to, a pipe.
func through(line string) []string { return []string{"sh", "-c", line} }

// tcpSends sends the same bytes from a file and from a pipe.
func tcpSends() []workload {
	source := func(l *lab) error {
		f, err := os.Create(filepath.Join(l.scratch, "source"))
		if err == nil {
			err = errors.Join(f.Truncate(rawBytes), f.Close())
		}
		return err
	}
	file := tcpSend("tcp-send-file", "send 2 GiB from a file as standard input to a service that discards it", "<{SCRATCH}/source ")
	file.setup = source
	return []workload{file, tcpSend("tcp-send-pipe", "the same from a pipe", fmt.Sprintf("head -c %d /dev/zero | ", rawBytes))}
}

func tcpSend(name, about, feed string) workload {
	return workload{
		name: name, about: about,
		peers: []peer{
			{"netclients", through(feed + program + " tcp connect {DISCARD}")},
			{"nc", through(feed + "nc -N 127.0.0.1 {DISCARD_PORT}")},
			{"socat, 64 KiB blocks", through(feed + "socat -u -b 65536 - TCP:{DISCARD}")},
			{"socat, 256 KiB blocks", through(feed + "socat -u -b 262144 - TCP:{DISCARD}")},
			{"socat", through(feed + "socat -u - TCP:{DISCARD}")},
			{"ncat", through(feed + "ncat --send-only 127.0.0.1 {DISCARD_PORT}")},
		},
	}
}

// counted counts what a program reads.
const counted = " </dev/null | wc -c"

func tcpReceive(name, about string, peers ...peer) workload {
	check := func(l *lab) error {
		text, err := os.ReadFile(l.stdout())
		if err == nil && string(text) != fmt.Sprintf("%d\n", rawBytes) {
			err = fmt.Errorf("%q bytes received", text)
		}
		return err
	}
	return workload{name: name, about: about, check: check, peers: peers}
}

// tcpEcho measures servers with 5,000 connections, all open and active at once.
// The largest process is the server, except for socat, which forks one per
// connection.
func tcpEcho() workload {
	server := func(command string) []string {
		return through(command + " 2>/dev/null & p=$!; python3 {PEERS}/echo_crowd.py 127.0.0.1 {ECHO_PORT} 5000; r=$?; kill $p; wait $p; exit $r")
	}
	return workload{
		name:  "tcp-echo-5000",
		about: "accept 5,000 concurrent connections, and echo a line on each",
		setup: func(l *lab) error {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			_, l.vars["ECHO_PORT"], _ = net.SplitHostPort(ln.Addr().String())
			return ln.Close()
		},
		peers: []peer{
			{"netclients", server(program + " tcp listen 127.0.0.1:{ECHO_PORT} --echo")},
			{"socat", server("socat TCP4-LISTEN:{ECHO_PORT},bind=127.0.0.1,fork,reuseaddr,backlog=4096 PIPE")},
			{"python3 selectors", server("python3 {PEERS}/echo_server.py 127.0.0.1 {ECHO_PORT}")},
		},
	}
}

// telnetLogins measures a thousand logins to a server of the lab, which is fast,
// so that the clients dominate; and a tenth of that to telnetd, whose own start
// dominates.
func telnetLogins() []workload {
	quick := telnetLogin("telnet-login", "log in to the lab's Telnet server, run one command and log out, 1,000 times", 1000, "{LAB_TELNET}")
	quick.slow = true
	quick.setup = func(l *lab) error {
		s, err := textlab.StartTelnet(textlab.TelnetOptions{}) // runs until this program exits
		if err != nil {
			return err
		}
		l.vars["LAB_TELNET"] = s.Addr()
		_, l.vars["LAB_TELNET_PORT"], _ = net.SplitHostPort(s.Addr())
		return loginScripts(l)
	}
	daemon := telnetLogin("telnetd-login", "the same with inetutils telnetd, 100 times", 100, "{TELNET}")
	daemon.slow, daemon.setup = true, loginScripts
	return []workload{quick, daemon}
}

// telnetLogin starts a program for each login; one variant of expect does all of
// them in its own loop.
func telnetLogin(name, about string, times int, at string) workload {
	port := strings.TrimSuffix(at, "}") + "_PORT}"
	loop := fmt.Sprintf("i=0; while [ $i -lt %d ]; do i=$((i+1)); ", times)
	return workload{
		name: name, about: about,
		peers: []peer{
			{"netclients", through(loop + "P=secret " + program + " telnet run {SCRATCH}/login.talk " + at + " || exit 1; done")},
			{"expect, inetutils telnet", through(loop + "expect -f {SCRATCH}/login.exp 1 127.0.0.1 " + port + " || exit 1; done")},
			{"expect in one process", []string{"expect", "-f", "{SCRATCH}/login.exp", strconv.Itoa(times), "127.0.0.1", port}},
		},
	}
}

const talkLogin = `secret P env:P
expect "login: "
send alice
expect "assword: "
send ${P}
expect "lab$ "
send echo done
expect "done"
expect "lab$ "
send exit
expect eof
`

const expectLogin = `set timeout 10
proc want {what} { expect $what {} timeout { exit 1 } eof { exit 1 } }
for {set i 0} {$i < [lindex $argv 0]} {incr i} {
  spawn -noecho telnet [lindex $argv 1] [lindex $argv 2]
  want "login: " ; send "alice\r"
  want "assword: " ; send "secret\r"
  want "lab\\$ " ; send "echo done\r"
  want "done" ; want "lab\\$ " ; send "exit\r"
  expect eof ; wait
}
`

func loginScripts(l *lab) error {
	return errors.Join(
		os.WriteFile(filepath.Join(l.scratch, "login.talk"), []byte(talkLogin), 0o600),
		os.WriteFile(filepath.Join(l.scratch, "login.exp"), []byte(expectLogin), 0o600))
}
