package maillab

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols/lab/base"
)

// secure puts TLS onto a connection.
func (t *smtpTap) secure(conn net.Conn) {
	t.tls = tls.Server(conn, t.s.tlsConfig())
	t.Conn = t.s.front.Over(t.tls)
	t.In.Reset(t.Conn)
}

// upgrades reports whether STARTTLS is there to be used.
func (t *smtpTap) upgrades() bool {
	return t.s.opt.TLS == base.TLSExplicit && t.tls == nil && t.s.on("STARTTLS")
}

// startTLS answers STARTTLS and does the handshake. A client that has sent more
// already is cut off: it would be taken for what was said under TLS.
func (t *smtpTap) startTLS() error {
	early := t.In.Buffered() > 0
	if _, err := io.WriteString(t, "220 2.0.0 Ready to start TLS\r\n"); err != nil {
		return err
	}
	if f, ok := t.s.front.Faults.Verb(base.PointTLS); ok && !t.play(f) || early {
		t.Close()
		return io.EOF
	}
	t.secure(t.Conn)
	t.anew = true
	return t.tls.Handshake()
}

// offer returns the reply to EHLO as it goes out. go-smtp reads the parameters of
// DELIVERBY and MT-PRIORITY on RCPT, where they do not belong, and knows nothing of
// TLS here: those keywords are the tap's.
func (t *smtpTap) offer(reply []byte) []byte {
	if !bytes.HasPrefix(reply, []byte("250")) {
		return reply
	}
	lines := strings.Split(strings.TrimSuffix(string(reply), "\r\n"), "\r\n")
	for _, k := range []struct {
		name  string
		there bool
	}{{"DELIVERBY", true}, {"MT-PRIORITY", true}, {"STARTTLS", t.upgrades()}, {"REQUIRETLS", t.tls != nil}} {
		if k.there {
			lines = append(lines, "250 "+k.name)
		}
	}
	kept := lines[:1] // the greeting
	for _, l := range lines[1:] {
		if keyword, _, _ := strings.Cut(l[4:], " "); t.s.on(keyword) {
			kept = append(kept, l)
		}
	}
	for i, l := range kept {
		sep := "-"
		if i == len(kept)-1 {
			sep = " "
		}
		kept[i] = l[:3] + sep + l[4:] + "\r\n"
	}
	return []byte(strings.Join(kept, ""))
}

// mailParameters are those of MAIL that are judged here and taken out.
var mailParameters = map[string]struct {
	keyword string
	valid   func(t *smtpTap, value string) bool
}{
	"BY": {"DELIVERBY", func(_ *smtpTap, v string) bool { // RFC 2852 4
		seconds, mode, ok := strings.Cut(v, ";")
		n, err := strconv.Atoi(seconds)
		mode = strings.TrimSuffix(strings.ToUpper(mode), "T")
		return ok && err == nil && (mode == "N" || mode == "R" && n > 0)
	}},
	"MT-PRIORITY": {"MT-PRIORITY", func(_ *smtpTap, v string) bool { // RFC 6710 4
		n, err := strconv.Atoi(v)
		return err == nil && n >= -9 && n <= 9
	}},
	"REQUIRETLS": {"REQUIRETLS", func(t *smtpTap, v string) bool { return v == "" && t.tls != nil }}, // RFC 8689 3
}

// mail passes MAIL on without the parameters that are the tap's, or refuses it.
func (t *smtpTap) mail(arg string) error {
	var kept []string
	for _, word := range strings.Split(arg, " ") {
		key, value, _ := strings.Cut(word, "=")
		p, ours := mailParameters[strings.ToUpper(key)]
		switch {
		case !ours:
			kept = append(kept, word)
		case !t.s.on(p.keyword) || !p.valid(t, value):
			t.Line = nil
			_, err := io.WriteString(t, "555 5.5.4 "+key+" is not taken so\r\n")
			return err
		}
	}
	t.Line = []byte("MAIL " + strings.Join(kept, " ") + "\r\n")
	return nil
}
