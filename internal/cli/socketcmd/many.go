package socketcmd

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

const (
	brokerPiece    = 16 << 10 // bytes that are passed on at once
	brokerQueue    = 64       // pieces that wait for a peer
	brokerPatience = 2 * time.Second
	appendLine     = 64 << 10 // of a longer line, pieces of so many bytes are written
)

// broker is `listen --broker`: what one peer sends goes to all others.
type broker struct {
	mu    sync.Mutex
	peers map[*socket.Peer]chan []byte
}

// serve has a peer in the round until it ends its stream.
func (b *broker) serve(_ context.Context, p *socket.Peer) error {
	queue := make(chan []byte, brokerQueue)
	b.mu.Lock()
	b.peers[p] = queue
	b.mu.Unlock()
	written := make(chan struct{})
	go func() {
		defer close(written)
		for piece := range queue {
			if _, err := p.Write(piece); err != nil {
				p.Close()
				for range queue { // until the peer is out of the round
				}
			}
		}
	}()
	err := b.read(p)
	b.mu.Lock()
	delete(b.peers, p)
	close(queue)
	b.mu.Unlock()
	<-written
	return err
}

func (b *broker) read(p *socket.Peer) error {
	buf := make([]byte, brokerPiece)
	for {
		n, err := p.Read(buf)
		if n > 0 {
			b.pass(p, bytes.Clone(buf[:n]))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// pass queues a piece for all but one. All wait for the slowest, but a peer that reads
// nothing for a while is dropped: it must not stop the others for good.
func (b *broker) pass(from *socket.Peer, piece []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p, queue := range b.peers {
		if p == from {
			continue
		}
		select {
		case queue <- piece:
			continue
		default:
		}
		t := time.NewTimer(brokerPatience)
		select {
		case queue <- piece:
		case <-t.C:
			p.Close()
		}
		t.Stop()
	}
}

// appender is `listen --append`: what all peers send goes to the end of one file, in whole
// lines. stop ends the server when the file takes no more.
type appender struct {
	f    *os.File
	stop context.CancelCauseFunc
	mu   sync.Mutex
}

func openAppender(name string, stop context.CancelCauseFunc) (*appender, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	return &appender{f: f, stop: stop}, err
}

func (a *appender) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, err := a.f.Write(p)
	if err != nil {
		err = &protocols.Error{Kind: protocols.KindLocal, Text: show.Safe(a.f.Name()) + " cannot be written", Err: err}
		a.stop(err)
	}
	return n, err
}

func (a *appender) serve(_ context.Context, p *socket.Peer) error {
	lines := bufio.NewReaderSize(p, appendLine)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			if _, werr := a.Write(line); werr != nil {
				return werr
			}
		}
		switch err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}
