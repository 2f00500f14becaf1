//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// smtp measures sending 5,000 messages of 2 KiB over one and over ten connections, to Postfix's smtp-sink, which
// discards them at once, and to Postfix, which queues and then discards them; one large message; a link with delay; and
// a large attachment, for its memory usage.
func smtp() []workload {
	return []workload{
		smtpMany("smtp-sink-1", "SMTP_SINK", 1), smtpMany("smtp-sink-10", "SMTP_SINK", 10),
		smtpMany("smtp-postfix-1", "SMTP", 1), smtpMany("smtp-postfix-10", "SMTP", 10),
		smtpBig(), smtpSlow("smtp-delay-sink", "SMTP_SINK"), smtpSlow("smtp-delay-postfix", "SMTP"), smtpAttach(),
	}
}

const (
	smtpMessages = 5000
	smtpSlowly   = 100
	smtpTo       = "x@discard.test" // Postfix has a transport that discards it
)

// smtpSmall writes one message of 2 KiB, a batch of many, and a curl configuration for all of them.
func smtpSmall(n int) func(*lab) error {
	return func(l *lab) error {
		line := strings.Repeat("x", 70) + "\r\n"
		text := "From: a@lab.test\r\nTo: " + smtpTo + "\r\nSubject: one of many\r\n\r\n" + strings.Repeat(line, 27)
		one := l.expand("{SCRATCH}/mail.eml")
		letter, err := json.Marshal(map[string]string{"to": smtpTo, "envelope_from": "a@lab.test", "raw": text})
		if err != nil {
			return err
		}
		return errors.Join(os.WriteFile(one, []byte(text), 0o600), repeat(l.expand(fmt.Sprintf("{SCRATCH}/batch-%d", n)), string(letter)+"\n", n))
	}
}

// repeat writes a text n times to a file.
func repeat(path, text string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for range n {
		w.WriteString(text)
	}
	return errors.Join(w.Flush(), f.Close())
}

// curlMails writes curl's configuration for the same, over one connection.
func curlMails(l *lab, service string) error {
	entry := l.expand("url = \"smtp://{" + service + "}\"\nmail-from = \"a@lab.test\"\nmail-rcpt = \"" + smtpTo + "\"\nupload-file = \"{SCRATCH}/mail.eml\"\n")
	text := strings.Repeat(entry+"next\n", smtpMessages-1) + entry
	return os.WriteFile(l.expand("{SCRATCH}/curl-"+service), []byte(text), 0o600)
}

func smtpMany(name, service string, connections int) workload {
	target := "smtp://{" + service + "}"
	size, many := fmt.Sprint(connections), fmt.Sprint(smtpMessages)
	peers := []peer{
		{"netclients", []string{program, "smtp", "send", "--tls", "off", target, "--batch", "{SCRATCH}/batch-" + many, "--connections", size, "--json"}},
		{"smtp-source", []string{"smtp-source", "-s", size, "-m", many, "-l", "2048", "-f", "a@lab.test", "-t", smtpTo, "{" + service + "}"}},
	}
	if connections == 1 {
		peers = append(peers,
			peer{"python smtplib", python("smtp_send.py", "{"+service+"}", many, "{SCRATCH}/mail.eml", smtpTo)},
			peer{"curl", []string{"curl", "-sS", "-K", "{SCRATCH}/curl-" + service}})
	}
	return workload{
		name:  name,
		about: fmt.Sprintf("send 5,000 messages of 2 KiB to %s over %d connection(s)", service, connections),
		setup: func(l *lab) error { return errors.Join(smtpSmall(smtpMessages)(l), curlMails(l, service)) },
		peers: peers,
	}
}

func smtpBig() workload {
	const size = 25 << 20
	return workload{
		name:  "smtp-big",
		about: "send one message of 25 MiB to smtp-sink",
		times: 3,
		setup: func(l *lab) error {
			line := strings.Repeat("y", 76) + "\r\n"
			text := "From: a@lab.test\r\nTo: " + smtpTo + "\r\n\r\n" + strings.Repeat(line, size/len(line))
			return os.WriteFile(l.expand("{SCRATCH}/big.eml"), []byte(text), 0o600)
		},
		peers: []peer{
			{"netclients", []string{program, "smtp", "send", "smtp://{SMTP_SINK}", "--raw", "{SCRATCH}/big.eml", "--envelope-from", "a@lab.test", "--to", smtpTo}},
			{"smtp-source", []string{"smtp-source", "-m", "1", "-l", fmt.Sprint(size), "-f", "a@lab.test", "-t", smtpTo, "{SMTP_SINK}"}},
			{"curl", []string{"curl", "-sS", "smtp://{SMTP_SINK}", "--mail-from", "a@lab.test", "--mail-rcpt", smtpTo, "-T", "{SCRATCH}/big.eml"}},
			{"python smtplib", python("smtp_send.py", "{SMTP_SINK}", "1", "{SCRATCH}/big.eml", smtpTo)},
			{"msmtp", []string{"sh", "-c", "exec msmtp --file=/dev/null --host=127.0.0.1 --port={SMTP_SINK_PORT} --from=a@lab.test -- " + smtpTo + " <{SCRATCH}/big.eml"}},
			{"swaks", []string{"swaks", "--silent", "3", "--server", "{SMTP_SINK}", "--from", "a@lab.test", "--to", smtpTo, "--data", "@{SCRATCH}/big.eml"}},
		},
	}
}

// smtpSlow sends with a 50 ms round trip.
func smtpSlow(name, service string) workload {
	few := fmt.Sprint(smtpSlowly)
	w := workload{name: name, about: "send 100 messages of 2 KiB to " + service + " with a 50 ms round trip", peers: []peer{
		{"netclients", []string{program, "smtp", "send", "--tls", "off", "smtp://{DELAYED}", "--batch", "{SCRATCH}/batch-" + few, "--json"}},
		{"netclients --connections 4", []string{program, "smtp", "send", "--tls", "off", "smtp://{DELAYED}", "--batch", "{SCRATCH}/batch-" + few, "--connections", "4", "--json"}},
		{"python smtplib", python("smtp_send.py", "{DELAYED}", few, "{SCRATCH}/mail.eml", smtpTo)},
		{"smtp-source", []string{"smtp-source", "-m", few, "-l", "2048", "-f", "a@lab.test", "-t", smtpTo, "{DELAYED}"}},
	}}
	w.setup = func(l *lab) error {
		address, err := delayed(l.expand("{"+service+"}"), 50*time.Millisecond)
		if err != nil {
			return err
		}
		l.vars["DELAYED"] = address
		return smtpSmall(smtpSlowly)(l)
	}
	return w
}

func smtpAttach() workload {
	return workload{
		name:  "smtp-attach",
		about: "compose and send a message with an attachment of 512 MiB to smtp-sink",
		setup: bigData,
		peers: []peer{
			{"netclients", []string{program, "smtp", "send", "smtp://{SMTP_SINK}", "--from", "a@lab.test", "--to", smtpTo, "--body", "see there", "--attach", "{ROOT}/bench/big/big.bin"}},
		},
	}
}
