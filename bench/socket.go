package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// sockets is bulk transfer through a raw socket, both ways, and telnet logins by
// scripts. socat is the other end: it sends, or throws away.
func sockets() []workload {
	return []workload{tcpSend(), tcpReceive(), telnetLogins()}
}

const rawBytes = 2 << 30

// through runs a shell line, so that the bytes come from, or go to, a pipe.
func through(line string) []string { return []string{"sh", "-c", line} }

func tcpSend() workload {
	feed := fmt.Sprintf("head -c %d /dev/zero | ", rawBytes)
	return workload{
		name:  "tcp-send",
		about: "send 2 GiB from a pipe to a service that throws it away",
		peers: []peer{
			{"netclients", through(feed + program + " tcp connect {DISCARD}")},
			{"nc", through(feed + "nc -N 127.0.0.1 {DISCARD_PORT}")},
			{"socat, 64 KiB blocks", through(feed + "socat -u -b 65536 - TCP:{DISCARD}")},
			{"socat", through(feed + "socat -u - TCP:{DISCARD}")},
			{"ncat", through(feed + "ncat --send-only 127.0.0.1 {DISCARD_PORT}")},
		},
	}
}

func tcpReceive() workload {
	check := func(l *lab) error {
		text, err := os.ReadFile(l.stdout())
		if err == nil && string(text) != fmt.Sprintf("%d\n", rawBytes) {
			err = fmt.Errorf("%q bytes came", text)
		}
		return err
	}
	count := " </dev/null | wc -c"
	return workload{
		name:  "tcp-receive",
		about: "read 2 GiB from a service into a pipe",
		check: check,
		peers: []peer{
			{"netclients", through(program + " tcp connect {SOURCE}" + count)},
			{"nc", through("nc -d 127.0.0.1 {SOURCE_PORT}" + count)},
			{"socat, 64 KiB blocks", through("socat -u -b 65536 TCP:{SOURCE} -" + count)},
			{"ncat", through("ncat --recv-only 127.0.0.1 {SOURCE_PORT}" + count)},
		},
	}
}

// telnetLogins is 50 logins, not the 1,000 one would like: the server's own start
// is most of each.
func telnetLogins() workload {
	const times = 50
	loop := fmt.Sprintf("i=0; while [ $i -lt %d ]; do i=$((i+1)); ", times)
	return workload{
		name:  "telnet-login",
		about: fmt.Sprintf("log in to telnetd, run one command and leave, %d times", times),
		setup: expectScript,
		peers: []peer{
			{"netclients", through(loop + "P=secret " + program + " telnet run {SCRATCH}/login.talk {TELNET} || exit 1; done")},
			{"expect, inetutils telnet", through(loop + "expect -f {SCRATCH}/login.exp 127.0.0.1 {TELNET_PORT} || exit 1; done")},
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
spawn -noecho telnet [lindex $argv 0] [lindex $argv 1]
expect "login: " ; send "alice\r"
expect "assword: " ; send "secret\r"
expect "lab\\$ " ; send "echo done\r"
expect "done" ; expect "lab\\$ " ; send "exit\r"
expect eof
`

func expectScript(l *lab) error {
	if err := os.WriteFile(filepath.Join(l.scratch, "login.talk"), []byte(talkLogin), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.scratch, "login.exp"), []byte(expectLogin), 0o600)
}
