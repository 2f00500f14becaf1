// Package awkward makes messages such as broken programs and odd people send them, for tests
// that replay them over every route: each header of a list with each body of another.
package awkward

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Message is one generated message. Its lines end with CRLF, but for the last one of some.
type Message struct {
	Name    string // what is odd about it
	Content string // unique
	Long    bool   // it has lines of more than 998 bytes, which SMTP does not carry (RFC 5321 section 4.5.3.1.6)
	NoEnd   bool   // its last line has no end: SMTP and POP3 add one
}

// Whole returns the content as protocols carry it that know lines only.
func (m *Message) Whole() string {
	if m.NoEnd {
		return m.Content + "\r\n"
	}
	return m.Content
}

const (
	sender = "From: a@example.org\r\n"
	text   = "\r\ntext\r\n"
)

// headers are the odd headers, without the empty line; # becomes the number of the message.
var headers = []struct{ name, header string }{
	{"a plain header", sender + "To: b@example.org\r\nSubject: number #\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <#@example.org>\r\n"},
	{"no From and no Date", "Subject: number #\r\n"},
	{"a folded subject", sender + "Subject: one\r\n\ttwo\r\n   three #\r\n"},
	{"an empty subject", sender + "Subject:\r\nX-Number: #\r\n"},
	{"Latin-1 in the header", "From: Gr\xfc\xdfe <a@example.org>\r\nSubject: \xe4\xf6\xfc #\r\n"},
	{"UTF-8 in the header", "From: Grüße <a@example.org>\r\nSubject: żółć 漢字 #\r\n"},
	{"broken encoded words", sender + "Subject: =?utf-8?Q?a?= =?nonsense?B?!!!?= =?utf-8?X?b?= =?iso-8859-1*sv?Q?=E5?= #\r\n"},
	{"a line without a colon", sender + "Subject: number #\r\nthis is no field\r\nX-After: x\r\n"},
	{"a space before the colon", sender + "Subject : number #\r\n"},
	{"spaces at line ends", sender + "Subject: number # \t \r\nX-Empty: \r\n"},
	{"fields of an mbox", sender + "Status: RO\r\nX-Status: F\r\nContent-Length: 3\r\nLines: 1\r\nSubject: number #\r\n"},
	{"the same Message-ID as others", sender + "Message-ID: <same@example.org>\r\nSubject: number #\r\n"},
	{"two of each", sender + sender + "Subject: one #\r\nSubject: two\r\nMessage-ID: <1#@x>\r\nMessage-ID: <2#@x>\r\n"},
	{"undisclosed recipients", sender + "To: undisclosed-recipients:;\r\nCc: Smith, John <j@x>, 'b@x' <b@x>, root, a..b@x\r\nSubject: number #\r\n"},
	{"blind copies", sender + "Bcc: c@example.org\r\nSubject: number #\r\n"},
	{"forwarded twice", "Resent-From: x@example.org\r\nResent-To: y@example.org\r\nResent-From: z@example.org\r\n" + sender + "Subject: number #\r\n"},
	{"many fields", sender + "Subject: number #\r\n" + strings.Repeat("Received: from a by b with ESMTP id 1; Mon, 01 Jan 2024 00:00:00 +0000\r\n", 40)},
	{"a multipart without an end", sender + "Subject: number #\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n"},
	{"a mangled Content-Type", sender + "Subject: number #\r\nContent-Type: text/plain; charset=\"x; name=\r\nContent-Transfer-Encoding: 8 bit maybe\r\n"},
	{"dates of other worlds", sender + "Date: Fri, 31 Feb 0000 25:61:61 +9999\r\nSubject: number #\r\n"},
	{"odd Message-ID", sender + "Message-ID: no-brackets @ all #\r\nReferences: <a> <b\r\nSubject: number #\r\n"},
	{"control characters", sender + "Subject: \x1b[31mred\x07 \x01#\r\n"},
}

// bodies are the odd bodies, with the empty line before them; # becomes the number of the message.
var bodies = []struct {
	name, body      string
	long, noArticle bool
}{
	{"a text", text, false, false},
	{"no body", "", false, true},
	{"an empty body", "\r\n", false, true},
	{"empty lines", "\r\n\r\n\r\n\r\n", false, false},
	{"a lone dot", "\r\n.\r\n", false, false},
	{"dots", "\r\n.\r\n..\r\n...\r\n.x\r\n..x\r\n", false, false},
	{"many dots", "\r\n" + strings.Repeat(".\r\n", 30_000), false, false},
	{"lines that begin with From", "\r\nFrom here\r\n>From there\r\n>>From both\r\nFrom carol@example.org Sun Nov 22 09:00:00 2026\r\nSubject: in another\r\n\r\ntext\r\n", false, false},
	{"no end of the last line", "\r\none\r\ntwo", false, true},
	{"a dot without an end", "\r\none\r\n.", false, true},
	{"8 bits", "\r\nGr\xfc\xdfe \xff\xfe\x80\r\n", false, false},
	{"UTF-8", "\r\nGrüße 漢字 \u2028 \ufeff\r\n", false, false},
	{"control characters", "\r\n\x01\x02\x07\x08\x0b\x0c\x1a\x1b[2J\x7f\r\n", false, false},
	{"spaces at line ends", "\r\none \r\ntwo\t\r\n \r\n\t\r\n", false, false},
	{"commands of IMAP", "\r\nx1 CREATE pwned\r\nx2 DELETE INBOX\r\n{5}\r\n{5+}\r\n* BYE\r\n) FLAGS (\\Deleted)\r\n", false, false},
	{"commands of SMTP and POP3", "\r\nQUIT\r\nRSET\r\nMAIL FROM:<x@x>\r\nRCPT TO:<x@x>\r\nDATA\r\nDELE 1\r\n+OK\r\n-ERR\r\n250 ok\r\n", false, false},
	{"boundaries without end", "\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\n--b--x\r\n--b\r\n", false, false},
	{"a message in it", "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: x\r\nSubject: inner\r\n\r\n.\r\n--b--\r\n", false, false},
	{"a line of 990 bytes", "\r\n" + strings.Repeat("x", 990) + "\r\n", false, false},
	{"a line of 5,000 bytes", "\r\n" + strings.Repeat("y", 4096) + "." + strings.Repeat("z", 903) + "\r\n", true, false},
	{"300 kB", "\r\n" + strings.Repeat("a line of text that goes on and on, and on\r\n", 7000), false, false},
}

// starts are whole messages that begin in an odd way.
var starts = []struct{ name, content string }{
	{"no header", "\r\ntext X-First: #\r\n"},
	{"a line of an mbox first", "From bob Mon Jan  1 00:00:00 2024\r\nSubject: x\r\nX-First: #\r\n\r\ntext\r\n"},
	{"a quoted line of an mbox first", ">From bob\r\nSubject: x\r\n\r\nX-First: #\r\n"},
	{"a folded line first", " folded\r\nX-First: #\r\n\r\ntext\r\n"},
	{"only text", "X-First: # and no header at all\r\n.\r\n"},
	{"one line without an end", "X-First: #"},
}

// Number returns which message content is of, -1 for none: servers add fields in front.
func Number(content string) int {
	_, rest, found := strings.Cut(content, "X-First: ")
	number := -1
	if _, err := fmt.Sscan(rest, &number); !found || err != nil {
		return -1
	}
	return number
}

// Articles returns news articles for a group, one for each body.
func Articles(group string) []*Message {
	var all []*Message
	for _, b := range bodies {
		if b.noArticle || b.long {
			continue
		}
		number := fmt.Sprint(len(all))
		header := sender + "Newsgroups: " + group + "\r\nSubject: number " + number + "\r\nX-First: " + number + "\r\n"
		all = append(all, &Message{Name: b.name, Content: header + strings.ReplaceAll(b.body, "#", number)})
	}
	return all
}

// Messages returns all of them, more than 400. Each has its number in it.
func Messages() []*Message {
	var all []*Message
	for _, h := range headers {
		for _, b := range bodies {
			number := fmt.Sprint(len(all))
			content := "X-First: " + number + "\r\n" + strings.ReplaceAll(h.header, "#", number) + strings.ReplaceAll(b.body, "#", number)
			all = append(all, &Message{
				Name: h.name + ", " + b.name, Content: content, Long: b.long, NoEnd: !strings.HasSuffix(content, "\n"),
			})
		}
	}
	for _, m := range starts {
		content := strings.ReplaceAll(m.content, "#", fmt.Sprint(len(all)))
		all = append(all, &Message{Name: m.name, Content: content, NoEnd: !strings.HasSuffix(content, "\n")})
	}
	return all
}

// Compare compares what has arrived with the messages that were sent, and returns what is
// wrong. want returns how a message should arrive, and whether it was sent; with prefixes
// there may be more before it. Five faults of messages are described, the others counted.
func Compare(messages []*Message, got []string, want func(m *Message) (string, bool), prefixes bool) (faults []string) {
	arrived := map[int]string{}
	for _, content := range got {
		n := Number(content)
		if _, twice := arrived[n]; twice {
			faults = append(faults, fmt.Sprintf("message %d arrived twice", n))
		}
		arrived[n] = content
	}
	count, bad := 0, 0
	for n, m := range messages {
		content, sent := want(m)
		if !sent {
			continue
		}
		count++
		if is := arrived[n]; is != content && !(prefixes && strings.HasSuffix(is, content)) {
			if bad++; bad <= 5 {
				faults = append(faults, fmt.Sprintf("%s: sent %.300q, arrived %.500q", m.Name, content, is))
			}
		}
	}
	if count != len(got) || bad > 0 {
		faults = append(faults, fmt.Sprintf("%d sent, %d arrived, %d changed", count, len(got), bad))
	}
	return faults
}

// Write makes a maildir of the messages that are meant, and returns how many these are.
func Write(dir string, messages []*Message, meant func(m *Message) (string, bool)) (n int, err error) {
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return 0, err
		}
	}
	for i, m := range messages {
		if _, sent := meant(m); !sent {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "new", fmt.Sprintf("%04d.awkward", i)), []byte(m.Content), 0o600); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
