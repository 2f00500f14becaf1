package tracecmd

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/trace"
	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/internal/pattern"
	"github.com/netclients/netclients/protocols"
)

// player plays one recorded dialogue to one client.
type player struct {
	s     *replay
	n     int // of the client's connection
	d     *trace.Dialogue
	local net.Addr

	conn  net.Conn
	in    *bufio.Reader
	rules framing
	next  int // index of the exchange that is expected

	tag, as string // of the recorded command, and of the client's
	request request

	passive net.Listener // for the data connection; nil: none
	active  string       // where the client waits for it
	data    net.Conn
}

// Bounds of what a client may send.
const (
	maxCommand  = 64 << 10
	waitForData = 30 * time.Second
)

// errOver ends a dialogue as it was recorded.
var errOver = errors.New("end of the recording")

func (p *player) run(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	defer p.endData()
	p.conn, p.in = c, bufio.NewReaderSize(c, maxCommand)
	p.rules = framingOf(cmp.Or(p.d.Protocol, guess(p.d)))
	if err := p.exchange(p.d.Exchanges[0]); err != nil {
		return
	}
	p.next = 1
	for {
		line, err := p.readLine()
		if err != nil {
			return
		}
		x := p.find(line)
		if x == nil {
			return
		}
		if err := p.answer(x, line); err != nil {
			return
		}
	}
}

func (p *player) readLine() (string, error) {
	line, err := p.in.ReadSlice('\n')
	return strings.TrimRight(string(line), "\r\n"), err
}

// find returns the exchange that answers a command: the next one, or else the next one
// with that command, one before, or one with the same verb. Nil ends the connection.
func (p *player) find(line string) *trace.Exchange {
	list := p.d.Exchanges
	is := func(x *trace.Exchange) bool { return x.Sent() && x.Is(line) }
	verb := func(x *trace.Exchange) bool { return x.Sent() && x.Verb() == trace.VerbOf(line) }
	if p.next < len(list) && is(list[p.next]) {
		p.next++
		return list[p.next-1]
	}
	want, shown := "", mask.CommandOf(line).Shown
	if p.next < len(list) {
		want = list[p.next].Command
	}
	if p.s.strict {
		p.s.stray(strayJSON{Conn: p.n, Stray: "other", Want: cmp.Or(want, "the end"), Got: shown})
		return nil
	}
	if i := slices.IndexFunc(list[p.next:], is); i >= 0 {
		for _, x := range list[p.next : p.next+i] {
			p.s.stray(strayJSON{Conn: p.n, Stray: "skipped", Want: x.Command})
		}
		p.next += i + 1
		return list[p.next-1]
	}
	for _, look := range []struct {
		list []*trace.Exchange
		fits func(*trace.Exchange) bool
		word string
		on   bool
	}{{list[:p.next], is, "repeated", false}, {list[p.next:], verb, "other", true}, {list[:p.next], verb, "other", false}} {
		if i := slices.IndexFunc(look.list, look.fits); i >= 0 {
			x := look.list[i]
			p.s.stray(strayJSON{Conn: p.n, Stray: look.word, Want: x.Command, Got: shown})
			if look.on {
				p.next += i + 1
			}
			return x
		}
	}
	p.s.stray(strayJSON{Conn: p.n, Stray: "unknown", Want: want, Got: shown})
	return &trace.Exchange{Command: line, Events: []protocols.Event{{Kind: protocols.EventRecv, Text: p.rules.unknownTo(line)}}}
}

// answer reads what belongs to a command and says what was said to it.
func (p *player) answer(x *trace.Exchange, line string) error {
	p.tag, p.as = firstWord(x.Command), firstWord(line)
	if p.rules.active != nil {
		if m := p.rules.active.FindStringSubmatch(line); m != nil {
			p.active = activeAddress(m)
		}
	}
	p.request = request{line: line}
	if p.rules.head {
		if err := p.request.read(p.in); err != nil {
			return err
		}
	}
	return p.exchange(x)
}

// exchange plays the events of an exchange.
func (p *player) exchange(x *trace.Exchange) error {
	for i, ev := range x.Events {
		if ev.Channel == "data" {
			if err := p.dataEvent(ev); err != nil {
				return err
			}
			continue
		}
		if err := p.event(x, i, ev); err != nil {
			if err == errOver && ev.Kind == protocols.EventClose {
				err = cmp.Or(p.endAnswer(x), err)
			}
			return err
		}
	}
	return p.endAnswer(x)
}

// endAnswer writes what stands after an answer and is not a line of it.
func (p *player) endAnswer(x *trace.Exchange) error {
	if p.rules.endOf == nil || !x.Sent() {
		return nil
	}
	return p.rules.endOf(p, x)
}

func (p *player) event(x *trace.Exchange, i int, ev protocols.Event) error {
	switch ev.Kind {
	case protocols.EventRecv:
		return p.say(x, i, ev.Text)
	case protocols.EventData:
		if trace.Outward(ev) {
			return p.take(x)
		}
		return p.rules.body(p, ev)
	case protocols.EventTLS:
		return p.handshake(&p.conn)
	case protocols.EventError:
		if strings.Contains(ev.Text, "time") { // the server had nothing more to say
			_, _ = io.Copy(io.Discard, p.in)
		}
		return errOver
	case protocols.EventClose:
		if x == p.d.Exchanges[len(p.d.Exchanges)-1] { // else the client has closed it
			return errOver
		}
	}
	return nil
}

// say writes a line, with the ports and the tag of this connection.
func (p *player) say(x *trace.Exchange, i int, text string) error {
	if p.tag != "" && strings.HasPrefix(text, p.tag+" ") {
		text = p.as + text[len(p.tag):]
	}
	if p.rules.passive != nil && p.rules.passive.MatchString(text) {
		var err error
		if text, err = p.listenFor(text); err != nil {
			return err
		}
	}
	_, err := io.WriteString(p.conn, p.rules.line(p, x, i, text))
	return err
}

// take reads content that the client sends on this connection.
func (p *player) take(x *trace.Exchange) error {
	if n, ok := announced(p.request.line); ok {
		_, err := io.CopyN(io.Discard, p.in, n)
		return err
	}
	if p.rules.head {
		return nil // read with the request
	}
	for start := true; ; {
		line, err := p.in.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		if start && strings.TrimRight(string(line), "\r\n") == "." {
			return nil
		}
		start = err == nil
	}
}

// announcement is a size that a command says: of BDAT, and of a literal.
var announcement = pattern.Lazy{Text: `(?i)^BDAT (\d+)|\{(\d+)\+?\}$`}

func announced(line string) (int64, bool) {
	m := announcement.Re().FindStringSubmatch(line)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(cmp.Or(m[1], m[2]), 10, 64)
	return n, err == nil
}

func firstWord(line string) string {
	word, _, _ := strings.Cut(line, " ")
	return word
}

func (p *player) handshake(c *net.Conn) error {
	conf, err := p.s.tls()
	if err != nil {
		return err
	}
	t := tls.Server(*c, conf)
	if err := t.Handshake(); err != nil {
		return err
	}
	if *c = t; c == &p.conn {
		p.in = bufio.NewReaderSize(t, maxCommand)
	}
	return nil
}

// listenFor opens the port of a data connection and puts it into the answer.
func (p *player) listenFor(text string) (string, error) {
	p.endData()
	host, _, _ := net.SplitHostPort(p.local.String())
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	p.passive = l
	port := l.Addr().(*net.TCPAddr).Port
	if m := p.rules.passive.FindStringSubmatchIndex(text); m[2] >= 0 {
		return text[:m[2]] + fmt.Sprint(port) + text[m[3]:], nil
	}
	at := strings.ReplaceAll(host, ".", ",") + fmt.Sprintf(",%d,%d", port>>8, port&0xff)
	return p.rules.passive.ReplaceAllString(text, at), nil
}

// dataEvent plays what went over a data connection.
func (p *player) dataEvent(ev protocols.Event) error {
	switch ev.Kind {
	case protocols.EventTLS, protocols.EventData, protocols.EventClose:
	case protocols.EventError:
		p.endData()
		return nil
	default:
		return nil
	}
	if err := p.openData(); err != nil {
		return err
	}
	switch {
	case ev.Kind == protocols.EventTLS:
		return p.handshake(&p.data)
	case ev.Kind == protocols.EventClose:
		p.endData()
		return nil
	case trace.Outward(ev):
		_, err := io.Copy(io.Discard, p.data)
		return err
	}
	return fill(p.data, ev)
}

// openData waits for the client's data connection, or opens one to where it waits.
func (p *player) openData() error {
	var err error
	switch {
	case p.data != nil:
	case p.passive != nil:
		if l, ok := p.passive.(*net.TCPListener); ok {
			err = l.SetDeadline(time.Now().Add(waitForData))
		}
		if err == nil {
			p.data, err = p.passive.Accept()
		}
	case p.active != "":
		p.data, err = net.DialTimeout("tcp", p.active, waitForData)
	default:
		err = errors.New("no data connection")
	}
	return err
}

func (p *player) endData() {
	if p.data != nil {
		p.data.Close()
	}
	if p.passive != nil {
		p.passive.Close()
	}
	p.data, p.passive, p.active = nil, nil, ""
}
