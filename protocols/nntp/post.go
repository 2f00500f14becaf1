package nntp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Send posts an article (POST, RFC 3977 6.3.1). Line ends become CRLF and dots
// are stuffed. The article's header names its groups; From and To of the
// message are ignored. Errors after the final dot are not retryable: the server may
// have accepted the article.
func (c *Client) Send(ctx context.Context, m *protocols.Message) (*protocols.Receipt, error) {
	receipt := &protocols.Receipt{}
	err := c.do(ctx, "post", "", append([]string{m.From}, m.To...), func(ctx context.Context, s *session) error {
		if _, err := s.need(ctx, []int{340}, "POST"); err != nil {
			return err
		}
		r, err := poster{s}.send(m.Body, receipt)
		if err != nil {
			return err
		}
		if id := idIn(r.Text()); id != "" && r.Code == 240 {
			receipt.MessageID = id // some servers change it
		}
		return unrepeatable(want(r, 240))
	})
	if err != nil {
		return nil, err
	}
	return receipt, nil
}

// unrepeatable marks an error as not retryable: the server has seen the article.
func unrepeatable(err error) error {
	if e, ok := err.(*protocols.Error); ok {
		e.Retryable = false
	}
	return err
}

// poster sends articles.
type poster struct{ *session }

// send sends an article and reads the reply. If reading the article fails, it closes
// the connection without the final dot, so that the server discards the article.
func (p poster) send(r io.Reader, receipt *protocols.Receipt) (*protocols.Reply, error) {
	in := &headerWatch{r: r, spoke: p.spoke}
	p.Expect(1)
	if err := p.content(in); err != nil {
		return nil, err
	}
	reply, err := p.Reply()
	if err != nil {
		return nil, &protocols.Error{Kind: protocols.KindOf(err), Text: "no reply after the article; the server may have accepted it", Err: err}
	}
	receipt.Reply, receipt.Bytes, receipt.MessageID = *reply, in.n, in.id()
	return reply, nil
}

// content is write for an article that the server waits for.
func (p poster) content(r *headerWatch) error {
	if p.spoke() {
		return p.early()
	}
	return p.write(r)
}

// write sends the article, dot-stuffed, up to the final dot.
func (p poster) write(r *headerWatch) error {
	w := wire.NewDotWriter(p.Out, wire.Normalize)
	if _, err := w.ReadFrom(r); err != nil {
		if r.err == errSpoke {
			return p.early()
		}
		p.Fail(err)
		return notNet(err, r)
	}
	if err := w.Close(); err != nil {
		return p.Fail(err)
	}
	if err := p.Flush(); err != nil {
		return err
	}
	transport.Sent(p.Conn, r.n)
	return nil
}

// errSpoke ends the content of an article that the server has answered already.
var errSpoke = errors.New("reply before the end of the article")

// spoke reports whether a reply has arrived.
func (p poster) spoke() bool {
	if p.In.Buffered() == 0 && !p.deflated {
		_, _ = p.Conn.Now(p.In.Fill)
	}
	return p.In.Buffered() > 0
}

// early ends the session after a reply that came before the end of the article: the
// server may take the rest of the content for commands.
func (p poster) early() error {
	p.Expect(1)
	r, err := p.Reply()
	if err != nil {
		return err
	}
	no := refusal(r)
	if r.Code < 400 {
		no.Text = "reply before the end of the article: " + r.Text()
	}
	no.Retryable = false
	return p.Fail(no)
}

// notNet marks an error of the article's own reader as local.
func notNet(err error, r *headerWatch) error {
	if r.err != nil {
		return &protocols.Error{Kind: protocols.KindOf(localOr(err)), Text: "cannot read the article", Err: err}
	}
	return err
}

func localOr(err error) error {
	if protocols.KindOf(err) == protocols.KindInternal {
		return &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	return err
}

// mostHeader is the number of bytes of an article searched for its message-id.
const mostHeader = 64 << 10

// headerWatch counts what is read and keeps the beginning.
type headerWatch struct {
	r    io.Reader
	n    int64
	head []byte
	err  error
	// spoke, if set, reports whether the server has answered: then no more is read.
	spoke func() bool
	since int // bytes since it was asked
}

// spokeEvery is the number of bytes of an article after which a reply is looked for.
const spokeEvery = 32 << 10

func (h *headerWatch) Read(p []byte) (int, error) {
	if h.since >= spokeEvery && h.spoke != nil {
		if h.since = 0; h.spoke() {
			h.err = errSpoke
			return 0, errSpoke
		}
	}
	n, err := h.r.Read(p)
	h.n += int64(n)
	h.since += n
	if room := mostHeader - len(h.head); room > 0 {
		h.head = append(h.head, p[:min(n, room)]...)
	}
	if err != io.EOF {
		h.err = err
	}
	return n, err
}

// id returns the article's message-id, or an empty string.
func (h *headerWatch) id() string {
	for line := range bytes.Lines(h.head) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte{':'})
		if ok && strings.EqualFold(string(name), "message-id") {
			return strings.TrimSpace(string(value))
		}
	}
	return ""
}

// idIn finds a message-id in a reply's text.
func idIn(text string) string {
	i := strings.IndexByte(text, '<')
	j := strings.IndexByte(text, '>')
	if i < 0 || j < i || checkID(text[i:j+1]) != nil {
		return ""
	}
	return text[i : j+1]
}

// IHave offers an article to a peer and sends it if the peer wants it (IHAVE, RFC
// 3977 6.3.2). If it does not, the error matches fs.ErrExist.
func (c *Client) IHave(ctx context.Context, id string, r io.Reader) (*protocols.Receipt, error) {
	receipt := &protocols.Receipt{}
	err := c.do(ctx, "ihave", "", []string{id}, func(ctx context.Context, s *session) error {
		if err := checkID(id); err != nil {
			return err
		}
		if _, err := s.need(ctx, []int{335}, "IHAVE", id); err != nil {
			return err
		}
		reply, err := poster{s}.send(r, receipt)
		if err != nil {
			return err
		}
		return want(reply, 235)
	})
	if err != nil {
		return nil, err
	}
	receipt.MessageID = id
	return receipt, nil
}
