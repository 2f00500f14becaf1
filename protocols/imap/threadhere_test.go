package imap

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// thread threads messages with UIDs from 1, by their header fields.
func thread(t *testing.T, headers ...string) []threaded {
	t.Helper()
	th := newThreader()
	for i, h := range headers {
		must(t, th.add(uint32(i+1), h))
	}
	return th.threads()
}

func TestThreadHere(t *testing.T) {
	for _, test := range []struct {
		name    string
		headers []string
		want    []threaded
	}{
		{"nothing", nil, []threaded{}},
		{"what names its own descendants makes no circle", []string{
			"Message-ID: <a>\r\nReferences: <b>\r\n", "Message-ID: <b>\r\nReferences: <a>\r\n", "Message-ID: <c>\r\nReferences: <x>\r\n <b>\r\n", "Message-ID: <d>\r\nReferences: <d>\r\n",
		}, []threaded{{2, 0, 1, 0}, {1, 2, 1, 1}, {3, 2, 1, 1}, {4, 0, 2, 0}}},
		{"the last reference that is there", []string{
			"Message-ID: <a>\r\n", "Message-ID: <b>\r\nIn-Reply-To: <a> <other>\r\n", "References: <a> <b> <gone>\r\n", "Subject: alone\r\n", "In-Reply-To: <a>\r\n",
		}, []threaded{{1, 0, 1, 0}, {2, 1, 1, 1}, {3, 2, 1, 2}, {5, 1, 1, 1}, {4, 0, 2, 0}}},
		{"one identifier twice", []string{"Message-ID: <a>\r\n", "Message-ID: <a>\r\n", "References: <a>\r\n"},
			[]threaded{{1, 0, 1, 0}, {3, 1, 1, 1}, {2, 0, 2, 0}}},
		{"a circle of three", []string{
			"Message-ID: <a>\r\nReferences: <c>\r\n", "Message-ID: <b>\r\nReferences: <a>\r\n", "Message-ID: <c>\r\nReferences: <b>\r\n",
		}, []threaded{{3, 0, 1, 0}, {1, 3, 1, 1}, {2, 1, 1, 2}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := thread(t, test.headers...); !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// TestThreadsAreLinear: a chain of replies as long as the limit costs no more time
// for each message than a short one.
func TestThreadsAreLinear(t *testing.T) {
	for name, reply := range map[string]func(i int) int{
		"down": func(i int) int { return i - 1 }, "up": func(i int) int { return i + 1 }, "to the first": func(int) int { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			th, start := newThreader(), time.Now()
			for i := range maxSorted {
				must(t, th.add(uint32(i+1), fmt.Sprintf("Message-ID: <%d>\r\nReferences: <%d>\r\n", i, reply(i))))
			}
			if list := th.threads(); len(list) != maxSorted || list[len(list)-1].thread != 1 {
				t.Errorf("%d messages", len(list))
			}
			if took := time.Since(start); took > 10*time.Second { // quadratic is minutes
				t.Errorf("%v for %d messages", took, maxSorted)
			}
		})
	}
}
