//go:build linux && !amd64 && !arm64

package loader

func program() []byte { return nil }
