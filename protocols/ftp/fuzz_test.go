package ftp

import (
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
	protocoltest.List("a"), protocoltest.Get("a", nil), protocoltest.Stat("a"), protocoltest.Put("a", "text", nil),
	protocoltest.Bulk("a", "b"), protocoltest.Raw("HELP"), protocoltest.Probe(), names("a"),
	protocoltest.Get("a", &protocols.GetOptions{Offset: 2, Length: 2}),
}

// fuzzLimit is when a call must have ended, in a time that costs nothing.
const fuzzLimit = 10 * time.Minute

// FuzzClient lets a server say any bytes on both connections: every call ends,
// and an error is one of the contract.
func FuzzClient(f *testing.F) {
	for i, r := range book().Rows {
		s, err := protocoltest.LoadScript(r.File())
		if err != nil {
			f.Fatal(err)
		}
		var control, data strings.Builder
		for _, st := range s.Steps {
			switch st.Mark {
			case "S:":
				control.WriteString(st.Text + "\r\n")
			case "D>":
				data.WriteString(st.Text + "\r\n")
			}
		}
		f.Add(uint8(i), control.String(), data.String())
	}
	f.Fuzz(func(t *testing.T, call uint8, control, data string) {
		s, err := protocoltest.ParseScript("fuzz", fmt.Sprintf("S: %s\nD! accept *\nD> %s\nD! close\nS! close\n", hexed(control), hexed(data)))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			p := protocoltest.NewPlayer(s)
			u, err := protocols.ParseURL(dialogURL, "")
			if err != nil {
				t.Fatal(err)
			}
			c, err := New(u, &protocols.Options{Dial: p.Dial, TLS: protocols.TLS{Mode: protocols.TLSOff}})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = fuzzCalls[int(call)%len(fuzzCalls)](t.Context(), c)
			if _, ours := err.(*protocols.Error); err != nil && !ours || protocols.KindOf(err) == protocols.KindInternal {
				t.Errorf("error %T of kind %v: %v", err, protocols.KindOf(err), err)
			}
			c.Close()
			p.Close()
			if took := time.Since(start); took > fuzzLimit {
				t.Errorf("took %v", took)
			}
		})
	})
}

// hexed writes bytes as escapes of a dialogue.
func hexed(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\x%02x`, s[i])
	}
	return b.String() + `\c`
}

// FuzzPassive reads replies to EPSV and PASV: a port is one that exists.
func FuzzPassive(f *testing.F) {
	for _, text := range []string{"Entering Extended Passive Mode (|||6446|)", "(!!!1!)", "(||||)", "Entering Passive Mode (1,2,3,4,5,6)", "127,0,0,1,0,21", "(1,2,3,4,300,6)", "()", ")("} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := &protocols.Reply{Code: 229, Lines: []string{text}}
		for name, parse := range map[string]func(*protocols.Reply) (int, error){"229": parse229, "227": parse227} {
			port, err := parse(r)
			if (err == nil) != (port > 0) || port > 65535 {
				t.Errorf("%s %q: port %d, %v", name, text, port, err)
			}
			if err != nil && protocols.KindOf(err) != protocols.KindProtocol {
				t.Errorf("%s %q: kind %v", name, text, protocols.KindOf(err))
			}
		}
		address, err := address227(r)
		if again, err2 := address227(&protocols.Reply{Code: 227, Lines: []string{"(" + address + ")"}}); err == nil && (err2 != nil || again != address) {
			t.Errorf("%q: address %q is read as %q, %v", text, address, again, err2)
		}
	})
}
