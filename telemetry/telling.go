package telemetry

import (
	"context"
	"log/slog"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// telling says when a receiver takes no spans, and when it does again, instead of every time.
type telling struct {
	sdk.SpanExporter
	log  *slog.Logger
	down bool // the batcher exports from one goroutine
}

// ExportSpans implements sdk.SpanExporter.
func (t *telling) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := t.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !t.down:
		t.log.Warn("traces are lost: the receiver does not take them", "error", err)
	case err == nil && t.down:
		t.log.Info("the receiver takes traces again")
	}
	t.down = err != nil
	return nil // told
}
