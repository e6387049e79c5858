//go:build !amd64 && !arm64

package loader

func program() []byte { return nil }
