package pop3

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// fuzzCalls are what the client does with a server that says anything.
var fuzzCalls = []protocoltest.Call{
	protocoltest.List(""), protocoltest.Get("1", nil), protocoltest.Get(";UID=a", nil), protocoltest.Stat("1"), protocoltest.Bulk("1", "2", ";UID=b"),
	protocoltest.Raw("CAPA"), protocoltest.Probe(), protocoltest.Get("1", &protocols.GetOptions{Offset: 2, Length: 2}),
	calling(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "1") }),
	calling(func(ctx context.Context, c *Client) error {
		c.Settings.Headers = true
		box, err := c.OpenMailbox(ctx, "")
		if err != nil {
			return err
		}
		for _, err := range box.Changes(ctx, "") {
			if err != nil {
				return err
			}
		}
		return nil
	}),
}

// FuzzClient lets a server say any bytes: every call ends, and an error is one of
// the contract.
func FuzzClient(f *testing.F) {
	for i, r := range book().Rows {
		s, err := protocoltest.LoadScript(r.File())
		if err != nil {
			f.Fatal(err)
		}
		var said strings.Builder
		for _, st := range s.Steps {
			if st.Mark == "S:" {
				said.WriteString(st.Text + "\r\n")
			}
		}
		f.Add(uint8(i), said.String())
	}
	f.Fuzz(func(t *testing.T, call uint8, said string) {
		var hexed strings.Builder
		for i := range len(said) {
			fmt.Fprintf(&hexed, `\x%02x`, said[i])
		}
		s, err := protocoltest.ParseScript("fuzz", "S: "+hexed.String()+"\\c\nS! close\n")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) { converse(t, protocoltest.NewPlayer(s), fuzzCalls[int(call)%len(fuzzCalls)]) })
	})
}

func converse(t *testing.T, p *protocoltest.Player, call protocoltest.Call) {
	u, err := protocols.ParseURL("pop3://alice:secret@localhost/", "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, &protocols.Options{Dial: p.Dial, TLS: protocols.TLS{Mode: protocols.TLSOff}})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err = call(t.Context(), c)
	if _, ours := err.(*protocols.Error); err != nil && !ours || protocols.KindOf(err) == protocols.KindInternal {
		t.Errorf("error %T of kind %v: %v", err, protocols.KindOf(err), err)
	}
	c.Close()
	p.Close()
	if took := time.Since(start); took > 10*time.Minute { // in a time that costs nothing
		t.Errorf("took %v", took)
	}
}
