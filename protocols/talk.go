package protocols

import (
	"context"
	"io"
	"iter"
)

// Message is something that is routed by what its envelope says.
type Message struct {
	From string   // envelope sender; empty is the null sender
	To   []string // envelope recipients, or newsgroups
	Body io.Reader
	Size int64 // bytes of Body; 0 when not known
}

// Recipient is what a server said of one recipient.
type Recipient struct {
	Address  string `json:"address"`
	Accepted bool   `json:"accepted"`
	Code     int    `json:"code,omitempty"`
	Enhanced string `json:"enhanced,omitempty"`
	Text     string `json:"text,omitempty"`
}

// Receipt is what a server said of a message.
type Receipt struct {
	Reply      Reply
	MessageID  string
	Bytes      int64
	Recipients []Recipient
}

// Sender hands a message to a router: SMTP, LMTP, NNTP POST.
type Sender interface {
	Send(ctx context.Context, m *Message) (*Receipt, error)
}

// Send hands m to a client that is a [Sender].
func Send(ctx context.Context, c Client, m *Message) (*Receipt, error) {
	s, err := need[Sender](c, "send")
	if err != nil {
		return nil, err
	}
	return s.Send(ctx, m)
}

// Talker opens a two-way stream of bytes. The caller closes it.
type Talker interface {
	Talk(ctx context.Context) (io.ReadWriteCloser, error)
}

// Talk opens a stream with a client that is a [Talker].
func Talk(ctx context.Context, c Client) (io.ReadWriteCloser, error) {
	t, err := need[Talker](c, "talk")
	if err != nil {
		return nil, err
	}
	return t.Talk(ctx)
}

// Doer sends one command as it is, after login, and returns the reply. A reply
// that says no is no error here: the caller looks at its code.
type Doer interface {
	Do(ctx context.Context, command string) (*Reply, error)
}

// Do sends one raw command with a client that is a [Doer].
func Do(ctx context.Context, c Client, command string) (*Reply, error) {
	d, err := need[Doer](c, "raw")
	if err != nil {
		return nil, err
	}
	return d.Do(ctx, command)
}

// Searcher finds entries by a query in the protocol's own words.
type Searcher interface {
	Search(ctx context.Context, name, query string) iter.Seq2[Entry, error]
}

// Search searches name with a client that is a [Searcher].
func Search(ctx context.Context, c Client, name, query string) iter.Seq2[Entry, error] {
	s, err := need[Searcher](c, "search")
	if err != nil {
		return func(yield func(Entry, error) bool) { yield(Entry{}, err) }
	}
	return s.Search(ctx, name, query)
}

// Watcher reports new and changed entries until the context ends.
type Watcher interface {
	Watch(ctx context.Context, name string) iter.Seq2[Entry, error]
}

// Watch watches name with a client that is a [Watcher].
func Watch(ctx context.Context, c Client, name string) iter.Seq2[Entry, error] {
	w, err := need[Watcher](c, "watch")
	if err != nil {
		return func(yield func(Entry, error) bool) { yield(Entry{}, err) }
	}
	return w.Watch(ctx, name)
}
