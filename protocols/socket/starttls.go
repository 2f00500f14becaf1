package socket

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

const (
	maxUpgradeLine  = 8 << 10 // bytes of one line, or message, before TLS
	maxUpgradeLines = 200     // of one answer
)

// upgrade asks a server for TLS the way its protocol does. All it reads goes
// through r; host is the name of the server.
type upgrade func(w io.Writer, r *bufio.Reader, host string) error

// upgrades are the protocols whose way to TLS is known.
var upgrades = map[string]upgrade{
	"smtp":     lines(numbered, "220", line{"EHLO localhost", "250"}, line{"STARTTLS", "220"}),
	"lmtp":     lines(numbered, "220", line{"LHLO localhost", "250"}, line{"STARTTLS", "220"}),
	"ftp":      lines(numbered, "220", line{"AUTH TLS", "234"}),
	"nntp":     lines(single, "20", line{"STARTTLS", "382"}),
	"pop3":     lines(single, "+OK", line{"STLS", "+OK"}),
	"imap":     lines(tagged, "* OK", line{"a STARTTLS", "a OK"}),
	"sieve":    lines(sieved, "OK", line{"STARTTLS", "OK"}),
	"xmpp":     upgradeXMPP,
	"ldap":     upgradeLDAP,
	"postgres": upgradePostgres,
}

// askTLS makes the dialogue before the handshake. A server that says more than
// it was asked for before TLS is refused: that could be somebody in between.
func askTLS(conn *transport.Conn, name, host string) error {
	ask := upgrades[name]
	if ask == nil {
		return protocols.UsageError("", "", "no way to start TLS is known for "+strconv.Quote(name)+"; there are "+strings.Join(StartTLSNames(), " "))
	}
	t := traced{conn}
	r := bufio.NewReaderSize(t, maxUpgradeLine)
	if err := ask(t, r, host); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return protocols.ProtocolError("", "", "the server ended the connection before TLS")
		}
		return err
	}
	if r.Buffered() > 0 {
		return protocols.ProtocolError("", "", "the server sent data before the TLS handshake")
	}
	return nil
}

// traced shows what goes over a connection before TLS in the trace.
type traced struct{ *transport.Conn }

func (t traced) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.show(protocols.EventRecv, p[:n])
	return n, err
}

func (t traced) Write(p []byte) (int, error) {
	t.show(protocols.EventSend, p)
	return t.Conn.Write(p)
}

func (t traced) show(kind protocols.EventKind, p []byte) {
	if len(p) > 0 {
		t.Event(kind, strings.TrimRight(string(p), "\r\n"), int64(len(p)))
	}
}

// line is a command, and how the last line of a good answer begins.
type line struct{ send, want string }

// last tells the last line of an answer from those before it. first says that
// none came before; ok is false for a line that cannot stand there.
type last func(l string, first bool) (is, ok bool)

// numbered: SMTP and FTP, RFC 5321 section 4.2 and RFC 959 section 4.2.
func numbered(l string, first bool) (is, ok bool) {
	code := len(l) >= 3 && strings.Trim(l[:3], "0123456789") == ""
	is = code && (len(l) == 3 || l[3] == ' ')
	return is, is || !first || code && l[3] == '-'
}

// single: one line is an answer.
func single(string, bool) (is, ok bool) { return true, true }

// tagged: IMAP's untagged lines come before the answer, but the greeting is one.
func tagged(l string, _ bool) (is, ok bool) {
	rest, untagged := strings.CutPrefix(l, "* ")
	word, _, _ := strings.Cut(rest, " ")
	if untagged {
		return word == "OK" || word == "BYE" || word == "PREAUTH", true
	}
	return true, word == "a"
}

// sieved: ManageSieve ends an answer with one of three words, RFC 5804 section
// 1.2; before it stand lines of strings.
func sieved(l string, _ bool) (is, ok bool) {
	word, _, _ := strings.Cut(strings.ToUpper(l), " ")
	is = word == "OK" || word == "NO" || word == "BYE"
	return is, is || strings.HasPrefix(l, "\"")
}

// lines makes the upgrade of a line protocol: its greeting, and its commands.
func lines(is last, greeting string, commands ...line) upgrade {
	return func(w io.Writer, r *bufio.Reader, _ string) error {
		if err := await(r, is, greeting); err != nil {
			return err
		}
		for _, c := range commands {
			if r.Buffered() > 0 { // nothing that came before the command is its answer (CVE-2021-22947)
				return protocols.ProtocolError("", "", "unexpected data before "+strings.TrimPrefix(c.send, "a ")+" (possible man-in-the-middle)")
			}
			if _, err := io.WriteString(w, c.send+"\r\n"); err != nil {
				return err
			}
			if err := await(r, is, c.want); err != nil {
				return err
			}
		}
		return nil
	}
}

// await reads an answer whose last line must begin with want.
func await(r *bufio.Reader, is last, want string) error {
	for n := range maxUpgradeLines {
		b, err := r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return protocols.ProtocolError("", "", "line too long before TLS")
		}
		if err != nil {
			return err
		}
		l := strings.TrimRight(string(b), "\r\n")
		end, ok := is(l, n == 0)
		if !ok {
			return protocols.ProtocolError("", "", "no answer to a wish for TLS: "+strconv.Quote(l))
		}
		if !end {
			continue
		}
		if len(l) < len(want) || !strings.EqualFold(l[:len(want)], want) {
			return noTLS(l)
		}
		return nil
	}
	return protocols.ProtocolError("", "", "answer too long before TLS")
}

// noTLS is the server's no.
func noTLS(words string) error {
	return &protocols.Error{Kind: protocols.KindTLS, Text: "server refused to start TLS: " + words}
}

// upgradeXMPP is RFC 6120 section 5.4.
func upgradeXMPP(w io.Writer, r *bufio.Reader, host string) error {
	var to bytes.Buffer
	if err := xml.EscapeText(&to, []byte(host)); err != nil {
		return err
	}
	open := "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" + to.String() + "' version='1.0'>"
	if _, err := io.WriteString(w, open); err != nil {
		return err
	}
	features, err := readUntil(r, "</stream:features>", "</stream:stream>")
	if err != nil {
		return err
	}
	if !strings.Contains(features, "urn:ietf:params:xml:ns:xmpp-tls") {
		return noTLS("it is not among the stream's features")
	}
	if _, err := io.WriteString(w, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"); err != nil {
		return err
	}
	answer, err := readUntil(r, ">")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(strings.TrimSpace(answer), "<proceed") {
		return noTLS(answer)
	}
	if !strings.HasSuffix(answer, "/>") { // written as a pair of tags
		_, err = readUntil(r, ">")
	}
	return err
}

// readUntil reads up to the first of the texts, bounded.
func readUntil(r *bufio.Reader, ends ...string) (string, error) {
	var b strings.Builder
	for b.Len() < 8*maxUpgradeLine {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		b.WriteByte(c)
		for _, end := range ends {
			if c == end[len(end)-1] && strings.HasSuffix(b.String(), end) {
				return b.String(), nil
			}
		}
	}
	return "", protocols.ProtocolError("", "", "answer too long before TLS")
}

// startTLSRequest is the extended request of RFC 4511 section 4.14.1.
const startTLSRequest = "\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"

func upgradeLDAP(w io.Writer, r *bufio.Reader, _ string) error {
	if _, err := io.WriteString(w, startTLSRequest); err != nil {
		return err
	}
	tag, message, err := readBER(r)
	if err != nil {
		return err
	}
	inner := bufio.NewReader(bytes.NewReader(message))
	if tag != 0x30 {
		return protocols.ProtocolError("", "", "the answer is not an LDAP message")
	}
	if _, _, err := readBER(inner); err != nil { // the message's number
		return err
	}
	tag, response, err := readBER(inner)
	if err != nil {
		return err
	}
	_, code, err := readBER(bufio.NewReader(bytes.NewReader(response)))
	switch {
	case err != nil:
		return err
	case tag != 0x78 || len(code) != 1:
		return protocols.ProtocolError("", "", "the answer is not an LDAP extended response")
	case code[0] != 0:
		return noTLS("LDAP result " + strconv.Itoa(int(code[0])))
	}
	return nil
}

// readBER reads one element with a length of at most four bytes, bounded.
func readBER(r *bufio.Reader) (tag byte, value []byte, err error) {
	if tag, err = r.ReadByte(); err != nil {
		return 0, nil, err
	}
	first, err := r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	n := int(first)
	if first >= 0x80 {
		n = 0
		if first > 0x84 {
			return 0, nil, protocols.ProtocolError("", "", "length of an LDAP element is out of bounds")
		}
		for range first & 0x7f {
			b, err := r.ReadByte()
			if err != nil {
				return 0, nil, err
			}
			n = n<<8 | int(b)
		}
	}
	if n < 0 || n > maxUpgradeLine {
		return 0, nil, protocols.ProtocolError("", "", "length of an LDAP element is out of bounds")
	}
	value = make([]byte, n)
	_, err = io.ReadFull(r, value)
	return tag, value, err
}

// sslRequest is PostgreSQL's, of the chapter on its message formats.
const sslRequest = "\x00\x00\x00\x08\x04\xd2\x16\x2f"

func upgradePostgres(w io.Writer, r *bufio.Reader, _ string) error {
	if _, err := io.WriteString(w, sslRequest); err != nil {
		return err
	}
	b, err := r.ReadByte()
	if err != nil {
		return err
	}
	if b != 'S' {
		return noTLS("PostgreSQL answered " + strconv.QuoteRune(rune(b)))
	}
	return nil
}
