package protocoltest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
)

// maxSessions bounds how often a client may connect anew to one player.
const maxSessions = 16

// Player is the server side of dialogues, in memory: its Dial goes into
// [protocols.Options]. The first session plays the first script, the next one the
// next, and the last script is played from then on. It works inside and outside
// of testing/synctest. Its owner closes it.
type Player struct {
	// Delivery says in what portions the client gets what the server says.
	Delivery Delivery
	// Loopback returns both ends addresses of 127.0.0.1, so that a client may listen
	// for the server to connect to it (D! dial), which then uses real sockets.
	Loopback bool
	// OnCancel is called at "S! cancel", a step that laws put in.
	OnCancel func()

	*switchboard
	scripts   []*Script
	address   string // of the control connection: that of the first dial
	sessions  []*session
	conns     []*conn // all server ends
	errs      []error
	done      int // server steps done in all sessions
	closed    bool
	running   sync.WaitGroup
	authority func() (*base.Authority, error)
}

// NewPlayer makes a player of one script or more.
func NewPlayer(scripts ...*Script) *Player {
	return &Player{switchboard: newSwitchboard(), scripts: scripts, authority: sync.OnceValues(base.NewAuthority)}
}

// Options returns options for a client that connects to the player: its Dial, and
// trust in the player's certificate, which is for localhost.
func (p *Player) Options() (*protocols.Options, error) {
	o := &protocols.Options{Dial: p.Dial}
	if !p.uses("starttls") {
		return o, nil
	}
	a, err := p.authority()
	if err != nil {
		return nil, err
	}
	o.TLS.Config = a.ClientConfig()
	return o, nil
}

func (p *Player) uses(directive string) bool {
	for _, s := range p.scripts {
		if s.has("S!", directive) || s.has("D!", directive) {
			return true
		}
	}
	return false
}

// Dial connects to the player. The first address that is dialed is that of the
// server; any other port is that of a data connection of the newest session.
func (p *Player) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.address == "" {
		p.address = address
	}
	control := address == p.address
	switch {
	case p.closed || control && len(p.sessions) == maxSessions:
		return nil, refusedDial(address)
	case !control && p.sessions[len(p.sessions)-1].refuses(address):
		return nil, refusedDial(address)
	}
	client, server := newPipe(p.switchboard, p.Delivery, p.addr("client"), p.addr(address))
	p.conns = append(p.conns, server)
	if !control {
		s := p.sessions[len(p.sessions)-1]
		s.dialed = append(s.dialed, dialed{address, server})
		p.cond.Broadcast()
		return client, nil
	}
	s := newSession(p, p.scripts[min(len(p.sessions), len(p.scripts)-1)], server)
	p.sessions = append(p.sessions, s)
	p.running.Go(s.run)
	return client, nil
}

func (p *Player) addr(name string) net.Addr {
	if p.Loopback {
		return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 21}
	}
	return pipeAddr(name)
}

func refusedDial(address string) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: pipeAddr(address), Err: syscall.ECONNREFUSED}
}

// Sessions counts the connections to the server so far.
func (p *Player) Sessions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions)
}

// Done counts the server's steps that have been played so far.
func (p *Player) Done() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// Written counts the bytes that the client's side has taken or that wait for it.
func (p *Player) Written() (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		n += c.out.total
	}
	return n
}

// Close ends all connections and waits for the player's goroutines. The error
// reports each difference between script and client: the line, what was wanted and
// what came.
func (p *Player) Close() error {
	p.mu.Lock()
	p.closed = true
	conns := p.conns
	p.cond.Broadcast()
	p.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
	p.running.Wait()
	return errors.Join(p.errs...)
}

func (p *Player) stepDone(st Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if st.Mark == "S:" || st.Mark == "D>" || st.Mark == "D!" && st.Text == "close" {
		p.done++
	}
}

// failed notes a difference, and breaks the session off, so that the client does
// not wait for what will not come.
func (p *Player) failed(s *session, st Step, got string) {
	p.mu.Lock()
	quiet := p.closed
	if !quiet {
		p.errs = append(p.errs, fmt.Errorf("%s:%d: want %s\n\tgot  %s", s.script.Name, st.Line, st, got))
	}
	p.mu.Unlock()
	if !quiet {
		s.gone((*conn).reset)
	}
}

// portOf returns the port of a dialed address.
func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return port
}

func hostPort(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
