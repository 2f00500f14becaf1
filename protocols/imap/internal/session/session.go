// Package session is one login on one connection to an IMAP server: [Session]
// sends commands and reads responses, [Mailbox] is the mailbox that is selected,
// [Content] the content of a message in the middle of its response.
package session

import (
	"errors"
	"strings"

	"github.com/netclients/netclients/internal/inflate"
	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// proto is the name of the protocol in errors and entries.
const proto = "imap"

// Config is what a session needs to know of its client.
type Config struct {
	Trace     bool              // lines received are traced
	RawNames  bool              // mailbox names are sent as they are, without modified UTF-7
	TagPrefix string            // start of tags; empty: random
	OddNames  map[string]string // mailbox names that cannot be decoded: as shown, as on the wire. Sessions add to it
	URL       func(name string) string
}

// Session is one login on one connection. Its user is one goroutine; only the
// timer of IDLE writes from another one.
type Session struct {
	commands
	names
	User string                   // who has logged in
	URL  func(name string) string // the URL that opens a name

	preauth  bool
	fleeting uint32 // see ownValidity
	enabled  map[string]bool
	box      *Mailbox
	news     func(r *imapwire.Response) error
	held     bool
}

// New returns a session on a connection whose greeting has not been read yet.
func New(t *line.Core, c Config) *Session {
	s := &Session{
		commands: newCommands(t, c.TagPrefix, c.Trace), names: names{raw: c.RawNames, odd: c.OddNames}, URL: c.URL, enabled: map[string]bool{},
	}
	s.untagged = s.notice
	t.Idle = s.look
	return s
}

// notice keeps what untagged responses say of the session and of the mailbox. What it
// does not know it leaves alone.
func (s *Session) notice(r *imapwire.Response) error {
	if r.Name == "ENABLED" {
		for name := range strings.FieldsSeq(r.Args) {
			if len(s.enabled) < maxCaps && len(name) < maxName {
				s.enabled[strings.Clone(strings.ToUpper(name))] = true
			}
		}
	}
	if s.box != nil {
		s.box.take(r)
	}
	if s.news != nil {
		return s.news(r)
	}
	return nil
}

// OnUntagged has f see every untagged response, whatever command is under way; nil
// ends that.
func (s *Session) OnUntagged(f func(r *imapwire.Response) error) { s.news = f }

// Over reports whether the session has ended or is out of step. A command without an
// answer is lost with its operation, unless [Session.Hold] says otherwise.
func (s *Session) Over() bool { return s.bye != nil || len(s.sent) > 0 && !s.held }

// Hold says whether commands may be under way between operations.
func (s *Session) Hold(on bool) { s.held = on }

// Goodbye sends LOGOUT. Everything else has been answered, so nobody waits for the
// answer.
func (s *Session) Goodbye() {
	if _, _, err := s.Send("LOGOUT"); err == nil {
		_ = s.Flush()
	}
}

// Greet reads the greeting (RFC 3501 7.1) and returns its text.
func (s *Session) Greet() (string, error) {
	r, err := s.read(false)
	for range maxBlank { // empty lines in front of it
		if err != nil || r.Tag+r.Name+r.Args != "" {
			break
		}
		r, err = s.read(false)
	}
	if err != nil {
		return "", err
	}
	if r.Tag != "*" || !r.IsStatus() || r.Name == "NO" || r.Name == "BAD" {
		text := strings.TrimSpace(r.Tag + " " + r.Name + " " + r.Args)
		return "", s.Fail(protocols.ProtocolError(proto, "", "not an IMAP greeting: "+wire.Clip(text)))
	}
	s.greeted = true
	st := r.Status()
	s.preauth = st.Word == "PREAUTH"
	s.caps.note(st)
	return st.Text, st.Err()
}

// Learn asks for the capabilities, unless they are known.
func (s *Session) Learn() error {
	if s.known != nil {
		return nil
	}
	s.known = map[string]bool{}
	return s.Simple("CAPABILITY")
}

// OffersTLS reports whether STARTTLS is offered. After PREAUTH it is impossible.
func (s *Session) OffersTLS() bool { return s.Has("STARTTLS") && !s.preauth }

// StartTLS asks for TLS (RFC 3501 6.2.1). What was said before it counts no more.
func (s *Session) StartTLS() (refusal *protocols.Error, err error) {
	if s.preauth { // whoever sent that may want just this
		return nil, &protocols.Error{Kind: protocols.KindTLS, Text: "TLS required, but the server greets with PREAUTH, after which STARTTLS is impossible"}
	}
	if !s.Has("STARTTLS") {
		return nil, &protocols.Error{Kind: protocols.KindTLS, Text: "TLS required, but the server does not offer STARTTLS"}
	}
	st, err := s.Command(nil, "STARTTLS")
	if err != nil {
		return nil, err
	}
	if refusal, ok := errors.AsType[*protocols.Error](st.Err()); ok {
		return refusal, nil
	}
	if s.in.Buffered() > 0 {
		return nil, s.Fail(&protocols.Error{Kind: protocols.KindTLS, Text: "unencrypted data after the STARTTLS reply (possible man-in-the-middle)"})
	}
	s.caps.forget(nil)
	return nil, nil
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
		s.Conn.Event(protocols.EventNote, "the server does not support COMPRESS=DEFLATE", 0)
		return nil
	}
	if err := s.Simple("COMPRESS", "DEFLATE"); err != nil {
		return err
	}
	w, err := s.Deflate(s.in.Buffered())
	if err != nil {
		return err
	}
	s.in.Reset(inflate.NewReader(s.Conn, s.Limits.Decompressed))
	s.AttachOut(w)
	return nil
}
