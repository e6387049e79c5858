//go:build linux && (amd64 || arm64)

package loader

import (
	"bytes"
	"unsafe"
)

func code()
func codeAddress() uintptr

var _ = code // read, and never called

// program returns the loader's machine code, as the assembler made it from code_*.s.
func program() []byte {
	const limit = 1 << 10 // it has some 200 bytes; Go's own code follows
	address := codeAddress()
	text := unsafe.Slice(*(**byte)(unsafe.Pointer(&address)), limit)
	return bytes.Clone(text[:bytes.Index(text, []byte("Assayend"))])
}
