package maillab

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// Sample is a store for demonstrations: the default user has five messages in
// INBOX. Among them are one with lines that begin with dots or "From ", one with
// encoded words, and one with an attachment.
func Sample() *Mailboxes {
	m := NewMailboxes(Limits{})
	AddSamples(m, base.DefaultCredentials().User)
	return m
}

// AddSamples puts the messages of Sample into the INBOX of a user.
func AddSamples(m *Mailboxes, user string) {
	for i, text := range sampleMessages() {
		m.Append(user, Inbox, text, nil, time.Date(2024, 3, 1+i, 9, 30, 0, 0, time.UTC))
	}
}

func sampleMessages() [][]byte {
	return [][]byte{
		message(1, "Bob <bob@example.org>", "Welcome", "This is a server of the lab. Have fun."),
		message(2, "Carol <carol@example.org>", "Dots and quotes", ".\n..\n.hidden\nFrom here on it goes down\n>From there too\n."),
		message(3, "=?UTF-8?Q?Zo=C3=AB?= <zoe@example.org>", "=?UTF-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=", "Grüße!"),
		message(4, "build@example.org", "Log of tonight", strings.Repeat("ok 1234567890 abcdefghijklmnopqrstuvwxyz\n", 2000)),
		attachment(),
	}
}

// message makes a message with CRLF line ends.
func message(n int, from, subject, body string) []byte {
	text := fmt.Sprintf("From: %s\nTo: alice@example.org\nSubject: %s\nDate: %s\nMessage-ID: <sample-%d@lab.localhost>\n"+
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n%s\n",
		from, subject, time.Date(2024, 3, n, 9, 30, 0, 0, time.UTC).Format(time.RFC1123Z), n, body)
	return bytes.ReplaceAll([]byte(text), []byte("\n"), []byte("\r\n"))
}

func attachment() []byte {
	m := message(5, "Dave <dave@example.org>", "A file for you",
		"--edge\nContent-Type: text/plain\n\nSee the file.\n--edge\nContent-Type: application/octet-stream\n"+
			"Content-Disposition: attachment; filename=\"data.bin\"\nContent-Transfer-Encoding: base64\n\nAAECAwQFBgcICQ==\n--edge--")
	return bytes.Replace(m, []byte("text/plain; charset=utf-8"), []byte("multipart/mixed; boundary=edge"), 1)
}

// mailOf returns the store of a server: the given one or a sample, with the user of
// the options, if there is one.
func mailOf(m *Mailboxes, o base.ServerOptions) *Mailboxes {
	if m == nil {
		m = Sample()
	}
	if o.User != "" {
		m.AddUser(base.Credentials{User: o.User, Password: o.Password})
	}
	return m
}
