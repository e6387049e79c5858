//go:build linux

package sandbox

import (
	"log/slog"
	"testing"
)

func TestEnforcedIsTold(t *testing.T) {
	for _, opts := range []Options{{}, {NoGroups: true}, {NoSpaces: true}, {NoGroups: true, NoSpaces: true}} {
		opts.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
		t.Logf("%+v", host(t, opts).Enforced())
	}
}
