package all_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/gopher"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/nntp"
	"github.com/netclients/netclients/protocols/pop3"
	"github.com/netclients/netclients/protocols/socket"
	"github.com/netclients/netclients/protocols/telnet"
)

// seen are the operations that the hook of the options has seen, one after another.
type seen struct {
	mu  sync.Mutex
	ops []string
}

func (s *seen) hook(ctx context.Context, op protocols.Op) (context.Context, func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := len(s.ops)
	s.ops = append(s.ops, op.Protocol+" "+op.Verb+" still going on")
	return ctx, func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		text := fmt.Sprintf("%s %s %v", op.Protocol, op.Verb, protocols.KindOf(err))
		if ended := s.ops[i]; !strings.HasSuffix(ended, "still going on") {
			text = ended + " and again " + text
		}
		s.ops[i] = text
	}
}

// direct is what a client's own methods do: what is called on it, and what the hook sees.
type direct[C protocols.Client] struct {
	create func(*seen) (C, error)
	calls  func(t *testing.T, ctx context.Context, c C)
	want   string // verbs, each with how it ended
}

func (d direct[C]) run(t *testing.T) {
	var s seen
	c, err := d.create(&s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d.calls(t, t.Context(), c)
	if got := strings.Join(s.ops, ", "); got != d.want {
		t.Errorf("seen: %s\nwant: %s", got, d.want)
	}
}

func get(t *testing.T, ctx context.Context, c protocols.Getter, name string) {
	t.Helper()
	o, err := c.Get(ctx, name, nil)
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := io.Copy(io.Discard, o.Body); err != nil {
		t.Error(err)
	}
	o.Body.Close()
}

func bulk(t *testing.T, ctx context.Context, c protocols.BulkGetter, names ...string) {
	t.Helper()
	err := c.BulkGet(ctx, slices.Values(names), func(_ string, o *protocols.Object, err error) error {
		if err == nil {
			_, err = io.Copy(io.Discard, o.Body)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func list(t *testing.T, ctx context.Context, c protocols.Lister, name string) (last string) {
	t.Helper()
	for e, err := range c.List(ctx, name) {
		if err != nil {
			t.Error(err)
		}
		if e.Type != protocols.TypeDir {
			last = e.Path
		}
	}
	return last
}

func talk(t *testing.T, ctx context.Context, c protocols.Talker) {
	t.Helper()
	s, err := c.Talk(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	s.Close()
	s.Close()
}

// with opens a server of the lab with the hook.
func with[C protocols.Client](t *testing.T, url string, o *protocols.Options, create func(string, *protocols.Options) (C, error)) func(*seen) (C, error) {
	return func(s *seen) (C, error) {
		own := *o
		own.Observe = s.hook
		return create(url, &own)
	}
}

// TestObserveDirect: the hook of the options sees each operation once, also of methods
// that are called on an adapter's own client.
func TestObserveDirect(t *testing.T) {
	t.Run("ftp", func(t *testing.T) {
		s := labtest.FTP(t)
		direct[*ftp.Client]{with(t, s.URL, s.Options, func(u string, o *protocols.Options) (*ftp.Client, error) { return ftp.New(labtest.URL(t, u), o) }), func(t *testing.T, ctx context.Context, c *ftp.Client) {
			get(t, ctx, c, "README.txt")
			bulk(t, ctx, c, "README.txt")
			list(t, ctx, c, "pub")
			if _, err := c.Put(ctx, "incoming/x", strings.NewReader("x"), nil); err != nil {
				t.Error(err)
			}
			if err := c.Remove(ctx, "incoming/x"); err != nil {
				t.Error(err)
			}
			if _, err := c.Get(ctx, "none", nil); err == nil {
				t.Error("no error")
			}
		}, "ftp get ok, ftp get ok, ftp ls ok, ftp put ok, ftp rm ok, ftp get refused"}.run(t)
	})
	t.Run("http", func(t *testing.T) {
		s := labtest.HTTP(t)
		direct[*http.Client]{with(t, s.URL, s.Options, func(u string, o *protocols.Options) (*http.Client, error) { return http.New(labtest.URL(t, u), o) }), func(t *testing.T, ctx context.Context, c *http.Client) {
			get(t, ctx, c, "README.txt")
			bulk(t, ctx, c, "README.txt")
			if _, err := c.Stat(ctx, "README.txt"); err != nil {
				t.Error(err)
			}
			list(t, ctx, c, "pub/")
			if _, err := c.Put(ctx, "incoming/x", strings.NewReader("x"), nil); err != nil {
				t.Error(err)
			}
			if err := c.Remove(ctx, "incoming/x"); err != nil {
				t.Error(err)
			}
		}, "http get ok, http get ok, http stat ok, http ls ok, http put ok, http rm ok"}.run(t)
	})
	t.Run("imap", func(t *testing.T) {
		s := labtest.IMAP(t)
		direct[*imap.Client]{with(t, s.URL, s.Options, func(u string, o *protocols.Options) (*imap.Client, error) { return imap.New(labtest.URL(t, u), o) }), func(t *testing.T, ctx context.Context, c *imap.Client) {
			if _, err := c.Put(ctx, "INBOX", strings.NewReader("Subject: x\r\n\r\nx\r\n"), nil); err != nil {
				t.Error(err)
			}
			name := list(t, ctx, c, "INBOX")
			get(t, ctx, c, name)
			bulk(t, ctx, c, name)
			for _, err := range c.Watch(ctx, name) {
				if err == nil {
					t.Error("a message is no mailbox")
				}
			}
		}, "imap put ok, imap ls ok, imap get ok, imap get ok, imap watch usage"}.run(t)
	})
	t.Run("pop3", func(t *testing.T) {
		s := labtest.POP3(t)
		direct[*pop3.Client]{with(t, s.URL, s.Options, func(u string, o *protocols.Options) (*pop3.Client, error) { return pop3.New(labtest.URL(t, u), o) }), func(t *testing.T, ctx context.Context, c *pop3.Client) {
			get(t, ctx, c, "1")
			bulk(t, ctx, c, "1")
			list(t, ctx, c, "")
		}, "pop3 get ok, pop3 get ok, pop3 ls ok"}.run(t)
	})
}

// TestObserveDirectText is TestObserveDirect for news, menus and sessions.
func TestObserveDirectText(t *testing.T) {
	t.Run("nntp", func(t *testing.T) {
		s := labtest.NNTP(t)
		direct[*nntp.Client]{with(t, s.URL, s.Options, func(u string, o *protocols.Options) (*nntp.Client, error) { return nntp.New(labtest.URL(t, u), o) }), func(t *testing.T, ctx context.Context, c *nntp.Client) {
			name := list(t, ctx, c, "local.test")
			get(t, ctx, c, name)
			bulk(t, ctx, c, name)
		}, "nntp ls ok, nntp get ok, nntp get ok"}.run(t)
	})
	t.Run("gopher", func(t *testing.T) {
		s := labtest.Gopher(t)
		direct[*gopher.Client]{with(t, s.URL, s.Options, func(u string, o *protocols.Options) (*gopher.Client, error) { return gopher.New(labtest.URL(t, u), o) }), func(t *testing.T, ctx context.Context, c *gopher.Client) {
			list(t, ctx, c, "")
			get(t, ctx, c, "0/README.txt")
			if _, err := c.Stat(ctx, "0/README.txt"); err != nil {
				t.Error(err)
			}
		}, "gopher ls ok, gopher get ok, gopher stat ok"}.run(t)
	})
	t.Run("telnet", func(t *testing.T) {
		s := labtest.Telnet(t)
		direct[*telnet.Client]{with(t, s.URL, s.Options, func(u string, o *protocols.Options) (*telnet.Client, error) { return telnet.New(labtest.URL(t, u), o) }), func(t *testing.T, ctx context.Context, c *telnet.Client) {
			talk(t, ctx, c)
		}, "telnet talk ok"}.run(t)
	})
	t.Run("socket", func(t *testing.T) {
		addr := labtest.Serve(t, func(c net.Conn) { io.Copy(c, c) })
		direct[*socket.Client]{with(t, "tcp://"+addr, &protocols.Options{}, func(u string, o *protocols.Options) (*socket.Client, error) { return socket.New(labtest.URL(t, u), o) }), func(t *testing.T, ctx context.Context, c *socket.Client) {
			talk(t, ctx, c)
			if _, err := c.Get(ctx, "none", nil); err == nil {
				t.Error("no error")
			}
		}, "tcp talk ok, tcp get usage"}.run(t)
	})
}
