package message

import (
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

func finished(t testing.TB, raw string, strip bool) (*Message, error) {
	t.Helper()
	return Finished(Text(raw).Open, int64(len(raw)), strip, Given{})
}

func TestFinished(t *testing.T) {
	raw := "Received: x\r\nFrom: A <a@b.org>,\r\n c@d.org\r\nBcc: hidden@x.org,\r\n\tother@x.org\r\nTo: =?utf-8?q?B=C3=B6b?= <bob@x.org>, undisclosed: ;\r\nBCC: third@x.org\r\nMessage-ID: <1@2>\r\n\r\nBcc: body\r\n"
	m, err := finished(t, raw, true)
	if err != nil {
		t.Fatal(err)
	}
	if m.From != "a@b.org" || m.ID != "<1@2>" || !slices.Equal(m.Recipients, []string{"bob@x.org", "hidden@x.org", "other@x.org", "third@x.org"}) {
		t.Errorf("%+v", m)
	}
	want := "Received: x\r\nFrom: A <a@b.org>,\r\n c@d.org\r\nTo: =?utf-8?q?B=C3=B6b?= <bob@x.org>, undisclosed: ;\r\nMessage-ID: <1@2>\r\n\r\nBcc: body\r\n"
	if got := text(t, m); got != want || got != text(t, m) {
		t.Errorf("%q", got)
	}
	if m, err = finished(t, raw, false); err != nil || text(t, m) != raw {
		t.Errorf("the message was changed: %v", err)
	}
	m, err = finished(t, "From: a@b.org\nTo: x@y.org\nResent-From: r@s.org\nResent-To: t@u.org\n\nx", true)
	if err != nil || m.From != "r@s.org" || !slices.Equal(m.Recipients, []string{"t@u.org"}) {
		t.Errorf("resent: %+v, %v", m, err)
	}
	if m, err = finished(t, "", true); err != nil || m.From != "" || m.Recipients != nil || text(t, m) != "" {
		t.Errorf("empty: %+v, %v", m, err)
	}
	raw = "Resent-From: <kim@x.org>\r\nResent-To: <new@x.org>\r\nResent-Date: x\r\n" +
		"Resent-From: <lee@x.org>\r\nResent-To: <earlier@x.org>\r\nResent-Bcc: <more@x.org>\r\nFrom: <first@x.org>\r\nTo: <orig@x.org>\r\n\r\nx"
	trace := strings.Replace(raw, "Resent-From: <lee", "Received: x\r\nResent-Sender: <lee", 1)
	for _, twice := range []string{raw, trace} {
		if m, err = finished(t, twice, false); err != nil || m.From != "kim@x.org" || !slices.Equal(m.Recipients, []string{"new@x.org"}) {
			t.Errorf("%q: %+v, %v", twice, m, err)
		}
	}
	for _, bad := range []string{"To: not an address\r\n\r\n", strings.Repeat("x", maxHeader+100_000)} {
		if _, err := finished(t, bad, true); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

// TestGivenEnvelope: fields are not judged where the caller has their part of the
// envelope.
func TestGivenEnvelope(t *testing.T) {
	odd, good := "From: the night shift\r\n", "To: b@x.org\r\n"
	for _, tt := range []struct {
		raw    string
		given  Given
		ok     bool
		to     []string
		sender string
	}{
		{odd + good, Given{}, false, nil, ""},
		{odd + good, Given{Recipients: true}, false, nil, ""},
		{odd + good, Given{Sender: true}, true, []string{"b@x.org"}, ""},
		{odd + "To: whom it may concern\r\n", Given{Sender: true}, false, nil, ""},
		{odd + "To: whom it may concern\r\n", Given{true, true}, true, nil, ""},
		{"From: root\r\nTo: postmaster, J <\"a..b\"@x.org>\r\n", Given{}, false, nil, ""},
		{"From: root\r\nTo: postmaster, \"a..b\"@x.org, c..d@x.org\r\n", Given{}, true, []string{"postmaster", `"a..b"@x.org`, "c..d@x.org"}, "root"},
		{"To: Smith, John <john@x.org>\r\n", Given{}, false, nil, ""},
	} {
		raw := tt.raw + "\r\ntext\r\n"
		m, err := Finished(Text(raw).Open, int64(len(raw)), false, tt.given)
		if !tt.ok {
			if protocols.KindOf(err) != protocols.KindUsage {
				t.Errorf("%q, %+v given: %+v, %v", tt.raw, tt.given, m, err)
			}
			continue
		}
		if err != nil || m.From != tt.sender || !slices.Equal(m.Recipients, tt.to) || text(t, m) != raw {
			t.Errorf("%q, %+v given: %+v, %v", tt.raw, tt.given, m, err)
		}
	}
}

// FuzzFinished: for any bytes, the result is an error or an envelope without line
// breaks, and the bytes are unchanged but for Bcc.
func FuzzFinished(f *testing.F) {
	f.Add([]byte("From: a@b.org\r\nBcc: c@d.org\r\n\r\nx"))
	f.Add([]byte("To: \"a\r\n b\" <c@d.org>, e: f@g.org;\n\n"))
	f.Add([]byte(" \r\n:\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, strip := range []bool{false, true} {
			m, err := finished(t, string(raw), strip)
			if err != nil {
				if protocols.KindOf(err) != protocols.KindUsage {
					t.Fatal(err)
				}
				continue
			}
			for _, a := range append([]string{m.From, m.ID}, m.Recipients...) {
				if strings.ContainsAny(a, "\r\n") {
					t.Fatalf("%q gave %q", raw, a)
				}
			}
			got := text(t, m)
			if !strip && got != string(raw) || len(got) > len(raw) {
				t.Fatalf("%q became %q", raw, got)
			}
		}
	})
}

// TestHeaderEndsOnce: the header ends at the first empty line, whichever line end
// it and the lines before it use. Nothing after it adds a recipient.
func TestHeaderEndsOnce(t *testing.T) {
	for _, blank := range []string{"\n\n", "\r\n\r\n", "\n\r\n", "\r\n\n"} {
		text := "From: a@example.org\nTo: b@example.org" + blank + "To: victim@example.org\nBcc: victim@example.org\n\nbye\n"
		p := Text(text)
		m, err := Finished(p.Open, p.Size, true, Given{})
		if err != nil || !slices.Equal(m.Recipients, []string{"b@example.org"}) {
			t.Errorf("%q: %v, %v", blank, m, err)
			continue
		}
		var b strings.Builder
		if _, err := m.WriteTo(&b); err != nil || b.String() != text {
			t.Errorf("%q: %v, wrote %q", blank, err, b.String())
		}
	}
	p := Text("\r\nTo: victim@example.org\r\n\r\n")
	if m, err := Finished(p.Open, p.Size, true, Given{}); err != nil || len(m.Recipients) != 0 {
		t.Errorf("a message without header: %v, %v", m, err)
	}
}
