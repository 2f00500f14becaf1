package imapwire

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestLiteralTooLong: a literal that reaches into the next response is noticed, wherever
// it ends in it. A few bytes less or more are noticed as well.
func TestLiteralTooLong(t *testing.T) {
	limits := protocols.Limits{}.WithDefaults()
	text := "Subject: x\r\n\r\none\r\n"
	after := ")\r\n* 3 FETCH (UID 3 FLAGS () RFC822.SIZE 5 BODY[] {5}\r\n"
	for k := -3; k < len(after); k++ {
		in := NewInput(strings.NewReader(fmt.Sprintf("* 2 FETCH (UID 2 BODY[] {%d}\r\n", len(text)+k)+text+after+"12345)\r\na OK done\r\n"), limits)
		size, err := in.Next(true)
		if err != nil || size != int64(len(text)+k) {
			t.Fatalf("%d: %d, %v", k, size, err)
		}
		if _, err = io.Copy(io.Discard, in); err != nil {
			t.Fatal(err)
		}
		for err == nil && in.Open() {
			_, err = in.Resume()
		}
		if err == nil {
			err = CheckTail(string(in.Tail()), limits)
		}
		if (err == nil) != (k == 0) {
			t.Errorf("%d bytes more: %v, tail %q", k, err, in.Tail())
		}
	}
}

// TestUIDOutOfRange: what is no UID is none.
func TestUIDOutOfRange(t *testing.T) {
	for text, want := range map[string]uint32{"7": 7, "4294967295": 1<<32 - 1, "4294967296": 0, "99999999999999999999": 0, "x": 0} {
		r := ParseResponse("* 1 FETCH (UID " + text + ")")
		m, err := ParseFetch(&r, protocols.Limits{}.WithDefaults())
		if err != nil || m.UID != want {
			t.Errorf("%s: %d, %v", text, m.UID, err)
		}
	}
}
