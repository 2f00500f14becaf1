package telnet

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// How long Probe listens: for the first data, and for more after data or a
// command has come.
const (
	probeFirst = 2 * time.Second
	probeMore  = 300 * time.Millisecond
)

// Probe connects, answers the negotiation that the server begins with, and takes
// its first text as the banner. The capabilities are the options that were
// talked about, each with the words that went to and fro.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.ProbeGate(ctx, c.url, &c.gate, c.probe)
	return r, c.wrap(err, "probe")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	words := &dialogue{said: map[byte][]string{}}
	probe := &Client{Settings: c.Settings, url: c.url, scheme: c.scheme, opts: c.opts, limits: c.limits, dialer: c.dialer}
	user := c.Settings.Observe
	probe.Settings.Observe = func(v Event) {
		words.add(v)
		if user != nil {
			user(v)
		}
	}
	conn, err := probe.open(ctx, func(release func()) func() { return release })
	if err != nil {
		return err
	}
	defer conn.Close()
	r.Address, r.Phase = conn.RemoteAddr().String(), "greeting"
	start := time.Now()
	text, err := conn.listen(words)
	r.Greeting = time.Since(start)
	conn.w.raw.Measure(r)
	r.Banner, r.Capabilities = expect.FirstLine(text), words.capabilities()
	return err
}

// maxBanner bounds what a probe reads.
const maxBanner = 16 << 10

// listen reads the server's first text, until it is quiet.
func (c *Conn) listen(words *dialogue) (text []byte, err error) {
	buf := make([]byte, 4<<10)
	end := time.Now().Add(probeFirst)
	for len(text) < maxBanner && time.Now().Before(end) {
		before := words.count()
		wait := min(time.Until(end), probeMore)
		if len(text) == 0 && before == 0 {
			wait = time.Until(end)
		}
		c.SetReadDeadline(time.Now().Add(max(wait, time.Millisecond)))
		n, err := c.Read(buf)
		text = append(text, buf[:n]...)
		if _, ours := errors.AsType[*protocols.Error](err); ours || err != nil && !expect.IsTimeout(err) && len(text) == 0 && words.count() == 0 {
			return text, err
		}
		if err != nil && words.count() == before {
			break
		}
	}
	return text, nil
}

// dialogue collects the words of a negotiation by option. It is bounded, as the
// server may say what it likes.
type dialogue struct {
	mu    sync.Mutex
	said  map[byte][]string
	total int
}

const maxWords = 50 // of one option

func (d *dialogue) add(v Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total++
	if v.Command < SB || v.Command == IAC || len(d.said[v.Option]) >= maxWords {
		return
	}
	from, words, _ := strings.Cut(v.String(), " ")
	words = strings.Replace(words, " "+OptionName(v.Option), "", 1)
	d.said[v.Option] = append(d.said[v.Option], from+" "+words)
}

func (d *dialogue) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.total
}

func (d *dialogue) capabilities() []protocols.Capability {
	d.mu.Lock()
	defer d.mu.Unlock()
	options := make([]byte, 0, len(d.said))
	for o := range d.said {
		options = append(options, o)
	}
	slices.Sort(options)
	var out []protocols.Capability
	for _, o := range options {
		out = append(out, protocols.Capability{Name: OptionName(o), Params: d.said[o]})
	}
	return out
}
