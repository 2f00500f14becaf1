package gopher

import (
	"io"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/textlab"
)

// TestServerFaults: what the lab's server does wrong is an error of the right
// kind, and the client works again with a server that has stopped doing it.
func TestServerFaults(t *testing.T) {
	for _, c := range []struct {
		fault, name string
		kind        protocols.Kind
	}{
		{"endless:MENU=0text*1", "1/pub", protocols.KindProtocol},
		{"reset:MENU*1", "1/pub", protocols.KindConnect},
		{"reset:TEXT*1", "0/README.txt", protocols.KindConnect},
		{"reset:BINARY*1", "9/pub/large.bin", protocols.KindConnect},
		{"reset:SEARCH*1", "7/search\tdeep", protocols.KindConnect},
	} {
		faults, err := lab.ParseFaults(c.fault)
		if err != nil {
			t.Fatal(err)
		}
		client := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{ServerOptions: lab.ServerOptions{Faults: faults}}).URL(), nil)
		use := func() error {
			if it, _ := client.item(c.name); it.isMenu() {
				for _, err := range client.List(t.Context(), c.name) {
					if err != nil {
						return err
					}
				}
				return nil
			}
			o, err := client.Get(t.Context(), c.name, nil)
			if err != nil {
				return err
			}
			defer o.Body.Close()
			_, err = io.Copy(io.Discard, o.Body)
			return err
		}
		err = use()
		if kind := protocols.KindOf(err); kind != c.kind {
			t.Errorf("%s: kind %v: %v", c.fault, kind, err)
		}
		if err := use(); err != nil {
			t.Errorf("after %s: %v", c.fault, err)
		}
	}
}

// TestRefusalsByWords: what a server says of a refusal decides its kind.
func TestRefusalsByWords(t *testing.T) {
	for text, want := range map[string]protocols.Kind{
		"'/x' does not exist": protocols.KindRefused, "Access denied": protocols.KindRefused,
		"Server too busy, try again later": protocols.KindTemporary, "Temporarily unavailable": protocols.KindTemporary,
	} {
		c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Raw: map[string]string{"/x": "3" + text + "\t\terror.host\t1\r\n.\r\n"}}).URL(), nil)
		_, err := c.Get(t.Context(), "0/x", nil)
		if protocols.KindOf(err) != want || protocols.IsRetryable(err) != (want == protocols.KindTemporary) {
			t.Errorf("%s: %v", text, err)
		}
	}
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Raw: map[string]string{"/x": "3 is a number\tand this\tis content\n"}}).URL(), nil)
	if got := labtest.Read(t, c, "0/x"); got != "3 is a number\tand this\tis content\n" {
		t.Errorf("content that begins with a 3: %q", got)
	}
}
