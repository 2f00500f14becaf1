package outside

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/netclients/netclients/protocols"
)

// Spans returns a function for protocols.Options.Observe that makes a span of each
// operation: "ftp get", with the server, the name and the kind of a failure.
func Spans(t trace.Tracer) func(ctx context.Context, op protocols.Op) (context.Context, func(error)) {
	return func(ctx context.Context, op protocols.Op) (context.Context, func(error)) {
		ctx, span := t.Start(ctx, op.Protocol+" "+op.Verb, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("network.protocol.name", op.Protocol),
			attribute.String("server.address", op.Host),
			attribute.String("netclients.name", op.Name),
		))
		return ctx, func(err error) {
			if err != nil {
				span.SetStatus(codes.Error, err.Error())
				span.SetAttributes(attribute.String("error.type", protocols.KindOf(err).String()))
			}
			span.End()
		}
	}
}
