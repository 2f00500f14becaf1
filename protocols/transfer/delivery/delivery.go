// Package delivery hands the messages of a sync on: to an SMTP or LMTP server, or to any
// other [protocols.Deliverer]. A [Target] is the destination of [transfer.SyncMessages], with
// the same state and the same safety as an archive has.
//
// # What happens twice
//
// A message is delivered once. Each one is read to its end before its delivery begins, so
// that none is delivered in part, and a file says before the last of its bytes goes out that
// it is on its way, and at once what became of it. If a run is killed in between, or the
// connection is lost there, nobody can tell: SMTP and LMTP have no way to ask (RFC 1047).
// Such a message fails in its run, and the next one delivers it again and warns of that.
// Recipients that a server has accepted get nothing again when others were refused.
package delivery

import (
	"context"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// Options says how messages are delivered.
type Options struct {
	From   string   // envelope sender of all messages
	Sender bool     // From counts, also when it is empty; else the sender is that of the message's Return-Path, or the null sender
	To     []string // envelope recipients
	Dir    string   // folder for what must be remembered; see StatePath
	Ledger string   // path of the file that says what is on its way; empty: beside the state
	Early  bool     // the receiver may act before it has the last byte, as a program does
	Warn   func(text string)
}

// Target is a client that hands messages on. Other capabilities than those of a
// [protocols.MessageTarget] are those of its client.
type Target struct {
	protocols.Client
	sender protocols.Deliverer
	place  string
	o      Options
}

var (
	_ protocols.MessageTarget = (*Target)(nil)
	_ protocols.StateKeeper   = (*Target)(nil)
)

// New returns a target that sends with c, which must be a [protocols.Deliverer]. place says in
// the state which one it is: a URL without a password.
func New(c protocols.Client, place string, o Options) (*Target, error) {
	sender, ok := protocols.As[protocols.Deliverer](c)
	if !ok {
		return nil, protocols.Unsupported("", "sync", "the destination does not take messages")
	}
	return &Target{Client: c, sender: sender, place: place, o: o}, nil
}

// StatePath returns the path of a file in Options.Dir for the sync of one source to these
// recipients.
func (t *Target) StatePath(_, source string) (string, error) {
	if t.o.Dir == "" {
		return "", protocols.UsageError("", "sync", "no folder is set for what a delivery must remember: use --journal FILE")
	}
	to := state.HashKey(append([]string{t.place}, t.o.To...)...).String()[:16]
	path := filepath.Join(t.o.Dir, "deliver-"+to+"-"+source)
	if t.o.Ledger == "" {
		t.o.Ledger = path + ".sent"
	}
	return path, nil
}

// OpenArchive opens what is remembered of earlier deliveries.
func (t *Target) OpenArchive(ctx context.Context, _ string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	if o == nil {
		o = &protocols.ArchiveOptions{}
	}
	a := &archive{t: t, o: *o}
	if o.ReadOnly {
		return a, nil
	}
	if t.o.Ledger == "" {
		return nil, protocols.UsageError("", "sync", "no file is set for what a delivery must remember")
	}
	var err error
	if a.ledger, err = state.OpenMessages(ctx, t.o.Ledger); err != nil {
		return nil, err
	}
	if o.Mark == "" { // the last run has come to its end: its state knows what was delivered
		a.forgetDone()
	}
	return a, nil
}

// What the ledger says of a message: it is on its way, it is delivered, or it is for these
// recipients, with a comma after each.
const (
	away = `\away`
	done = `\done`
)

// archive is a run of deliveries.
type archive struct {
	t      *Target
	o      protocols.ArchiveOptions
	ledger *state.Messages // nil: read only
}

func (a *archive) forgetDone() {
	var keys []state.Key
	for key, what := range a.ledger.Each() {
		if what == done {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		a.ledger.Forget(key)
	}
}

// Mark is the same for all runs: the ledger tells the rest.
func (a *archive) Mark() string { return "delivery" }

// Add reads a message and delivers it.
func (a *archive) Add(ctx context.Context, key string, e *protocols.Entry, body io.Reader) error {
	k, ok := state.ParseKey(key)
	if !ok || a.ledger == nil {
		return protocols.UsageError("", "sync", "nothing can be delivered: the target was opened for reading only, or the key is invalid")
	}
	m, err := spool(body)
	if err != nil {
		return err
	}
	defer m.close()
	err = a.deliver(ctx, k, e, m)
	if err != nil && !ofMessage(err) {
		return err
	}
	if bad := a.write(); bad != nil {
		return bad
	}
	if a.o.Stored == nil {
		return err
	}
	return a.o.Stored(key, m.size, err)
}

// deliver hands a message to those of its recipients that have not got it.
func (a *archive) deliver(ctx context.Context, key state.Key, e *protocols.Entry, m *spooled) error {
	before := ""
	if known := a.ledger.Known.Get(key); known != nil {
		before = a.ledger.FlagsOf(known)
	}
	have, inDoubt := recipientsOf(before)
	if inDoubt && a.t.o.Warn != nil {
		a.t.o.Warn("a run that was cut off may have delivered " + nameOf(e) + ": it is delivered again")
	}
	to := slices.DeleteFunc(slices.Clone(a.t.o.To), func(r string) bool { return slices.Contains(have, r) })
	out := &protocols.Message{From: a.from(m), To: to, Size: m.size, AsIs: true}
	handed := false
	goes := func() error {
		handed = true
		a.ledger.Add(key, textOf(have, away))
		return a.write()
	}
	out.Body = m.reader(goes)
	if a.t.o.Early {
		if err := goes(); err != nil {
			return err
		}
		out.Body = m.content()
	}
	receipt, err := a.t.sender.Send(ctx, out)
	switch {
	case err == nil:
		a.ledger.Add(key, done)
		return nil
	case ctx.Err() != nil: // if it is on its way the ledger says so
		return err
	case handed && lost(err):
		return inDoubtError(err)
	}
	if protocols.KindOf(err) == protocols.KindPartial {
		have = append(have, accepted(receipt)...)
	}
	a.ledger.Add(key, textOf(have, ""))
	return refusal(err)
}

func accepted(r *protocols.Receipt) (list []string) {
	for _, r := range r.Recipients {
		if r.Accepted {
			list = append(list, r.Address)
		}
	}
	return list
}

// from returns the envelope sender of a message.
func (a *archive) from(m *spooled) string {
	if a.t.o.Sender {
		return a.t.o.From
	}
	return m.returnPath()
}

// recipientsOf reads what the ledger says.
func recipientsOf(text string) (have []string, inDoubt bool) {
	rest, inDoubt := strings.CutSuffix(text, away)
	for r := range strings.SplitSeq(rest, ",") {
		if r != "" {
			have = append(have, r)
		}
	}
	return have, inDoubt
}

func textOf(have []string, what string) string {
	text := ""
	for _, r := range have {
		text += r + ","
	}
	return text + what
}

func nameOf(e *protocols.Entry) string {
	if e == nil {
		return "a message"
	}
	return e.URL
}

// write brings what was noted into the file: whoever kills the program does not take it back.
func (a *archive) write() error {
	d := file.None
	if a.o.Each {
		d = file.Each
	}
	return a.ledger.Sync(d)
}

// Flush forces what was noted to the disk: each message is delivered when Add returns.
func (a *archive) Flush(context.Context) error {
	if a.ledger == nil || a.o.NoSync {
		return nil
	}
	return a.ledger.Sync(file.Group)
}

// Keys returns the messages that were delivered by runs that did not come to their end.
func (a *archive) Keys(context.Context) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		if a.ledger == nil {
			return
		}
		for key, what := range a.ledger.Each() {
			if what == done && !yield(protocols.Entry{ID: key.String(), Type: protocols.TypeMessage}, nil) {
				return
			}
		}
	}
}

// SetFlags does nothing: what was delivered is out of reach.
func (a *archive) SetFlags(context.Context, string, []string) error { return nil }

// Delete fails: what was delivered is out of reach.
func (a *archive) Delete(context.Context, []string) error {
	return protocols.Unsupported("", "sync", "what was delivered cannot be deleted")
}

// Close frees the ledger.
func (a *archive) Close() error {
	if a.ledger == nil {
		return nil
	}
	return a.ledger.Close()
}
