package wire

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestReadReply(t *testing.T) {
	tests := []struct {
		name  string
		style Style
		in    string
		want  Reply
		rest  string
	}{
		{"one line", FTP, "220 ready\r\nnext", Reply{220, []string{"ready"}}, "next"},
		{"bare code", FTP, "331\r\n", Reply{331, []string{""}}, ""},
		{"bare code", SMTP, "331\n", Reply{331, []string{""}}, ""},
		{"bare code", NNTP, "205\r\n", Reply{205, []string{""}}, ""},
		{"empty text", SMTP, "250 \r\n", Reply{250, []string{""}}, ""},
		{"features", FTP, "211-Features:\r\n MDTM\r\n UTF8\r\n211 End\r\n", Reply{211, []string{"Features:", " MDTM", " UTF8", "End"}}, ""},
		{"other digits inside", FTP, "230-a\r\n123 b\r\n220-c\r\n\r\n230d\r\n2\r\n230 e\r\n", Reply{230, []string{"a", "123 b", "220-c", "", "230d", "2", "e"}}, ""},
		{"code on each line", FTP, "230-a\r\n230-b\r\n230 c\r\n", Reply{230, []string{"a", "b", "c"}}, ""},
		{"bare code ends", FTP, "230-a\r\nb\r\n230\r\n", Reply{230, []string{"a", "b", ""}}, ""},
		{"bare LF", FTP, "230-a\nb\n230 c\n", Reply{230, []string{"a", "b", "c"}}, ""},
		{"ehlo", SMTP, "250-mx\r\n250-SIZE 10\r\n250-\r\n250 HELP\r\n354 go", Reply{250, []string{"mx", "SIZE 10", "", "HELP"}}, "354 go"},
		{"ends bare", SMTP, "250-mx\r\n250\r\n", Reply{250, []string{"mx", ""}}, ""},
		{"group", NNTP, "211 3 1 3 misc.test\r\n", Reply{211, []string{"3 1 3 misc.test"}}, ""},
	}
	for _, tt := range tests {
		for name, src := range deliveries([]byte(tt.in)) {
			lr := NewLineReader(src, 100)
			got, err := ReadReply(lr, tt.style, Limits{})
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s by %s: got %+v, %v", tt.name, name, got, err)
			}
			if rest, _ := io.ReadAll(lr); string(rest) != tt.rest {
				t.Errorf("%s by %s: left %q", tt.name, name, rest)
			}
		}
	}
}

func TestReadReplyErrors(t *testing.T) {
	endless := strings.Repeat("250-x\r\n", 10_000)
	tests := []struct {
		style  Style
		in     string
		limits Limits
		want   string
	}{
		{FTP, "", Limits{}, "EOF"},
		{FTP, "22", Limits{}, "unexpected EOF"},
		{FTP, "220-a\r\n", Limits{}, "unexpected EOF"},
		{SMTP, "250-a\r\n25", Limits{}, "unexpected EOF"},
		{FTP, "099 a\r\n", Limits{}, `got "099 a", want a reply code`},
		{FTP, "600 a\r\n", Limits{}, `got "600 a", want a reply code`},
		{FTP, "2x0 a\r\n", Limits{}, `got "2x0 a", want a reply code`},
		{FTP, "22\r\n", Limits{}, `got "22", want a reply code`},
		{FTP, "220a\r\n", Limits{}, `got "220a", want a reply code`},
		{FTP, "2200 a\r\n", Limits{}, `got "2200 a", want a reply code`},
		{FTP, " 220 a\r\n", Limits{}, `got " 220 a", want a reply code`},
		{FTP, "\r\n", Limits{}, `got "", want a reply code`},
		{FTP, strings.Repeat("x", 99) + "\n", Limits{}, `got "` + strings.Repeat("x", clipAt) + `"…, want a reply code`},
		{SMTP, "250-a\r\n251 b\r\n", Limits{}, `got "251 b", want the same reply code on each line`},
		{SMTP, "250-a\r\nb\r\n", Limits{}, `got "b", want the same reply code on each line`},
		{NNTP, "211-a\r\n211 b\r\n", Limits{}, `got "211-a", want a reply code`},
		{FTP, endless, Limits{Lines: 5}, "reply longer than 5 lines"},
		{SMTP, endless, Limits{Lines: 1}, "reply longer than 1 lines"},
		{SMTP, "250-a\r\n250 b\r\n", Limits{Lines: 1}, "reply longer than 1 lines"},
		{SMTP, endless, Limits{Bytes: 12}, "reply longer than 12 bytes"},
		{NNTP, "200 text\r\n", Limits{Bytes: 7}, "reply longer than 7 bytes"},
		{SMTP, endless, Limits{}, "reply longer than 4096 lines"},
		{FTP, strings.Repeat("x", 101), Limits{}, "reply line longer than 100 bytes"},
	}
	for _, tt := range tests {
		for name, src := range deliveries([]byte(tt.in)) {
			_, err := ReadReply(NewLineReader(src, 100), tt.style, tt.limits)
			if err == nil || err.Error() != tt.want {
				t.Errorf("%.20q by %s: got %v, want %s", tt.in, name, err, tt.want)
			}
		}
	}
}

func TestReadReplyJustWithinLimits(t *testing.T) {
	r, err := ReadReply(NewLineReader(strings.NewReader("250-a\r\n250 b\r\n"), 5), SMTP, Limits{Lines: 2, Bytes: 10})
	if err != nil || r.Text() != "a\nb" || r.Class() != 2 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestEnhanced(t *testing.T) {
	tests := []struct{ line, code, rest string }{
		{"5.1.1 no such user", "5.1.1", "no such user"},
		{"2.0.0", "2.0.0", ""},
		{"4.999.123  x", "4.999.123", " x"},
		{"3.1.1 x", "", "3.1.1 x"},
		{"5.1 x", "", "5.1 x"},
		{"5.1.1.1 x", "", "5.1.1.1 x"},
		{"5.1000.1 x", "", "5.1000.1 x"},
		{"5..1 x", "", "5..1 x"},
		{"55.1.1 x", "", "55.1.1 x"},
		{"5.1.1x", "", "5.1.1x"},
		{"5.-1.1 x", "", "5.-1.1 x"},
		{".1.1 x", "", ".1.1 x"},
		{"", "", ""},
	}
	for _, tt := range tests {
		if code, rest := Enhanced(tt.line); code != tt.code || rest != tt.rest {
			t.Errorf("%q: got %q %q", tt.line, code, rest)
		}
	}
}

func TestReadStatus(t *testing.T) {
	tests := []struct {
		in   string
		want Status
		err  string
	}{
		{"+OK\r\n", Status{"+OK", "", ""}, ""},
		{"+OK 2 320\r\n", Status{"+OK", "", "2 320"}, ""},
		{"+ok hello\n", Status{"+OK", "", "hello"}, ""},
		{"-ERR [IN-USE] locked\r\n", Status{"-ERR", "IN-USE", "locked"}, ""},
		{"-ERR [SYS/TEMP]\r\n", Status{"-ERR", "SYS/TEMP", ""}, ""},
		{"-ERR [open\r\n", Status{"-ERR", "", "[open"}, ""},
		{"-ERR not [AUTH] first\r\n", Status{"-ERR", "", "not [AUTH] first"}, ""},
		{"+ UEFTUw==\r\n", Status{"+", "", "UEFTUw=="}, ""},
		{"+\r\n", Status{"+", "", ""}, ""},
		{"", Status{}, "EOF"},
		{"+O", Status{}, "unexpected EOF"},
		{"+OKAY\r\n", Status{}, `got "+OKAY", want +OK or -ERR`},
		{"-ERRATIC behaviour\r\n", Status{}, `got "-ERRATIC behaviour", want +OK or -ERR`},
		{"220 ftp\r\n", Status{}, `got "220 ftp", want +OK or -ERR`},
		{"\r\n", Status{}, `got "", want +OK or -ERR`},
	}
	for _, tt := range tests {
		got, err := ReadStatus(NewLineReader(strings.NewReader(tt.in), 100))
		if got != tt.want || fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") {
			t.Errorf("%q: got %q, %v", tt.in, got, err)
		}
		if got.OK() != (tt.want.Mark == "+OK") {
			t.Errorf("%q: OK is %v", tt.in, got.OK())
		}
	}
}

// format writes r in a way that every server might.
func (r Reply) format(style Style) string {
	var b strings.Builder
	last := len(r.Lines) - 1
	for i, line := range r.Lines {
		sep := "-"
		if i == last {
			sep = " "
		}
		fmt.Fprintf(&b, "%d%s%s\r\n", r.Code, sep, line)
	}
	return b.String()
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("220 ready\r\n"), 0)
	f.Add([]byte("211-Features:\r\n MDTM\r\n211 End\r\n"), 0)
	f.Add([]byte("230-a\n123 b\n230\n"), 0)
	f.Add([]byte("250-mx\r\n250-SIZE\r\n250 HELP\r\n"), 1)
	f.Add([]byte("211 3 1 3 misc.test\r\n"), 2)
	f.Add([]byte("-ERR [AUTH] no\r\n"), 0)
	f.Fuzz(func(t *testing.T, in []byte, pick int) {
		style := []Style{FTP, SMTP, NNTP}[uint(pick)%3]
		limits := Limits{Lines: 10, Bytes: 200}
		r, err := ReadReply(newLineReader(strings.NewReader(string(in)), 100, 8), style, limits)
		if s, err := ReadStatus(newLineReader(strings.NewReader(string(in)), 100, 8)); err == nil && s.Mark == "" {
			t.Fatalf("status without a mark from %q", in)
		}
		if err != nil {
			checkReplyError(t, err)
			return
		}
		if r.Code < 100 || r.Code > 599 || len(r.Lines) < 1 || len(r.Lines) > 10 || len(r.Text()) > 210 {
			t.Fatalf("got %+v", r)
		}
		for _, line := range r.Lines {
			if code, rest := Enhanced(line); code != "" && !strings.HasPrefix(line, code) || len(rest) > len(line) {
				t.Fatalf("%q returned %q %q", line, code, rest)
			}
		}
		again, err := ReadReply(newLineReader(strings.NewReader(r.format(style)), 200, 8), style, Limits{})
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%+v came back as %+v, %v", r, again, err)
		}
	})
}

// checkReplyError fails if err is not one of the documented errors.
func checkReplyError(t *testing.T, err error) {
	_, limit := errors.AsType[*LimitError](err)
	_, syntax := errors.AsType[*SyntaxError](err)
	if !limit && !syntax && err != io.EOF && err != io.ErrUnexpectedEOF {
		t.Fatalf("got %v", err)
	}
	if text := err.Error(); len(text) > 500 || strings.ContainsAny(text, "\r\n\x00\x1b") {
		t.Fatalf("got the text %q", text)
	}
}
