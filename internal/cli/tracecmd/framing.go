package tracecmd

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/cli/trace"
	"github.com/netclients/netclients/internal/pattern"
	"github.com/netclients/netclients/protocols"
)

// framing is how a protocol puts lines and content on a connection; what a trace does not
// hold of it.
type framing struct {
	unknown string // the answer to a command that was not recorded; the tag goes before it where it begins with a space
	body    func(p *player, ev protocols.Event) error
	line    func(p *player, x *trace.Exchange, i int, text string) string // a line with its end; nil: CRLF
	head    bool                                                          // commands are requests with fields
	passive *regexp.Regexp                                                // answers that name a port, which is group 1
	active  *regexp.Regexp                                                // commands that name one
	endOf   func(p *player, x *trace.Exchange) error                      // after an exchange of requests
}

// framingOf returns the framing of a protocol: lines with answers for those that are not
// known.
func framingOf(protocol string) framing {
	f, known := map[string]framing{
		"": {unknown: "500 not in the recording", body: rawBody},
		"ftp": {unknown: "502 not in the recording", body: rawBody,
			passive: regexp.MustCompile(`\(\|\|\|(\d+)\|\)|(\d{1,3},\d{1,3},\d{1,3},\d{1,3},\d{1,3},\d{1,3})`),
			active:  regexp.MustCompile(`(?i)^(?:EPRT \|[12]\|([^|]+)\|(\d+)\||PORT (\d+),(\d+),(\d+),(\d+),(\d+),(\d+))`)},
		"smtp":   {unknown: "500 5.5.1 not in the recording", body: rawBody},
		"pop3":   {unknown: "-ERR not in the recording", body: dotBody},
		"nntp":   {unknown: "500 not in the recording", body: dotBody},
		"imap":   {unknown: " BAD not in the recording", body: literalBody, line: imapLine},
		"http":   {unknown: "HTTP/1.1 404 Not in the recording", body: webBody, line: webLine, head: true, endOf: webEnd},
		"gopher": {unknown: "3not in the recording\t\terror\t1", body: rawBody},
	}[protocol]
	if !known {
		return framingOf("")
	}
	if f.line == nil {
		f.line = func(_ *player, _ *trace.Exchange, _ int, text string) string { return text + "\r\n" }
	}
	return f
}

func (f *framing) unknownTo(line string) string {
	if strings.HasPrefix(f.unknown, " ") {
		return firstWord(line) + f.unknown
	}
	return f.unknown
}

// guess returns the protocol of a dialogue that does not say it: a text trace.
func guess(d *trace.Dialogue) string {
	for _, x := range d.Exchanges {
		for i := range guesses {
			g := &guesses[i]
			if x.Sent() && g.form.Re().MatchString(x.Command) {
				return g.protocol
			}
		}
		for _, ev := range x.Events {
			if ev.Kind == protocols.EventRecv && strings.HasPrefix(ev.Text, "* OK ") {
				return "imap"
			}
		}
	}
	return ""
}

var guesses = []struct {
	protocol string
	form     pattern.Lazy
}{
	{"http", pattern.Lazy{Text: `^[A-Z]+ \S+ HTTP/`}},
	{"ftp", pattern.Lazy{Text: `(?i)^(?:AUTH TLS|USER anonymous|FEAT|PASV|EPSV|SYST|TYPE )`}},
	{"smtp", pattern.Lazy{Text: `(?i)^(?:EHLO|HELO|LHLO|MAIL FROM:)`}},
	{"pop3", pattern.Lazy{Text: `(?i)^(?:CAPA|UIDL|APOP|RETR|STLS)\b`}},
	{"nntp", pattern.Lazy{Text: `(?i)^(?:CAPABILITIES|MODE READER|GROUP |AUTHINFO)`}},
	{"imap", pattern.Lazy{Text: `(?i)^\S+\d+ (?:CAPABILITY|LOGIN|AUTHENTICATE|SELECT|EXAMINE)\b`}},
	{"gopher", pattern.Lazy{Text: `^(?:/\S*)?$`}},
}

// fill writes content of the recorded size: as it was recorded, and then letters.
func fill(w io.Writer, ev protocols.Event) error {
	head := ev.Head[:min(int64(len(ev.Head)), ev.Bytes)]
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	return pad(w, ev.Bytes-int64(len(head)))
}

// pad writes n bytes of lines.
func pad(w io.Writer, n int64) error {
	line := strings.Repeat("x", 70) + "\r\n"
	for ; n > int64(len(line)); n -= int64(len(line)) {
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
	}
	if n <= 0 {
		return nil
	}
	last := strings.Repeat("x", int(n))
	if n > 2 {
		last = last[2:] + "\r\n"
	}
	_, err := io.WriteString(w, last)
	return err
}

// rawBody is content that ends with the connection, or that has lines in it.
func rawBody(p *player, ev protocols.Event) error {
	return fill(p.conn, ev)
}

// dotBody is content that ends with a dot.
func dotBody(p *player, ev protocols.Event) error {
	w := textproto.NewWriter(bufio.NewWriter(p.conn)).DotWriter()
	ev.Head = strings.ReplaceAll(ev.Head, "\r\n", "\n") // the writer makes the ends
	if err := fillText(w, ev); err != nil {
		return err
	}
	return w.Close()
}

// fillText is fill for a writer that makes CRLF of each LF.
func fillText(w io.Writer, ev protocols.Event) error {
	size := int64(len(ev.Head) + strings.Count(ev.Head, "\n"))
	if _, err := io.WriteString(w, ev.Head); err != nil {
		return err
	}
	for left := ev.Bytes - size; left > 0; {
		n := min(left, 72)
		if _, err := io.WriteString(w, strings.Repeat("x", int(max(n-2, 0)))+"\n"); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// literal is the mark of a literal at the end of a line of IMAP.
var literal = pattern.Lazy{Text: `\{(\d+)\}$`}

// imapLine writes the literal that a line announces, of which a trace has the size alone,
// and leaves the place of a literal open that is content.
func imapLine(_ *player, x *trace.Exchange, i int, text string) string {
	if i+1 < len(x.Events) && x.Events[i+1].Kind == protocols.EventData && !trace.Outward(x.Events[i+1]) {
		return strings.TrimSuffix(text, "NIL")
	}
	m := literal.Re().FindStringSubmatch(text)
	if m == nil {
		return text + "\r\n"
	}
	n, _ := strconv.ParseInt(m[1], 10, 32)
	var b strings.Builder
	_ = pad(&b, min(n, 1<<20))
	return text + "\r\n" + b.String() + ")\r\n"
}

// literalBody is content as a literal, after which the line ends.
func literalBody(p *player, ev protocols.Event) error {
	if _, err := fmt.Fprintf(p.conn, "{%d}\r\n", ev.Bytes); err != nil {
		return err
	}
	if err := fill(p.conn, ev); err != nil {
		return err
	}
	_, err := io.WriteString(p.conn, ")\r\n")
	return err
}

// request is a request of HTTP with what follows it.
type request struct {
	line string
	last bool // the client wants no other one
}

// read reads the fields and the body.
func (r *request) read(in *bufio.Reader) error {
	if !strings.Contains(r.line, " HTTP/") {
		return nil
	}
	fields, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil {
		return err
	}
	r.last = strings.EqualFold(fields.Get("Connection"), "close")
	if fields.Get("Transfer-Encoding") != "" {
		return skipChunks(in)
	}
	n, _ := strconv.ParseInt(fields.Get("Content-Length"), 10, 64)
	_, err = io.CopyN(io.Discard, in, max(n, 0))
	return err
}

// skipChunks reads a body in chunks (RFC 9112 7.1).
func skipChunks(in *bufio.Reader) error {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil {
			return err
		}
		if n == 0 {
			_, err := in.ReadString('\n')
			return err
		}
		if _, err := io.CopyN(io.Discard, in, n+2); err != nil {
			return err
		}
	}
}

// webLine writes a line of the head of an answer. The length of the content is written
// before the content; the codings of it are those of text.
func webLine(_ *player, x *trace.Exchange, i int, text string) string {
	name, _, isField := strings.Cut(strings.ToLower(text), ":")
	switch {
	case isField && (name == "content-length" || name == "transfer-encoding" || name == "content-encoding" || name == "connection"):
		return ""
	case strings.HasPrefix(text, "HTTP/"):
		_, status, _ := strings.Cut(text, " ")
		return "HTTP/1.1 " + status + "\r\n"
	}
	return text + "\r\n"
}

// webBody ends the head and writes the content.
func webBody(p *player, ev protocols.Event) error {
	if _, err := fmt.Fprintf(p.conn, "Content-Length: %d\r\n\r\n", ev.Bytes); err != nil {
		return err
	}
	return fill(p.conn, ev)
}

// webEnd ends the head of an answer without content.
func webEnd(p *player, x *trace.Exchange) error {
	head := false
	for _, ev := range x.Events {
		head = head || ev.Kind == protocols.EventRecv
		if ev.Kind == protocols.EventData && !trace.Outward(ev) {
			head = false
		}
	}
	if !head {
		return nil
	}
	if !strings.HasPrefix(p.request.line, "HEAD ") {
		if _, err := io.WriteString(p.conn, "Content-Length: 0\r\n"); err != nil {
			return err
		}
	}
	_, err := io.WriteString(p.conn, "\r\n")
	return err
}

// activeAddress returns where a client waits for a data connection: only at loopback.
func activeAddress(m []string) string {
	if m[1] != "" {
		if !loopback(m[1]) {
			return ""
		}
		return net.JoinHostPort(m[1], m[2])
	}
	host := strings.Join(m[3:7], ".")
	high, _ := strconv.Atoi(m[7])
	low, _ := strconv.Atoi(m[8])
	if !loopback(host) {
		return ""
	}
	return net.JoinHostPort(host, fmt.Sprint(high<<8|low))
}
