package smtp

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Mail is a message with its envelope and what may be asked of a server beside.
// What the server does not offer is an error before anything is sent, never
// dropped without a word.
type Mail struct {
	From string   // envelope sender; empty is the null sender
	To   []string // envelope recipients, at least one

	// Open returns the message, from its beginning. It may be called again when a
	// connection was lost before the message was complete. The reader is closed.
	Open func() (io.ReadCloser, error)
	Size int64 // bytes, about; 0 when not known. Announced with SIZE

	MessageID string // for the receipt
	Tag       any    // the caller's own

	UTF8       bool          // SMTPUTF8, also where no address or header needs it
	AsIs       bool          // a header in UTF-8 does not ask for SMTPUTF8: the message goes as it is
	Binary     bool          // BODY=BINARYMIME: goes as it is, line ends too; needs CHUNKING
	Notify     []string      // DSN: NEVER, or some of SUCCESS, FAILURE, DELAY
	Return     string        // DSN: FULL or HDRS
	EnvelopeID string        // DSN: comes back in reports
	Original   string        // DSN: original recipient, "rfc822;address"; empty: each recipient's own when Notify is set
	RequireTLS bool          // the message must not go on without TLS (RFC 8689)
	DeliverBy  time.Duration // to be delivered within (RFC 2852); 0: no hurry. Whole seconds
	DeliverOr  string        // what if not: "R" return (the default), "N" notify
	Priority   *int          // MT-PRIORITY, -9 to 9
	PRDR       bool          // an answer for each recipient after the content, where the server has that; else one for all. The content goes by DATA
	Submitter  string        // AUTH= of MAIL (RFC 4954 5); "<>" for nobody

	MailOptions []string // further parameters of MAIL as they are, "KEY=VALUE"
	RcptOptions []string // further parameters of each RCPT

	rest *rest // the message is the second part of another one
}

// envelope is the checked envelope of a message for one server.
type envelope struct {
	mail string   // arguments of MAIL
	rcpt []string // arguments of each RCPT
}

// lacks is the error for something that the server has not.
func lacks(keyword, what string) *protocols.Error {
	e := protocols.Unsupported(proto, "", "the server does not "+what+" (no "+keyword+")")
	e.Kind = protocols.KindRefused
	return e
}

// fits checks what the server would have to refuse later.
func (s *session) fits(m *Mail, b *body) error {
	switch {
	case m.Binary && (!s.has("BINARYMIME") || !s.has("CHUNKING")):
		return lacks("BINARYMIME", "take binary messages")
	case b.eightBit && !m.Binary && !s.has("8BITMIME"):
		return lacks("8BITMIME", "take messages that are not ASCII")
	case m.RequireTLS && s.Conn.TLS() == nil:
		return &protocols.Error{Kind: protocols.KindTLS, Text: "TLS is required for this message, and the connection has none"}
	}
	most, err := strconv.ParseInt(first(s.caps["SIZE"]), 10, 64)
	if err != nil || most <= 0 || s.c.Settings.IgnoreSize || m.Size <= most {
		return nil
	}
	return &protocols.Error{Kind: protocols.KindRefused, Text: fmt.Sprintf("a message of %d bytes; the server takes %d (SIZE)", m.Size, most)}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// parameter is one that MAIL or RCPT may carry.
type parameter struct {
	text    string // "KEY" or "KEY=VALUE"; empty: not wanted
	keyword string // EHLO keyword that it needs; empty: none
	what    string // what the server would have to do
}

// envelope checks addresses and options against what the server offers.
func (s *session) envelope(m *Mail, b *body) (*envelope, error) {
	from, utf8, err := "<>", m.UTF8 || b.utf8Header, error(nil)
	if m.From != "" {
		var needs bool
		if from, needs, err = path(m.From); err != nil {
			return nil, err
		}
		utf8 = utf8 || needs
	}
	e := &envelope{}
	perRcpt := make([]string, 0, len(m.To))
	for _, to := range m.To {
		p, needs, err := path(to)
		if err != nil {
			return nil, err
		}
		utf8 = utf8 || needs
		perRcpt = append(perRcpt, p)
	}
	if e.mail, err = s.join("FROM:"+from, append(s.mailParameters(m, b, utf8), options(m.MailOptions)...)); err != nil {
		return nil, err
	}
	for i, p := range perRcpt {
		arg, err := s.join("TO:"+p, append(m.rcptParameters(m.To[i]), options(m.RcptOptions)...))
		if err != nil {
			return nil, err
		}
		e.rcpt = append(e.rcpt, arg)
	}
	return e, nil
}

// join puts the parameters after a path; what the server lacks is an error.
func (s *session) join(path string, parameters []parameter) (string, error) {
	for _, p := range parameters {
		if p.text == "" {
			continue
		}
		if p.keyword != "" && !s.has(p.keyword) {
			return "", lacks(p.keyword, p.what)
		}
		path += " " + p.text
	}
	return path, nil
}

func options(list []string) []parameter {
	var ps []parameter
	for _, o := range list {
		ps = append(ps, parameter{text: o})
	}
	return ps
}

// mailParameters returns those of MAIL.
func (s *session) mailParameters(m *Mail, b *body, utf8 bool) []parameter {
	ps := []parameter{
		{s.bodyKind(m, b), "", ""},
		{when(utf8, "SMTPUTF8"), "SMTPUTF8", "take addresses or headers that are not ASCII; --8bit-header sends such a header all the same"},
		{when(s.answersEach(m), "PRDR"), "PRDR", ""},
		{prefixed("RET=", m.Return), "DSN", "take delivery status options"},
		{prefixed("ENVID=", xtext(m.EnvelopeID)), "DSN", "take delivery status options"},
		{when(m.RequireTLS, "REQUIRETLS"), "REQUIRETLS", "promise TLS on the whole way"},
		{s.deliverBy(m), "DELIVERBY", "take a deadline"},
		{m.priority(), "MT-PRIORITY", "take priorities"},
		{prefixed("AUTH=", m.submitter()), "AUTH", "take the name of a submitter"},
	}
	if m.Size > 0 && s.has("SIZE") {
		ps = append(ps, parameter{text: "SIZE=" + strconv.FormatInt(m.Size, 10)})
	}
	return ps
}

// answersEach reports whether the server is asked to answer for each recipient after the
// content (PRDR, draft-hall-prdr). LMTP does so always.
func (s *session) answersEach(m *Mail) bool {
	return m.PRDR && !m.Binary && s.has("PRDR") && !s.c.lmtp()
}

func (m *Mail) priority() string {
	if m.Priority == nil {
		return ""
	}
	return "MT-PRIORITY=" + strconv.Itoa(*m.Priority)
}

func (m *Mail) submitter() string {
	if m.Submitter == "<>" {
		return m.Submitter
	}
	return xtext(m.Submitter)
}

// bodyKind returns the BODY parameter. What is not known to be of 7 bits to its end
// is called 8 bits where the server takes that (RFC 6152 3).
func (s *session) bodyKind(m *Mail, b *body) string {
	switch {
	case m.Binary:
		return "BODY=BINARYMIME"
	case s.has("8BITMIME") && (b.eightBit || b.rest != nil):
		return "BODY=8BITMIME"
	}
	return ""
}

func (s *session) deliverBy(m *Mail) string {
	if m.DeliverBy == 0 {
		return ""
	}
	mode := m.DeliverOr
	if mode == "" {
		mode = "R"
	}
	return fmt.Sprintf("BY=%d;%s", int64(m.DeliverBy/time.Second), strings.ToUpper(mode))
}

// rcptParameters returns those of RCPT.
func (m *Mail) rcptParameters(to string) []parameter {
	orcpt := m.Original
	if orcpt == "" && len(m.Notify) > 0 {
		orcpt = "rfc822;" + to
		if !isASCII(to) {
			orcpt = "utf-8;" + to // RFC 6533 3
		}
	}
	if kind, address, ok := strings.Cut(orcpt, ";"); ok {
		orcpt = kind + ";" + xtext(address)
	}
	return []parameter{
		{prefixed("NOTIFY=", strings.ToUpper(strings.Join(m.Notify, ","))), "DSN", "take delivery status options"},
		{prefixed("ORCPT=", orcpt), "DSN", "take delivery status options"},
	}
}

func when(wanted bool, text string) string {
	if wanted {
		return text
	}
	return ""
}

func prefixed(key, value string) string {
	if value == "" {
		return ""
	}
	return key + value
}

// check refuses what no server could take, before there is a connection.
func (m *Mail) check() error {
	if len(m.To) == 0 {
		return protocols.UsageError(proto, "", "the message has no recipient")
	}
	for _, address := range append([]string{m.From}, m.To...) {
		if address == "" && m.From == "" {
			continue
		}
		if _, _, err := path(address); err != nil {
			return err
		}
	}
	return checkOptions(m)
}

// checkOptions refuses values that no server can take, and further parameters
// that are more than one word.
func checkOptions(m *Mail) error {
	notify := strings.ToUpper(strings.Join(m.Notify, ","))
	known := map[string]bool{"NEVER": true, "SUCCESS": true, "FAILURE": true, "DELAY": true, "": true}
	for word := range strings.SplitSeq(notify, ",") {
		if !known[word] || word == "NEVER" && notify != "NEVER" {
			return protocols.UsageError(proto, "", "delivery reports are wanted never, or for some of success, failure, delay")
		}
	}
	switch {
	case m.Return != "" && m.Return != "FULL" && m.Return != "HDRS":
		return protocols.UsageError(proto, "", "a report returns FULL or HDRS")
	case m.Original != "" && !strings.Contains(m.Original, ";"):
		return protocols.UsageError(proto, "", "the original recipient is written rfc822;address")
	case m.Priority != nil && (*m.Priority < -9 || *m.Priority > 9):
		return protocols.UsageError(proto, "", "a priority is between -9 and 9")
	case m.DeliverBy < 0 || m.DeliverOr != "" && !strings.Contains("RNrn", m.DeliverOr):
		return protocols.UsageError(proto, "", "a deadline is ahead, and with R or N")
	}
	for _, o := range append(append([]string{m.Original}, m.MailOptions...), m.RcptOptions...) {
		if strings.ContainsAny(o, " \t<>") || wire.Check(o) != nil {
			return protocols.UsageError(proto, "", fmt.Sprintf("parameter %.80q is not one word", o))
		}
	}
	return nil
}
