package cli

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netclients/netclients/protocols/lab/labtest"
)

// nameServer answers over TCP; a question without records is for a name that is not there.
func nameServer(t *testing.T, records func(dnsmessage.Question) []dnsmessage.ResourceBody) string {
	t.Helper()
	return dnsServer(t, func(m *dnsmessage.Message) {
		for _, body := range records(m.Questions[0]) {
			addRecord(m, body)
		}
		if len(m.Answers) == 0 {
			m.RCode = dnsmessage.RCodeNameError
		}
	})
}

// addRecord adds one to an answer.
func addRecord(m *dnsmessage.Message, body dnsmessage.ResourceBody) {
	q := m.Questions[0]
	m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}, Body: body})
}

// dnsServer answers over TCP what answer makes of the question.
func dnsServer(t *testing.T, answer func(m *dnsmessage.Message)) string {
	t.Helper()
	return labtest.Serve(t, func(c net.Conn) {
		for {
			var size [2]byte
			if _, err := io.ReadFull(c, size[:]); err != nil {
				return
			}
			b := make([]byte, binary.BigEndian.Uint16(size[:]))
			var m dnsmessage.Message
			if _, err := io.ReadFull(c, b); err != nil || m.Unpack(b) != nil {
				return
			}
			m.Response, m.AuthenticData, m.Additionals = true, false, nil
			answer(&m)
			packed, err := m.AppendPack(size[:])
			if err != nil {
				return
			}
			binary.BigEndian.PutUint16(packed, uint16(len(packed)-2))
			if _, err := c.Write(packed); err != nil {
				return
			}
		}
	})
}

// TestDiscover: the records of a domain as URLs; without any the command fails.
func TestDiscover(t *testing.T) {
	at := nameServer(t, func(q dnsmessage.Question) []dnsmessage.ResourceBody {
		if q.Type != dnsmessage.TypeSRV || !strings.HasSuffix(q.Name.String(), "s._tcp.shop.test.") {
			return nil
		}
		return []dnsmessage.ResourceBody{&dnsmessage.SRVResource{Port: 993, Target: dnsmessage.MustNewName("mail.shop.test.")}}
	})
	// Nothing listens there, so that autoconfig is not reached.
	nowhere := []string{"--dns", at, "--connect-to", "shop.test:443:127.0.0.1:1", "--connect-to", "autoconfig.shop.test:443:127.0.0.1:1",
		"--connect-to", "none.test:443:127.0.0.1:1", "--connect-to", "autoconfig.none.test:443:127.0.0.1:1", "--proxy", ""}
	code, out, errOut := fullCLI(t, append([]string{"discover", "ann@shop.test", "--json=protocol,url,tls"}, nowhere...)...)
	want := `{"protocol":"imap","url":"imaps://ann%40shop.test@mail.shop.test/","tls":"implicit"}
{"protocol":"pop3","url":"pop3s://ann%40shop.test@mail.shop.test:993/","tls":"implicit"}
{"protocol":"smtp","url":"smtps://ann%40shop.test@mail.shop.test:993/","tls":"implicit"}
`
	if code != 0 || out != want {
		t.Errorf("exit code %d, %s\n%s", code, errOut, out)
	}
	code, out, errOut = fullCLI(t, append([]string{"discover", "ann@shop.test"}, nowhere...)...)
	if code != 0 || !strings.Contains(out, "imaps://ann%40shop.test@mail.shop.test/  (srv, _imaps._tcp.shop.test)") {
		t.Errorf("exit code %d, %s\n%s", code, errOut, out)
	}
	if code, _, errOut := fullCLI(t, append([]string{"discover", "ann@none.test"}, nowhere...)...); code != 6 || !strings.Contains(errOut, "publishes no servers of mail") {
		t.Errorf("exit code %d, %s", code, errOut)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := Main(ctx, append([]string{"discover", "ann@none.test"}, nowhere...), strings.NewReader(""), io.Discard, io.Discard); code != 130 {
		t.Errorf("exit code %d", code)
	}
}
