package content

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSum(t *testing.T) {
	const text = "Subject: a\r\n\r\nbody\r\nX-TUID: in the body\r\n"
	r := New()
	want, err := r.Sum(strings.NewReader(text))
	if err != nil || want.Size != int64(len(text)) || want.Lines != 4 {
		t.Fatalf("%+v, %v; want size %d", want, err, len(text))
	}
	for _, c := range []struct {
		name, text string
		same       bool
	}{
		{"itself", text, true},
		{"line ends", strings.ReplaceAll(text, "\r\n", "\n"), true},
		{"field of mbsync", strings.Replace(text, "\r\n", "\r\nX-TUID: abc\r\n", 1), true},
		{"field of mbsync first", "X-TUID: abc\r\n" + text, true},
		{"another body", strings.Replace(text, "body", "bodx", 1), false},
		{"a field less in the body", strings.Replace(text, "X-TUID: in the body\r\n", "", 1), false},
		{"no last line end", strings.TrimSuffix(text, "\r\n"), false},
		{"CR in a line", strings.Replace(text, "body", "bo\rdy", 1), false},
		{"nothing", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := r.Sum(iotest.OneByteReader(strings.NewReader(c.text)))
			if err != nil || (got == want) != c.same {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	if got, _ := New().Sum(strings.NewReader(text)); got == want {
		t.Error("two readers have the same digests")
	}
	broken := errors.New("broken")
	if _, err := r.Sum(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// Line ends count as one thing wherever they fall in what is read at a time.
func TestSumLongLines(t *testing.T) {
	r := New()
	for n := 64<<10 - 3; n < 64<<10+3; n++ {
		text := "Subject: a\n\n" + strings.Repeat("x", n) + "\nend\n"
		want, err := r.Sum(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, "\n", "\r\n")
		for _, shift := range []string{text, "X-TUID: 0123456789ab\r\n" + text} {
			if got, err := r.Sum(strings.NewReader(shift)); err != nil || got != want {
				t.Errorf("a line of %d bytes: %+v, want %+v, %v", n, got, want, err)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	sum, err := New().Sum(strings.NewReader("Subject: a\nX-TUID: 0123456789ab\n\nbody\n")) // 20 bytes with CRLF
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		size       int64
		has, exact bool
	}{
		{"as it is", 20, true, true},
		{"LF", 17, true, false},
		{"with mbsync's field", 42, true, true},
		{"with mbsync's field and LF", 17 + 21, true, false},
		{"another", 21, false, false},
		{"not known", -1, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := Sizes{}
			all.Add(sum)
			if all.Has(c.size) != c.has || sum.Exact(c.size) != c.exact {
				t.Errorf("%+v", sum)
			}
		})
	}
	announced := Sizes{}
	announced.Announced(42)
	for size, has := range map[int64]bool{20: true, 42: true, 64: true, 30: false} {
		if announced.Has(size) != has {
			t.Errorf("announced 42, has %d: %v", size, !has)
		}
	}
}
