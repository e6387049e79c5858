//go:build linux

package sandbox

import (
	"errors"
	"syscall"
	"testing"
)

// TestAPortInUseHarmsNothing: the port of the process before is, for a moment, still held.
func TestAPortInUseHarmsNothing(t *testing.T) {
	s := box(t, host(t, Options{}), Config{})
	if !s.ownNetwork() {
		t.Skip("sandboxes have no network of their own here")
	}
	first, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("with the port in use: %v", err)
	}
	first.Close()
	again, err := s.Listen()
	if err != nil {
		t.Fatalf("with the port free again: %v", err)
	}
	again.Close()
}
