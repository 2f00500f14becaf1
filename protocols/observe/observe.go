// Package observe connects the hooks of [protocols.Options] with package log/slog.
// For spans and metrics of OpenTelemetry see the folder examples/outside.
//
// The package implements no RFC.
package observe

import (
	"context"
	"log/slog"
	"time"

	"github.com/netclients/netclients/protocols"
)

// SlogTrace returns a function for Options.Trace that writes each step of a
// conversation as a record of level Debug, warnings as Warn. Secrets are masked before
// it sees them; text from servers is written as the logger's handler quotes it. A nil
// logger is the default one.
func SlogTrace(l *slog.Logger) func(protocols.Event) {
	if l == nil {
		l = slog.Default()
	}
	return func(e protocols.Event) {
		level := slog.LevelDebug
		if e.Kind == protocols.EventWarning {
			level = slog.LevelWarn
		}
		ctx := context.Background() // an event has none
		if !l.Enabled(ctx, level) {
			return
		}
		l.LogAttrs(ctx, level, string(e.Kind), traceAttrs(e)...)
	}
}

// traceAttrs are the attributes that an event has.
func traceAttrs(e protocols.Event) []slog.Attr {
	all := []slog.Attr{slog.String("protocol", e.Protocol)}
	if e.Host != "" {
		all = append(all, slog.String("host", e.Host))
	}
	if e.Conn != 0 {
		all = append(all, slog.Int64("conn", e.Conn))
	}
	if e.Channel != "" {
		all = append(all, slog.String("channel", e.Channel))
	}
	if e.Text != "" {
		all = append(all, slog.String("text", e.Text))
	}
	if e.Bytes != 0 {
		all = append(all, slog.Int64("bytes", e.Bytes))
	}
	if e.Took != 0 {
		all = append(all, slog.Duration("took", e.Took))
	}
	return all
}

// Slog returns a function for Options.Observe that writes each operation when it is
// over: level Info, or Error with the kind of the failure. A nil logger is the default
// one.
func Slog(l *slog.Logger) func(ctx context.Context, op protocols.Op) (context.Context, func(error)) {
	if l == nil {
		l = slog.Default()
	}
	return func(ctx context.Context, op protocols.Op) (context.Context, func(error)) {
		start := time.Now()
		return ctx, func(err error) {
			level := slog.LevelInfo
			all := []slog.Attr{
				slog.String("protocol", op.Protocol), slog.String("host", op.Host), slog.String("name", op.Name), slog.Duration("took", time.Since(start)),
			}
			if err != nil {
				level = slog.LevelError
				all = append(all, slog.String("kind", protocols.KindOf(err).String()), slog.Any("error", err))
			}
			l.LogAttrs(ctx, level, op.Verb, all...)
		}
	}
}
