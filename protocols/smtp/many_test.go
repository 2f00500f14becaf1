package smtp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// letters makes n messages that can be told apart.
func letters(n int, to ...string) []*Mail {
	var list []*Mail
	for i := range n {
		m := mailOf(fmt.Sprintf("Subject: number %d\r\n\r\ntext\r\n", i), to...)
		m.Tag = i
		list = append(list, m)
	}
	return list
}

func seq(list []*Mail) iter.Seq[*Mail] {
	return func(yield func(*Mail) bool) {
		for _, m := range list {
			if !yield(m) {
				return
			}
		}
	}
}

// outcome is what became of the messages of a SendAll, by their tags.
type outcome struct {
	err     error
	results map[int]error
}

func sendAll(t testing.TB, ctx context.Context, c *Client, list []*Mail) outcome {
	t.Helper()
	o := outcome{results: map[int]error{}}
	o.err = c.SendAll(ctx, seq(list), func(m *Mail, _ *protocols.Receipt, err error) {
		if _, twice := o.results[m.Tag.(int)]; twice {
			t.Errorf("message %d was reported twice", m.Tag)
		}
		o.results[m.Tag.(int)] = err
	})
	return o
}

// arrivals counts how often each message is in an inbox.
func arrivals(t testing.TB, s *maillab.SMTPServer, user string) map[int]int {
	t.Helper()
	n := map[int]int{}
	for _, text := range inbox(t, s, user) {
		var i int
		if _, err := fmt.Sscanf(text, "Subject: number %d", &i); err != nil {
			t.Fatalf("a message that nobody sent: %.80q", text)
		}
		n[i]++
	}
	return n
}

// TestManyMessages: in each dialect, with recipients refused in between, which
// must not disturb the messages around.
func TestManyMessages(t *testing.T) {
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			s := start(t, d.o)
			c := client(t, s, "", nil)
			c.Settings = d.set
			list := letters(300, "alice@example.org")
			for i := range list {
				if i%7 == 3 || i%50 < 3 {
					list[i].To = []string{"nobody@example.org"}
				}
			}
			o := sendAll(t, t.Context(), c, list)
			if o.err != nil || len(o.results) != 300 {
				t.Fatalf("%v, %d results", o.err, len(o.results))
			}
			got := arrivals(t, s, "alice")
			for i := range 300 {
				want, kind := 1, protocols.KindOK
				if i%7 == 3 || i%50 < 3 {
					want, kind = 0, protocols.KindRefused
				}
				if got[i] != want || protocols.KindOf(o.results[i]) != kind {
					t.Errorf("message %d arrived %d times and was reported as %v", i, got[i], o.results[i])
				}
			}
			if s.Connections() != 1 {
				t.Errorf("%d connections", s.Connections())
			}
		})
	}
}

// TestServerGoes: whatever happens in the middle, no message arrives twice, each
// that is reported as sent has arrived once, and what was not accepted goes on
// over a new connection.
func TestServerGoes(t *testing.T) {
	faultSpecs := []string{
		"code:MAIL=421 4.3.2 going down*1", "code:RCPT=421 4.3.2 going down*1", "code:DATA=421 going down*1",
		"drop:MAIL*1", "drop:RCPT*1", "reset:MAIL*1", "drop:END*1", "cut=4000", "close=3000", "code:MAIL=503 5.5.1 nested*1",
		"code:RCPT=451 4.7.1 greylisted*1", "code:END=554 5.6.0 spam*1", "code:END=421 4.3.2 going down*1", "code:BDAT=421 going*1",
	}
	for name, d := range map[string]maillab.SMTPOptions{"chunking": {}, "data": {Disable: []string{"CHUNKING"}}, "lock-step": {Disable: []string{"PIPELINING", "CHUNKING"}}} {
		for _, spec := range faultSpecs {
			t.Run(name+" "+spec, func(t *testing.T) {
				d.Faults = labtest.Faults(t, spec)
				s := start(t, d)
				c := client(t, s, "", nil)
				if _, err := c.Noop(t.Context()); err != nil { // a session, before the fault
					t.Fatal(err)
				}
				o := sendAll(t, t.Context(), c, letters(100, "alice@example.org"))
				got := arrivals(t, s, "alice")
				sure, unknown, refused := 0, 0, 0
				for i := range 100 {
					err, told := o.results[i]
					switch {
					case !told && o.err == nil:
						t.Errorf("message %d: nothing was told", i)
					case got[i] > 1:
						t.Errorf("message %d arrived %d times", i, got[i])
					case err == nil && told && got[i] != 1:
						t.Errorf("message %d was reported as sent and did not arrive", i)
					case err == nil:
						sure++
					case errors.Is(err, ErrUnknown):
						unknown++
						if protocols.IsRetryable(err) {
							t.Errorf("message %d: unknown, and to be repeated", i)
						}
					default:
						refused++
						if got[i] != 0 {
							t.Errorf("message %d was reported as %v and arrived", i, err)
						}
					}
				}
				if !strings.HasPrefix(spec, "cut") && !strings.HasPrefix(spec, "close") && sure+unknown < 98 {
					t.Errorf("%d sent, %d unknown, %d refused of 100 (%v)", sure, unknown, refused, o.err)
				}
			})
		}
	}
}

// TestSlowSource: a message goes out although the next one is not there yet.
func TestSlowSource(t *testing.T) {
	for name, d := range dialects {
		s := start(t, d.o)
		c := client(t, s, "", nil)
		c.Settings = d.set
		answered := make(chan bool, 10)
		mails := func(yield func(*Mail) bool) {
			yield(nil)
			for range 3 {
				if !yield(mailOf(hello, "alice@example.org")) || !yield(mailOf(hello, "bob@example.org")) || !yield(nil) {
					return
				}
				for range 2 {
					select {
					case <-answered:
					default:
						t.Errorf("%s: asked for more before there was an answer", name)
					}
				}
			}
			yield(nil)
		}
		err := c.SendAll(t.Context(), mails, func(_ *Mail, _ *protocols.Receipt, err error) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			answered <- true
		})
		if err != nil || s.Received() != 6 {
			t.Errorf("%s: %v, %d received", name, err, s.Received())
		}
	}
}

func TestUnknownIsToldOnce(t *testing.T) {
	for _, disable := range [][]string{nil, {"CHUNKING"}} {
		s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "drop:END")}, Disable: disable})
		c := client(t, s, "", nil)
		r, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org"))
		if !errors.Is(err, ErrUnknown) || protocols.IsRetryable(err) || protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("error %v of kind %v, want ErrUnknown", err, protocols.KindOf(err))
		}
		if len(r.Recipients) != 1 || r.Recipients[0].Accepted {
			t.Errorf("receipt %+v calls it accepted", r)
		}
		if n := len(inbox(t, s, "alice")); n != 1 || s.Connections() != 1 {
			t.Errorf("%d messages on %d connections, want one on one", n, s.Connections())
		}
	}
}

// TestSomeAnswersOfLMTP: who got an answer before the connection was lost keeps it.
func TestSomeAnswersOfLMTP(t *testing.T) {
	c := scripted(t, "lmtp", script{
		{"LHLO", "250-x\r\n250 PIPELINING\r\n"},
		{"DATA", "250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go on\r\n"},
		{".\r\n", "250 2.0.0 delivered\r\n"},
	})
	r, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org", "eve@example.org", "bob@example.org"))
	if !errors.Is(err, ErrUnknown) || len(r.Recipients) != 3 {
		t.Fatalf("%v, %+v", err, r)
	}
	if p := r.Recipients; !p[0].Accepted || p[0].Text != "delivered" || p[1].Code != 550 || p[2].Accepted || p[2].Text != ErrUnknown.Error() {
		t.Errorf("%+v", p)
	}
}

func TestAlwaysClosing(t *testing.T) {
	s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:MAIL=421 4.3.2 never")}})
	c := client(t, s, "", nil)
	_, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org"))
	if protocols.KindOf(err) != protocols.KindTemporary || !protocols.IsRetryable(err) {
		t.Errorf("error %v", err)
	}
	if s.Connections() != 1 {
		t.Errorf("%d connections for one message: repeating is the caller's", s.Connections())
	}
	o := sendAll(t, t.Context(), c, letters(50, "alice@example.org"))
	if len(o.results) == 0 || o.err == nil || s.Connections() > 1+maxFruitless {
		t.Errorf("%v after %d results on %d connections", o.err, len(o.results), s.Connections())
	}
	for i, err := range o.results {
		if err == nil {
			t.Errorf("message %d was reported as sent", i)
		}
	}
}
