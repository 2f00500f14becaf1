package imap

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// TestFaults: what a server does wrong at a command has a kind of its own, and the
// next call works when the fault has passed.
func TestFaults(t *testing.T) {
	reads := func(c *Client) error { return read(c, "INBOX;UID=2") }
	lists := func(c *Client) error { return list(c, "INBOX") }
	stores := func(c *Client) error {
		_, err := c.Put(t.Context(), "INBOX", strings.NewReader("Subject: x\r\n\r\nSELECT\r\n"), nil)
		return err
	}
	for _, test := range []struct {
		fault string
		call  func(c *Client) error
		want  protocols.Kind
	}{
		{"code:EXAMINE=NO [INUSE] busy*1", reads, protocols.KindTemporary},
		{"code:EXAMINE=NO [NONEXISTENT] gone*1", reads, protocols.KindRefused},
		{"code:EXAMINE=BAD what*1", reads, protocols.KindRefused},
		{"code:AUTHENTICATE=NO [AUTHENTICATIONFAILED] wrong*1,code:LOGIN=NO [AUTHENTICATIONFAILED] wrong*1", reads, protocols.KindAuth},
		{"code:FETCH=* BYE going down*1", reads, protocols.KindTemporary},
		{"code:GREETING=BYE too many*1", lists, protocols.KindTemporary},
		{"code:APPEND=NO [OVERQUOTA] full*1", stores, protocols.KindRefused},
		{"garbage:FETCH*1", lists, protocols.KindProtocol},
		{"endless:FETCH=* 1 FETCH (UID *1", lists, protocols.KindProtocol},
		{"multiline:FETCH=* 1 FETCH (UID 1)*1", lists, protocols.KindProtocol},
		{"hang:FETCH*1", lists, protocols.KindTimeout},
		{"drop:FETCH*1", lists, protocols.KindProtocol},
		{"drop:GREETING*1", lists, protocols.KindProtocol},
		{"inject:EXAMINE=* 1 FETCH (FLAGS (\\\\Seen))*1", lists, 0},
		{"inject:FETCH=* 77 EXPUNGE\\r\\n* NEWS of another kind {3}\\r\\nabc*1", lists, 0},
	} {
		t.Run(test.fault, func(t *testing.T) {
			faults, err := lab.ParseFaults(test.fault)
			must(t, err)
			s := labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{ServerOptions: lab.ServerOptions{Faults: faults}})
			c := labtest.Connect(t, New, s, &protocols.Options{IdleTimeout: 500 * time.Millisecond})
			err = test.call(c)
			if kind := protocols.KindOf(err); err == nil && test.want != 0 || err != nil && kind != test.want {
				t.Errorf("kind %v, want %v: %v", kind, test.want, err)
			}
			if gone := errors.Is(err, fs.ErrNotExist); gone != strings.Contains(test.fault, "NONEXISTENT") {
				t.Errorf("not found is %v: %v", gone, err)
			}
			must(t, test.call(c))
			began := time.Now()
			must(t, s.Close())
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("the server needed %v to close", took)
			}
		})
	}
}
