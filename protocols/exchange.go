package protocols

import (
	"context"
	"io"
	"sync"
)

// Message is something that is routed by what its envelope says.
type Message struct {
	From string   // envelope sender; empty is the null sender
	To   []string // envelope recipients, or newsgroups
	Body io.Reader
	Size int64 // bytes of Body; 0 or SizeUnknown when not known
	AsIs bool  // the message exists already: a header that is not ASCII goes out as it is
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

// Sender hands a message to a router: SMTP, LMTP, NNTP POST. The receipt is never nil,
// also with an error: it says what is known.
type Sender interface {
	Send(ctx context.Context, m *Message) (*Receipt, error)
}

// Deliverer is a [Sender] that says so when it has taken over a message (RFC 5321 section
// 4.2.5): after a nil error of Send the caller may delete its own copy.
type Deliverer interface {
	Sender
	Delivers()
}

// Send hands m to a client that is a [Sender]. The receipt is never nil.
func Send(ctx context.Context, c Client, m *Message) (r *Receipt, err error) {
	s, err := need[Sender](c, "send")
	if err == nil && m == nil {
		err = UsageError("", "send", "there is no message")
	}
	if err == nil {
		err = during(ctx, c, "send", "", func(ctx context.Context) error {
			r, err = s.Send(ctx, m)
			return err
		})
	}
	if r == nil {
		r = &Receipt{}
	}
	return r, err
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
	of, done, is, err := around(ctx, c, "talk", "")
	if err != nil {
		return nil, err
	}
	if !is {
		return t.Talk(ctx)
	}
	s, err := t.Talk(of)
	if err != nil {
		done(err)
		return nil, err
	}
	return &aroundStream{s, &aroundBody{inner: s, done: sync.OnceFunc(func() { done(nil) })}}, nil
}

// aroundStream is an open stream whose operation has something around it. Unwrap
// returns the stream itself.
type aroundStream struct {
	io.ReadWriteCloser
	body *aroundBody
}

func (s *aroundStream) Close() error { return s.body.Close() }

// Unwrap returns the stream of the adapter.
func (s *aroundStream) Unwrap() io.ReadWriteCloser { return s.ReadWriteCloser }

// Doer sends one command as it is, after login, and returns the reply. A reply
// that refuses is not an error here: the caller checks its code.
type Doer interface {
	Do(ctx context.Context, command string) (*Reply, error)
}

// Do sends one raw command with a client that is a [Doer].
func Do(ctx context.Context, c Client, command string) (r *Reply, err error) {
	d, err := need[Doer](c, "raw")
	if err != nil {
		return nil, err
	}
	err = during(ctx, c, "raw", "", func(ctx context.Context) error { // a command may hold a secret: it is not a name
		r, err = d.Do(ctx, command)
		return err
	})
	return r, err
}

// Classifier is a [Doer] with a table of what replies mean.
type Classifier interface {
	// ReplyError returns the error that a reply stands for, or nil where it
	// refuses nothing.
	ReplyError(r *Reply) error
}

// ReplyError returns the error that a reply of a client's server stands for, nil for
// one that is a success or goes on: by the client's own table where it is a
// [Classifier], else by the first digit of the code, as most protocols have it.
func ReplyError(c any, r *Reply) error {
	own, ok := c.(Classifier)
	if client, is := c.(Client); is && !ok {
		own, ok = As[Classifier](client)
	}
	if ok {
		return own.ReplyError(r)
	}
	e := &Error{Kind: KindRefused, Code: r.Code, Enhanced: r.Enhanced, Text: r.Text()}
	switch {
	case r.Code >= 400 && r.Code < 500:
		e.Kind, e.Retryable = KindTemporary, true
	case r.Code >= 500, r.Word == "NO", r.Word == "BAD", r.Word == "-ERR":
	default:
		return nil
	}
	return e
}

// Reply is a server's answer to one command.
type Reply struct {
	Code     int      // numeric reply code; 0 where the protocol has none
	Word     string   // status word where it has no number: "+OK", "NO"
	Enhanced string   // enhanced status code, RFC 3463, or response code
	Lines    []string // text of each line, without code and line end
}

// Text returns the first line, or the last of many when the first is empty.
func (r *Reply) Text() string {
	for _, l := range r.Lines {
		if l != "" {
			return l
		}
	}
	return ""
}
