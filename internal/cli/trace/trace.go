// Package trace writes what goes over the wire: as text, as JSON lines, or as a
// page with a sequence diagram.
package trace

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// tracer writes events in one form. Calls come one at a time.
type tracer interface {
	event(protocols.Event) error
	finish() error
}

// traceForms are the forms of a trace file by its extension.
var traceForms = map[string]func(ctx context.Context, path string) (tracer, error){
	".jsonl":  openTraceJSON,
	".ndjson": openTraceJSON,
	".html":   openTraceHTML,
	".htm":    openTraceHTML,
}

// Open makes the sink of --trace: "-" is text on stderr, a FILE is text,
// FILE.jsonl one JSON object a line, FILE.html a page. Files are readable by
// their owner only. The sink may be called from many goroutines, and does
// nothing after closeFn, which may be called twice; closeFn returns the first
// error that a write had.
func Open(ctx context.Context, spec string, stderr io.Writer, paint show.Painter) (sink func(protocols.Event), closeFn func() error, err error) {
	t, err := openTracer(ctx, spec, stderr, paint)
	if err != nil {
		return nil, nil, err
	}
	s := &traceSink{to: t}
	return s.event, s.close, nil
}

func openTracer(ctx context.Context, spec string, stderr io.Writer, paint show.Painter) (tracer, error) {
	if spec == "-" {
		return &traceText{w: stderr, paint: paint}, nil
	}
	if open := traceForms[strings.ToLower(filepath.Ext(spec))]; open != nil {
		return open(ctx, spec)
	}
	return openTraceText(ctx, spec)
}

// traceSink keeps events one after the other, and the first error.
type traceSink struct {
	mu     sync.Mutex
	to     tracer
	err    error
	closed bool
}

func (s *traceSink) event(e protocols.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && !s.closed {
		s.err = s.to.event(e)
	}
}

func (s *traceSink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.err
	}
	s.closed = true
	if err := s.to.finish(); s.err == nil {
		s.err = err
	}
	return s.err
}

// createTrace makes a file that only its owner can read, an old one too.
func createTrace(ctx context.Context, path string) (*os.File, error) {
	f, err := file.Open(ctx, path, file.RulePrivate, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		err = f.Chmod(0o600)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Outward reports whether a data event moved content to the server.
func Outward(e protocols.Event) bool { return outward(e) }

// outward reports whether a data event moved content to the server.
func outward(e protocols.Event) bool {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(e.Text)), " ")
	return outwardWords[strings.TrimRight(word, ":,")]
}

var outwardWords = map[string]bool{
	"sent": true, "send": true, "out": true, "up": true, "upload": true, "uploaded": true, "write": true,
	"written": true, "wrote": true, "put": true, ">": true, "to": true,
}
