package message

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"

	"github.com/netclients/netclients/protocols"
)

// bounce is a report as Postfix writes them.
const bounce = "From: MAILER-DAEMON@mx.example.org\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n" +
	"--b\r\nContent-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\n" +
	"Reporting-MTA: dns; mx.example.org\r\nOriginal-Envelope-Id: job-7\r\nX-Postfix-Queue-ID: 4A2\r\nArrival-Date: Mon, 30 Nov 2026 12:00:00 +0000 (UTC)\r\n\r\n" +
	"Final-Recipient: rfc822; ann@example.net\r\nOriginal-Recipient: rfc822;ann@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; in.example.net\r\n" +
	"Diagnostic-Code: smtp; 550 5.1.1 <ann@example.net>: no such\r\n user; sorry\r\n\r\n" +
	"Final-Recipient: rfc822; bob@example.net\r\nAction: Delayed (will be tried again)\r\nStatus: 4.4.1 (no answer)\r\nWill-Retry-Until: Sat, 5 Dec 2026 12:00:00 +0000\r\n\r\n" +
	"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: the plan\r\nMessage-ID: <1@example.org>\r\n\r\n--b--\r\n"

func ExampleParseReport() {
	r, err := ParseReport(strings.NewReader(bounce))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range r.Recipients {
		fmt.Printf("%s %s %s %q\n", d.Recipient, d.Action, d.Status, d.Diagnostic)
	}
	fmt.Println("of", r.Original["message-id"])
	// Output:
	// ann@example.net failed 5.1.1 "550 5.1.1 <ann@example.net>: no such user; sorry"
	// bob@example.net delayed 4.4.1 ""
	// of <1@example.org>
}

func TestParseReport(t *testing.T) {
	r, err := ParseReport(strings.NewReader(bounce))
	if err != nil {
		t.Fatal(err)
	}
	if r.Server != "mx.example.org" || r.EnvelopeID != "job-7" || r.Fields["x-postfix-queue-id"] != "4A2" || !r.Arrived.Equal(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", r)
	}
	if a, b := r.Recipients[0], r.Recipients[1]; !a.Failed() || a.Original != "ann@example.org" || a.Remote != "in.example.net" || b.Failed() || b.RetryUntil.IsZero() {
		t.Errorf("%+v\n%+v", a, b)
	}
	for name, text := range map[string]string{
		"mail":           "Subject: hello\r\n\r\ntext\r\n",
		"several parts":  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b--\r\n",
		"report of spam": strings.ReplaceAll(bounce, "message/delivery-status", "message/feedback-report"),
	} {
		if r, err := ParseReport(strings.NewReader(text)); !errors.Is(err, ErrNoReport) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	for name, row := range map[string]struct{ old, new, want string }{
		"line ends":             {"\r\n", "\n", "ann@example.net bob@example.net"},
		"no groups":             {"(UTC)\r\n\r\n", "(UTC)\r\n", "ann@example.net bob@example.net"},
		"two empty lines":       {"(UTC)\r\n\r\n", "(UTC)\r\n\r\n\r\n", "ann@example.net bob@example.net"},
		"a line that is none":   {"Action: failed", "what?\r\nAction: failed", "ann@example.net bob@example.net"},
		"no original":           {"text/rfc822-headers", "text/plain", "ann@example.net bob@example.net"},
		"the end is missing":    {"--b--\r\n", "", "ann@example.net bob@example.net"},
		"the last line is open": {"+0000\r\n\r\n--b\r\nContent-Type: text/rfc822-headers", "+0000", "ann@example.net bob@example.net"},
	} {
		r, err := ParseReport(strings.NewReader(strings.ReplaceAll(bounce, row.old, row.new)))
		if err != nil && protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err != nil {
			continue // cut off: said so
		}
		var got []string
		for _, d := range r.Recipients {
			got = append(got, d.Recipient)
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for n, ok := range map[int]bool{50_000: true, maxDeliveries + 1: false, maxReport / 20: false} {
		many := strings.Replace(bounce, "Final-Recipient: rfc822; bob", strings.Repeat("Final-Recipient: rfc822; x\r\n\r\n", n)+"Final-Recipient: rfc822; bob", 1)
		if r, err := ParseReport(strings.NewReader(many)); ok && (err != nil || len(r.Recipients) != n+2) || !ok && protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%d recipients: %v", n, err)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add(bounce)
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := ParseReport(strings.NewReader(text)); err == nil && r == nil {
			t.Error("neither a report nor an error")
		}
	})
}

// All parts of a message, decoded, with go-message: it reads what Get and Cat return as
// it streams, and knows the charsets that it is given.
func Example_parts() {
	e, err := gomessage.Read(strings.NewReader(bounce)) // the Body of a protocols.Object
	if err != nil {
		fmt.Println(err)
		return
	}
	err = e.Walk(func(path []int, part *gomessage.Entity, err error) error {
		if err != nil {
			return err
		}
		kind, _, err := part.Header.ContentType()
		fmt.Println(path, kind)
		return err
	})
	fmt.Println(err)
	// Output:
	// [] multipart/report
	// [0] text/plain
	// [1] message/delivery-status
	// [2] text/rfc822-headers
	// <nil>
}

// The attachments of a message.
func ExampleAttachments() {
	text := "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n--b\r\n" +
		"Content-Type: text/csv\r\nContent-Disposition: attachment; filename=a.csv\r\nContent-Transfer-Encoding: base64\r\n\r\nMTsyCg==\r\n--b--\r\n"
	err := Attachments(strings.NewReader(text), func(a *Attachment) error {
		b, err := io.ReadAll(a.Body)
		fmt.Printf("%s %s %q\n", a.Name, a.Type, b)
		return err
	})
	fmt.Println(err)
	// Output:
	// a.csv text/csv "1;2\n"
	// <nil>
}
