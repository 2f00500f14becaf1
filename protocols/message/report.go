package message

import (
	"bufio"
	"errors"
	"io"
	"net/textproto"
	"strings"
	"time"

	gomessage "github.com/emersion/go-message"

	"github.com/netclients/netclients/internal/maildate"
	"github.com/netclients/netclients/protocols"
)

// Report is what a mail server says about the delivery of a message (RFC 3464).
type Report struct {
	Server     string            // that wrote the report, without its kind: "mx.example.org"
	EnvelopeID string            // as the sender gave it to SMTP
	Arrived    time.Time         // of the message at that server; zero when not said
	Fields     map[string]string // all that is said of the message, keys in lower case
	Recipients []Delivery
	Original   map[string]string // header of the message, keys in lower case, the first of each; nil when not there
}

// Delivery is what a report says of one recipient.
type Delivery struct {
	Recipient  string            // as the server knows it, without its kind: "ann@example.org"
	Original   string            // as the sender gave it, where that is said
	Action     string            // "failed", "delayed", "delivered", "relayed", "expanded", in lower case
	Status     string            // enhanced status code, "5.1.1" (RFC 3463)
	Diagnostic string            // words of the server that refused, without their kind
	Remote     string            // that server, without its kind
	RetryUntil time.Time         // of a delay; zero when not said
	Fields     map[string]string // all of it, keys in lower case
}

// Failed reports whether the recipient does not get the message.
func (d *Delivery) Failed() bool { return d.Action == "failed" }

// The bounds of what ParseReport reads.
const (
	maxReport     = 32 << 20 // bytes of the fields of a report
	maxDeliveries = 100_000
)

// ErrNoReport is the class of the error of ParseReport for a message that is not a report.
var ErrNoReport = errors.New("not a delivery report")

// ParseReport reads a delivery report from a whole message. One without a part of type
// message/delivery-status is an error of class [ErrNoReport].
func ParseReport(r io.Reader) (*Report, error) {
	e, err := gomessage.Read(r)
	if err != nil && !gomessage.IsUnknownCharset(err) && !gomessage.IsUnknownEncoding(err) {
		return nil, &protocols.Error{Kind: protocols.KindProtocol, Text: "not a message", Err: err}
	}
	w := &reportWalker{}
	if err := (&walker{single: w.leaf}).walk(e, 0); err != nil {
		return nil, err
	}
	if w.report == nil {
		return nil, &protocols.Error{Kind: protocols.KindRefused, Sentinel: ErrNoReport}
	}
	w.report.Original = w.original
	return w.report, nil
}

type reportWalker struct {
	report   *Report
	original map[string]string
}

func (w *reportWalker) leaf(e *gomessage.Entity) (err error) {
	kind, _, _ := e.Header.ContentType() // one that cannot be read is none of these
	switch strings.ToLower(kind) {
	case "message/delivery-status", "message/global-delivery-status":
		if w.report == nil {
			w.report, err = readStatus(e.Body)
		}
	case "text/rfc822-headers", "message/rfc822", "message/global", "message/global-headers":
		if w.original == nil {
			w.original, err = fieldGroup(textproto.NewReader(bufio.NewReader(io.LimitReader(e.Body, maxHeader))))
			if err == io.EOF {
				err = nil
			}
		}
	}
	return err
}

// bounded fails after n bytes, so that a report that is cut is not taken for a whole one.
type bounded struct {
	r io.Reader
	n int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.n <= 0 {
		return 0, &protocols.Error{Kind: protocols.KindProtocol, Text: "the report is too long"}
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.n)])
	b.n -= int64(n)
	return n, err
}

// readStatus reads the fields of the message, and then those of each recipient, with an
// empty line between them (RFC 3464 2.1).
func readStatus(r io.Reader) (*Report, error) {
	in := textproto.NewReader(bufio.NewReader(&bounded{r, maxReport}))
	out := &Report{}
	for {
		f, err := fieldGroup(in)
		if err != nil && err != io.EOF {
			return nil, err
		}
		switch {
		case len(f) == 0:
		case f["final-recipient"] != "" || f["original-recipient"] != "" || f["action"] != "":
			if len(out.Recipients) == maxDeliveries {
				return nil, &protocols.Error{Kind: protocols.KindProtocol, Text: "the report has too many recipients"}
			}
			out.Recipients = append(out.Recipients, delivery(f))
		case out.Fields == nil:
			out.Fields, out.Server, out.EnvelopeID = f, untyped(f["reporting-mta"]), f["original-envelope-id"]
			out.Arrived, _ = maildate.Parse(f["arrival-date"])
		}
		if err == io.EOF {
			return out, nil
		}
	}
}

func delivery(f map[string]string) Delivery {
	d := Delivery{
		Recipient: untyped(f["final-recipient"]), Original: untyped(f["original-recipient"]),
		Diagnostic: untyped(f["diagnostic-code"]), Remote: untyped(f["remote-mta"]), Fields: f,
	}
	action, _, _ := strings.Cut(f["action"], " ") // comments follow
	status, _, _ := strings.Cut(f["status"], " ")
	d.Action, d.Status = strings.ToLower(action), status
	d.RetryUntil, _ = maildate.Parse(f["will-retry-until"])
	return d
}

// untyped takes the kind off a value: "rfc822; ann@example.org".
func untyped(value string) string {
	if _, rest, ok := strings.Cut(value, ";"); ok {
		value = rest
	}
	return strings.TrimSpace(value)
}

// fieldGroup reads fields up to an empty line. Lines that are no fields are passed over.
func fieldGroup(in *textproto.Reader) (map[string]string, error) {
	f := map[string]string{}
	for {
		line, err := in.ReadContinuedLine()
		if err != nil && err != io.EOF {
			return nil, err
		}
		if line == "" {
			return f, err
		}
		key, value, ok := strings.Cut(line, ":")
		if key = strings.ToLower(strings.TrimSpace(key)); ok && f[key] == "" {
			f[key] = strings.TrimSpace(value)
		}
		if err == io.EOF {
			return f, err
		}
	}
}
