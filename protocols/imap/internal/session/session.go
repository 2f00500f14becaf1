// Package session is one login on one connection to an IMAP server: [Session]
// sends commands and reads responses, [Mailbox] is the mailbox that is selected,
// [Content] the content of a message in the middle of its response.
package session

import (
	"cmp"
	"compress/flate"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/inflate"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/transport"
)

// proto is the name of the protocol in errors and entries.
const proto = "imap"

// Config is what a session needs to know of its client.
type Config struct {
	Limits    protocols.Limits
	Trace     bool              // lines received are traced
	RawNames  bool              // mailbox names are sent as they are, without modified UTF-7
	TagPrefix string            // start of tags; empty: random
	OddNames  map[string]string // mailbox names that cannot be decoded: as shown, as on the wire. Sessions add to it
	URL       func(name string) string
}

// Session is one login on one connection. Its user is one goroutine; only the
// timer of IDLE writes from another one.
type Session struct {
	Config
	User string // who has logged in

	conn     *transport.Conn
	in       *imapwire.Input
	out      *wire.Writer
	greeting *imapwire.Status
	caps     map[string]bool // in upper case, "AUTH=PLAIN" too; nil: not known
	enabled  map[string]bool
	utf8     bool // mailbox names are UTF-8 on the wire
	box      *Mailbox
	prefix   string // of tags
	tags     int
	sent     map[string]bool             // commands without their tagged response
	done     map[string]*imapwire.Status // tagged responses that came before they were waited for
	bye      *imapwire.Status
	used     time.Time // when the newest response came
	failing  sync.Mutex
	failed   error // first failure of the connection; sticky
	news     func(r *imapwire.Response) error
	held     bool
}

// New returns a session on a connection whose greeting has not been read yet.
func New(conn *transport.Conn, c Config) *Session {
	s := &Session{
		Config: c, conn: conn, in: imapwire.NewInput(conn, c.Limits), prefix: cmp.Or(c.TagPrefix, tagPrefix()),
		enabled: map[string]bool{}, sent: map[string]bool{}, done: map[string]*imapwire.Status{},
	}
	s.writeTo(conn)
	return s
}

// Lives asks the server whether the session goes on.
func (s *Session) Lives() bool { return s.Simple("NOOP") == nil }

// Lost reports whether the session is over or out of step. A command without an
// answer is lost with its operation, unless [Session.Hold] says otherwise.
func (s *Session) Lost() bool {
	return s.Broken() != nil || s.bye != nil || len(s.sent) > 0 && !s.held
}

// Hold says whether commands may be under way between operations.
func (s *Session) Hold(on bool) { s.held = on }

// Goodbye sends LOGOUT. Everything else has been answered, so nobody waits for the
// answer.
func (s *Session) Goodbye() {
	if _, _, err := s.Send("LOGOUT"); err == nil {
		s.Flush()
	}
}

// Greet reads the greeting (RFC 3501 7.1).
func (s *Session) Greet() error {
	r, err := s.read(false)
	if err == io.EOF {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the server closed the connection without a greeting"}
	}
	if err != nil {
		return err
	}
	if r.Tag != "*" || !r.IsStatus() {
		return s.Fail(errGreeting(r.Tag + " " + r.Name + " " + r.Args))
	}
	s.greeting = r.Status()
	switch r.Name {
	case "OK", "PREAUTH":
		s.noteCaps(s.greeting)
		return nil
	case "BYE":
		return s.greeting.Err()
	}
	return s.Fail(errGreeting(r.Name + " " + r.Args))
}

func errGreeting(line string) error {
	return protocols.ProtocolError(proto, "", "not an IMAP greeting: "+imapwire.Clip(strings.TrimSpace(line)))
}

// Greeting returns the text of the greeting, empty before it came.
func (s *Session) Greeting() string {
	if s.greeting == nil {
		return ""
	}
	return s.greeting.Text
}

// Preauth reports whether the server has logged us in by itself.
func (s *Session) Preauth() bool { return s.greeting != nil && s.greeting.Word == "PREAUTH" }

// LearnCaps asks for the capabilities unless they are known.
func (s *Session) LearnCaps() error {
	if s.caps != nil {
		return nil
	}
	s.caps = map[string]bool{}
	return s.Simple("CAPABILITY")
}

// Enabled reports whether an extension has been enabled (RFC 5161).
func (s *Session) Enabled(name string) bool { return s.enabled[name] }

// Enable enables extensions.
func (s *Session) Enable(names ...string) error {
	if !s.Has("ENABLE") {
		return imapwire.Missing("", "ENABLE")
	}
	if err := s.Simple("ENABLE", strings.Join(names, " ")); err != nil {
		return err
	}
	s.utf8 = s.enabled["UTF8=ACCEPT"] || s.enabled["IMAP4REV2"]
	return nil
}

// EnableQResync enables QRESYNC (RFC 7162), if the server supports it. The command
// is sent together with the next one, which selects a mailbox; answer reads its
// answer. A refusal is of no consequence.
func (s *Session) EnableQResync() (answer func() error, err error) {
	if !s.Has("QRESYNC") || s.enabled["QRESYNC"] || !s.Has("ENABLE") {
		return func() error { return nil }, nil
	}
	tag, _, err := s.Send("ENABLE", "QRESYNC")
	return func() error {
		_, err := s.Wait(tag, false, nil)
		return err
	}, err
}

// Compress turns on COMPRESS=DEFLATE (RFC 4978), if the server supports it.
func (s *Session) Compress() error {
	if !s.Has("COMPRESS=DEFLATE") {
		s.conn.Event(protocols.EventNote, "the server does not support COMPRESS=DEFLATE", 0)
		return nil
	}
	if err := s.Simple("COMPRESS", "DEFLATE"); err != nil {
		return err
	}
	if s.in.Buffered() > 0 {
		return s.Fail(protocols.ProtocolError(proto, "", "uncompressed data after the COMPRESS reply"))
	}
	s.in.Reset(inflate.NewReader(s.conn, s.Limits.Decompressed))
	w, err := flate.NewWriter(s.conn, flate.DefaultCompression)
	if err != nil {
		return s.Fail(err)
	}
	s.writeTo(&flushed{w})
	return nil
}

// flushed sends each write at once.
type flushed struct{ w *flate.Writer }

func (f *flushed) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	return n, errors.Join(err, f.w.Flush())
}

// Pause waits, unless the context ends before.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
