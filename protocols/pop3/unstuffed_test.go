package pop3

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// serving answers every connection by a table of answers, by the first word of a line;
// a line that is in it as a whole comes first. It returns the address.
func serving(t testing.TB, answers map[string]string) (address string, seen func() []string) {
	t.Helper()
	lines := make(chan string, 1000)
	address = labtest.Answer(t, "+OK ready\r\n", func(line string) string {
		select {
		case lines <- line:
		default: // nobody looks
		}
		word, _, _ := strings.Cut(line, " ")
		answer := cmp.Or(answers[line], answers[word], "+OK\r\n")
		if answer == "drop" {
			return labtest.Hangup
		}
		return answer
	})
	return address, func() (all []string) {
		for {
			select {
			case line := <-lines:
				all = append(all, line)
			default:
				return all
			}
		}
	}
}

func clientAt(t testing.TB, address string) *Client {
	t.Helper()
	u, err := protocols.ParseURL("pop3://alice:secret@"+address+"/", "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestUndoubledDots: a message of a server that does not double dots ends at the first
// line with a dot alone. What follows it is not taken for answers, nor the beginning for
// the whole.
func TestUndoubledDots(t *testing.T) {
	for name, tail := range map[string]string{"text": "the rest\r\n.\r\n", "answers": "+OK\r\n+OK 1 20\r\n.\r\n"} {
		t.Run(name, func(t *testing.T) {
			address, seen := serving(t, map[string]string{
				"CAPA": "+OK\r\nUIDL\r\nUSER\r\n.\r\n", "UIDL": "+OK\r\n1 a\r\n2 b\r\n.\r\n",
				"RETR 1": "+OK\r\nSubject: x\r\n\r\nbegins\r\n.\r\n" + tail, "RETR 2": "+OK\r\nSubject: y\r\n\r\nwhole\r\n.\r\n",
			})
			for how, read := range map[string]func(c *Client) (string, error){
				"get": func(c *Client) (string, error) {
					o, err := c.Get(t.Context(), "1", nil)
					if err != nil {
						return "", err
					}
					defer o.Body.Close()
					text, err := io.ReadAll(struct{ io.Reader }{o.Body})
					return string(text), err
				},
				"by blocks": func(c *Client) (string, error) {
					o, err := c.Get(t.Context(), "1", nil)
					if err != nil {
						return "", err
					}
					defer o.Body.Close()
					var text strings.Builder
					_, err = io.Copy(&text, o.Body)
					return text.String(), err
				},
			} {
				c := clientAt(t, address)
				if text, err := read(c); protocols.KindOf(err) != protocols.KindProtocol {
					t.Errorf("%s: %q, %v", how, text, err)
				}
				o, err := c.Get(t.Context(), "2", nil)
				if err != nil {
					t.Fatalf("%s: the next message: %v", how, err)
				}
				text, err := io.ReadAll(o.Body)
				o.Body.Close()
				if err != nil || !strings.Contains(string(text), "whole") {
					t.Errorf("%s: the next message is %q, %v", how, text, err)
				}
				if err := c.Remove(t.Context(), ";UID=b"); protocols.KindOf(err) != protocols.KindProtocol {
					t.Errorf("%s: deleted at a server that is out of step: %v", how, err)
				}
			}
			for _, line := range seen() {
				if strings.HasPrefix(line, "DELE") {
					t.Error("told to delete")
				}
			}
		})
	}
}

// TestUndoubledDotsPipelined: with more answers due, what follows such a message is not
// the next answer: the message fails, and nothing is deleted.
func TestUndoubledDotsPipelined(t *testing.T) {
	for name, tail := range map[string]string{"text": "the rest\r\n.\r\n", "signature": "-- \r\n.\r\n", "short": "x\r\n.\r\n"} {
		t.Run(name, func(t *testing.T) {
			address, seen := serving(t, map[string]string{
				"CAPA": "+OK\r\nUIDL\r\nUSER\r\nPIPELINING\r\n.\r\n", "UIDL": "+OK\r\n1 a\r\n2 b\r\n.\r\n",
				"RETR 1": "+OK\r\nSubject: x\r\n\r\nbegins\r\n.\r\n" + tail, "RETR 2": "+OK\r\nSubject: y\r\n\r\nwhole\r\n.\r\n",
			})
			c := clientAt(t, address)
			whole := 0
			err := c.BulkGet(t.Context(), slices.Values([]string{"1", "2"}), func(_ string, o *protocols.Object, err error) error {
				if err == nil {
					_, err = io.Copy(io.Discard, o.Body)
				}
				if err == nil {
					whole++
				}
				return err
			})
			if whole != 0 || protocols.KindOf(err) != protocols.KindProtocol {
				t.Errorf("%d messages came whole, %v", whole, err)
			}
			if err := c.Remove(t.Context(), ";UID=b"); protocols.KindOf(err) != protocols.KindProtocol {
				t.Errorf("deleted at a server that is out of step: %v", err)
			}
			for _, line := range seen() {
				if strings.HasPrefix(line, "DELE") {
					t.Error("told to delete")
				}
			}
		})
	}
}
