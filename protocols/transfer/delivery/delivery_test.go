package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/delivery"
	"github.com/netclients/netclients/protocols/transfer/internal/mailtest"
)

// router takes messages, or does with one what a test wants.
type router struct {
	got   []string // "recipient: content"
	from  []string
	fault func(n int, m *protocols.Message, content string) (*protocols.Receipt, error, bool)
	n     int
}

func (r *router) Probe(context.Context) (*protocols.Report, error) { return &protocols.Report{}, nil }
func (r *router) Close() error                                     { return nil }
func (r *router) Delivers()                                        {}

func (r *router) Send(_ context.Context, m *protocols.Message) (*protocols.Receipt, error) {
	r.n++
	if r.fault != nil {
		if receipt, err, is := r.fault(r.n, m, ""); is {
			return receipt, err
		}
	}
	b, err := io.ReadAll(m.Body)
	if err != nil {
		return &protocols.Receipt{}, err
	}
	if r.fault != nil {
		if receipt, err, is := r.fault(r.n, m, string(b)); is {
			return receipt, err
		}
	}
	r.take(m, string(b))
	return &protocols.Receipt{}, nil
}

func (r *router) take(m *protocols.Message, content string) {
	r.from = append(r.from, m.From)
	for _, to := range m.To {
		r.got = append(r.got, to+": "+content)
	}
}

// world is a maildir with messages, and the files that a delivery keeps.
type world struct {
	t        *testing.T
	dir      string
	state    string
	letters  []string
	warnings []string
	to       []string
	early    bool
}

func newWorld(t *testing.T, n int) *world {
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "mail"), state: filepath.Join(t.TempDir(), "state"), to: []string{"a@x.example"}}
	for i := range n {
		body := strings.Repeat(fmt.Sprint("line ", i, "\r\n.\r\n"), 1+i%3*100_000) // some do not fit into memory
		text := fmt.Sprintf("Return-Path: <from%d@x.example>\r\nSubject: n%d\r\n\r\n%s", i, i, body)
		w.letters = append(w.letters, text)
		_, err := mailstore.NewMaildir(nil).Put(t.Context(), w.dir, strings.NewReader(text), nil)
		mailtest.Check(t, err)
	}
	return w
}

func (w *world) run(r *router, change func(o *transfer.MessageOptions)) (transfer.Summary, []transfer.Result, error) {
	src := mailtest.Maildir(w.dir)
	dst := transfer.Endpoint{URL: "test:", Open: func() (protocols.Client, error) {
		return delivery.New(r, "test:", delivery.Options{To: w.to, Early: w.early, Ledger: w.state + ".sent", Warn: func(s string) { w.warnings = append(w.warnings, s) }})
	}}
	o := &transfer.MessageOptions{Options: transfer.Options{RetryWait: time.Millisecond}, State: w.state}
	if change != nil {
		change(o)
	}
	var failed []transfer.Result
	sum, err := transfer.SyncMessages(w.t.Context(), src, dst, o, func(r transfer.Result) {
		if r.Status == transfer.StatusFailed {
			failed = append(failed, r)
		}
	})
	return sum, failed, err
}

// once checks that every recipient has got every message, once, byte for byte.
func (w *world) once(got []string, to ...string) {
	w.t.Helper()
	var want []string
	for _, r := range to {
		for _, text := range w.letters {
			want = append(want, r+": "+text)
		}
	}
	slices.Sort(want)
	got = slices.Sorted(slices.Values(got))
	if !slices.Equal(got, want) {
		w.t.Errorf("%d messages were delivered, want %d", len(got), len(want))
	}
}

// TestDelivery: every message is delivered once, with the sender of its Return-Path; what
// came later is delivered by the next run, and what is safe is deleted where that is wanted.
func TestDelivery(t *testing.T) {
	w, r := newWorld(t, 7), &router{}
	if sum, _, err := w.run(r, nil); err != nil || sum.Done != 7 {
		t.Fatalf("%+v, %v", sum, err)
	}
	w.once(r.got, "a@x.example")
	slices.Sort(r.from)
	if r.from[3] != "from3@x.example" {
		t.Errorf("%q", r.from)
	}
	if sum, _, err := w.run(r, nil); err != nil || sum.Done != 0 || sum.Skipped != 7 {
		t.Errorf("%+v, %v", sum, err)
	}
	if sum, _, err := w.run(r, func(o *transfer.MessageOptions) { o.DeleteAfter = true }); err != nil || sum.Deleted != 7 || len(r.got) != 7 {
		t.Errorf("%+v, %v", sum, err)
	}
	if list, err := os.ReadDir(filepath.Join(w.dir, "new")); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func refused(stage string, kind protocols.Kind, code int) error {
	return &protocols.Error{Kind: kind, Code: code, Text: "no", Stage: stage, Retryable: kind == protocols.KindTemporary}
}

// TestRefused: one message that is refused, for now or for good, is named, not deleted, and
// tried again by the next run; the others are delivered.
func TestRefused(t *testing.T) {
	for _, no := range []error{refused("data", protocols.KindRefused, 554), refused("message", protocols.KindTemporary, 451), refused("mail", protocols.KindRefused, 552), refused("", protocols.KindRefused, 0)} {
		w, r := newWorld(t, 5), &router{}
		r.fault = func(_ int, m *protocols.Message, content string) (*protocols.Receipt, error, bool) {
			return &protocols.Receipt{}, no, strings.Contains(content, "Subject: n3\r\n")
		}
		sum, failed, err := w.run(r, func(o *transfer.MessageOptions) { o.DeleteAfter = true })
		if protocols.KindOf(err) != protocols.KindPartial || sum.Done != 4 || sum.Deleted != 4 || len(failed) != 1 || failed[0].Subject != "n3" {
			t.Errorf("%v: %+v, %v, %v", no, sum, failed, err)
		}
		r.fault = nil
		if sum, _, err := w.run(r, nil); err != nil || sum.Done != 1 {
			t.Errorf("%v: %+v, %v", no, sum, err)
		}
		w.once(r.got, "a@x.example")
	}
}

// TestNobodyThere: where the recipient is refused nothing can be delivered, and the run ends.
func TestNobodyThere(t *testing.T) {
	w, r := newWorld(t, 5), &router{}
	r.fault = func(int, *protocols.Message, string) (*protocols.Receipt, error, bool) {
		return &protocols.Receipt{}, &protocols.Error{Kind: protocols.KindRefused, Code: 550, Stage: "rcpt", Sentinel: os.ErrNotExist}, true
	}
	if sum, _, err := w.run(r, nil); protocols.KindOf(err) != protocols.KindRefused || sum.Done != 0 || r.n != 1 {
		t.Errorf("%+v, %v, %d attempts", sum, err, r.n)
	}
}

// TestSomeRecipients: who has got a message does not get it again when others were refused.
func TestSomeRecipients(t *testing.T) {
	w, r := newWorld(t, 3), &router{}
	w.to = []string{"a@x.example", "b@x.example", "c@x.example"}
	r.fault = func(n int, m *protocols.Message, content string) (*protocols.Receipt, error, bool) {
		if n != 2 || content == "" {
			return nil, nil, false
		}
		r.take(&protocols.Message{To: []string{"b@x.example"}}, content)
		return &protocols.Receipt{Recipients: []protocols.Recipient{{Address: "a@x.example", Code: 450}, {Address: "b@x.example", Accepted: true}, {Address: "c@x.example", Code: 550}}},
			&protocols.Error{Kind: protocols.KindPartial, Text: "1 of 3 recipients"}, true
	}
	if sum, failed, err := w.run(r, nil); protocols.KindOf(err) != protocols.KindPartial || sum.Done != 2 || len(failed) != 1 {
		t.Errorf("%+v, %v, %v", sum, failed, err)
	}
	if sum, _, err := w.run(r, nil); err != nil || sum.Done != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
	w.once(r.got, w.to...)
}

var errLost = &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Text: "reset"}

// TestLostBefore: a connection that is lost before a message is whole costs another attempt.
func TestLostBefore(t *testing.T) {
	w, r := newWorld(t, 4), &router{}
	r.fault = func(n int, m *protocols.Message, content string) (*protocols.Receipt, error, bool) {
		if n != 2 {
			return nil, nil, false
		}
		_, _ = m.Body.Read(make([]byte, 10))
		return &protocols.Receipt{}, errLost, true
	}
	if sum, _, err := w.run(r, nil); err != nil || sum.Done != 4 || len(w.warnings) != 0 {
		t.Errorf("%+v, %v, %q", sum, err, w.warnings)
	}
	w.once(r.got, "a@x.example")
}

// TestLostAnswer: nobody knows whether the message was delivered: it fails in this run, and the
// next one says so when it delivers it again.
func TestLostAnswer(t *testing.T) {
	w, r := newWorld(t, 4), &router{}
	r.fault = func(n int, m *protocols.Message, content string) (*protocols.Receipt, error, bool) {
		return &protocols.Receipt{}, errLost, n == 2 && content != ""
	}
	sum, failed, err := w.run(r, nil)
	if protocols.KindOf(err) != protocols.KindPartial || sum.Done != 3 || len(failed) != 1 || !strings.Contains(failed[0].Err.Error(), "may have been delivered") {
		t.Errorf("%+v, %v, %v", sum, failed, err)
	}
	if sum, _, err := w.run(r, nil); err != nil || sum.Done != 1 || len(w.warnings) != 1 {
		t.Errorf("%+v, %v, %q", sum, err, w.warnings)
	}
	w.once(r.got, "a@x.example")
}

// TestKilledDelivery: whenever a run is killed, the next one delivers nothing again but the
// message that was on its way, and says so.
func TestKilledDelivery(t *testing.T) {
	for at := 1; at <= 5; at++ {
		for _, accepted := range []bool{false, true} {
			w, r := newWorld(t, 5), &router{}
			left := map[string][]byte{} // what a killed run leaves
			var before []string
			r.fault = func(n int, m *protocols.Message, content string) (*protocols.Receipt, error, bool) {
				if n == at && (content != "") == accepted {
					for _, name := range []string{w.state, w.state + ".sent"} {
						b, err := os.ReadFile(name)
						mailtest.Check(t, err)
						left[name] = b
					}
					if before = slices.Clone(r.got); accepted {
						before = append(before, "a@x.example: "+content)
					}
				}
				return nil, nil, false
			}
			_, _, err := w.run(r, nil)
			mailtest.Check(t, err)
			for name, b := range left {
				mailtest.Check(t, os.WriteFile(name, b, 0o600))
			}
			r.fault, r.got = nil, before
			sum, _, err := w.run(r, nil)
			again := 0
			if accepted {
				again = 1
			}
			if err != nil || int(sum.Done) != 6-at || len(r.got) != 5+again || len(w.warnings) != again {
				t.Errorf("killed at %d, %v: %+v, %v, %d deliveries, %q", at, accepted, sum, err, len(r.got), w.warnings)
			}
			slices.Sort(r.got)
			w.once(slices.Compact(r.got), "a@x.example")
		}
	}
}

// TestSourceFails: a message that its source does not send to its end is not delivered at all.
func TestSourceFails(t *testing.T) {
	w := newWorld(t, 1)
	target, err := delivery.New(&router{fault: func(int, *protocols.Message, string) (*protocols.Receipt, error, bool) {
		t.Error("it was delivered")
		return nil, nil, false
	}}, "test:", delivery.Options{Ledger: w.state})
	mailtest.Check(t, err)
	a, err := target.OpenArchive(t.Context(), "", nil)
	mailtest.Check(t, err)
	defer a.Close()
	for _, n := range []int64{10, 3 << 20} {
		body := io.MultiReader(io.LimitReader(zeros{}, n), failing{})
		if err := a.Add(t.Context(), strings.Repeat("0", 32), &protocols.Entry{}, body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
	}
}

type (
	zeros   struct{}
	failing struct{}
)

func (zeros) Read(p []byte) (int, error)   { return len(p), nil }
func (failing) Read(p []byte) (int, error) { return 0, io.ErrUnexpectedEOF }
