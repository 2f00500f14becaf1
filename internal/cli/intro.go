package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// firstScreen is what `netclients` alone prints: it fits a terminal of 80 by 24.
func firstScreen(a *app) string {
	var verbs, names, others, pages []string
	for _, c := range a.root.Commands() {
		switch c.GroupID {
		case groupVerbs:
			verbs = append(verbs, c.Name())
		case groupProtocols:
			names = append(names, c.Name())
		case groupOther:
			others = append(others, c.Name())
		}
	}
	for _, t := range topics() {
		pages = append(pages, t.name)
	}
	common := func(all []string, wanted ...string) string {
		wanted = slices.DeleteFunc(wanted, func(w string) bool { return !slices.Contains(all, w) })
		return strings.Join(wanted, " ")
	}
	return `netclients speaks the classic internet protocols, each with the same verbs.

` + firstExamples + `
New here?  netclients tour   shows what each client does, with its own servers
           netclients lab    starts these servers, to try things out with

Verbs      ` + common(verbs, "ls", "cat", "get", "put", "cp", "sync", "mv", "rm", "mkdir", "send", "probe", "caps", "raw") + ` ...
Protocols  ` + strings.Join(names, " ") + `
Others     ` + common(others, "doctor", "login", "profiles", "lookup", "lab", "tour", "shell", "completion", "man") + ` ...

Help       netclients help verbs | PROTOCOL | VERB, also PROTOCOL VERB
           netclients help ` + common(pages, "flags", "urls", "login", "config", "search", "json", "exit") + " ...\n"
}

// intros explain each protocol in ten lines, with a small dialogue: > is what the client
// sends, < what the server answers.
var intros = map[string]string{
	"http": `HTTP fetches and stores what URLs name: pages, files, answers of programs. Each
request stands alone: a method, a path and headers, then perhaps a body.

  > GET /pub/a.txt HTTP/1.1
  > Host: www.example.org
  < HTTP/1.1 200 OK
  < Content-Length: 5
  <
  < hello`,
	"ftp": `FTP moves files. Commands go over one connection, each listing and file over
another, which the client opens where the server says (or the reverse: --active).

  < 220 ftp.example.org ready
  > USER anonymous
  < 230 Login successful.
  > EPSV
  < 229 Entering Extended Passive Mode (|||50012|)
  > RETR pub/a.txt
  < 150 Opening data connection.
  < 226 Transfer complete.`,
	"smtp": `SMTP hands mail to a server: first the envelope (who from, who to), then the
message. LMTP is the same for the last step, with an answer for each recipient.

  < 220 mail.example.org ESMTP
  > EHLO client.example.org
  < 250 STARTTLS
  > MAIL FROM:<ann@example.org>
  < 250 2.1.0 Ok
  > RCPT TO:<bob@example.net>
  < 250 2.1.5 Ok
  > DATA
  < 354 End data with <CR><LF>.<CR><LF>`,
	"pop3": `POP3 fetches mail from one mailbox, in which messages have numbers. What DELE
marks is deleted when the session ends well.

  < +OK ready
  > USER ann
  < +OK
  > PASS ****
  < +OK 2 messages
  > RETR 1
  < +OK 120 octets
  < ... the message, then a line with a dot`,
	"imap": `IMAP works on mail that stays on the server: mailboxes, flags, searches. Each
command has a tag, which its answer repeats; lines with * are news of any time.

  < * OK ready
  > a1 SELECT INBOX
  < * 3 EXISTS
  < a1 OK SELECT completed
  > a2 UID SEARCH UNSEEN
  < * SEARCH 17
  < a2 OK SEARCH completed`,
	"nntp": `NNTP reads and posts news: articles in groups, numbered by each server, with a
message-id that is the same everywhere.

  < 200 news.example.org ready
  > GROUP comp.lang.go
  < 211 1234 3000 4233 comp.lang.go
  > OVER 4230-4233
  < 224 overview follows
  > ARTICLE 4233
  < 220 4233 <id@example.org>`,
	"telnet": `Telnet joins a terminal with a server: bytes both ways, and between them options
which both sides agree on (IAC WILL, DO, WONT, DONT).

  < IAC DO TERMINAL-TYPE
  > IAC WILL TERMINAL-TYPE
  < login:
  > ann`,
	"gopher": `Gopher shows menus: each line has a type, a name, and the selector that opens it.
One connection fetches one thing: the client sends a selector, the server the
text or menu, and closes.

  > /pub
  < 0About this	/pub/about.txt	gopher.example.org	70
  < 1More	/pub/more	gopher.example.org	70
  < .`,
	"xmlrpc": `XML-RPC calls a method of a program by an HTTP POST: name and arguments are XML,
and so is the answer, a value or a fault.

  > POST /RPC2 HTTP/1.1
  > <methodCall><methodName>add</methodName> ... </methodCall>
  < HTTP/1.1 200 OK
  < <methodResponse> ... <int>3</int> ... </methodResponse>`,
	"tcp": `TCP is a stream of bytes in both directions. What they mean the two sides know;
here they come from standard input and go to standard output.

  > hello
  < hello`,
	"udp": `UDP sends datagrams: each by itself, each perhaps lost. There is no connection,
so that no answer may mean anything.

  > ping
  < pong`,
	"unix": `UNIX sockets join programs of one machine: a stream as with TCP, under the path
of a file (or @name) in the place of host and port.

  > hello
  < hello`,
}

// intro is the head of a protocol's help.
func introOf(s *protocols.Spec) string {
	var b strings.Builder
	b.WriteString(s.Name + ": " + s.Summary + "\n\n")
	if text := intros[s.Name]; text != "" {
		b.WriteString(text + "\n\n")
	}
	var schemes, rfcs []string
	for _, sc := range s.Schemes {
		text := sc.Name
		if sc.Port != 0 {
			text = fmt.Sprintf("%s %d", sc.Name, sc.Port)
		}
		schemes = append(schemes, text)
	}
	b.WriteString("Schemes and ports: " + strings.Join(schemes, ", "))
	for _, n := range s.RFCs {
		rfcs = append(rfcs, fmt.Sprint(n))
	}
	if rfcs != nil {
		b.WriteString("\nRFCs: " + strings.Join(rfcs, ", "))
	}
	return b.String()
}
