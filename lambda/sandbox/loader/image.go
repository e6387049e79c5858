//go:build linux

package loader

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Addresses in the loader's process. The assembly files have them too.
const (
	codeAt    = 0x400000
	scriptAt  = 0x600000
	maxScript = 0x40000 // bytes; a report of 16 bytes lies behind
	reportLen = 16
	page      = 0x10000 // the largest that a kernel of our architectures has
)

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// image makes the loader an executable: its code, and zeroed memory for a script.
func image(code []byte) []byte {
	const headers = 64 + 3*56
	var out bytes.Buffer
	binary.Write(&out, binary.LittleEndian, elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machines[runtime.GOARCH]), Version: uint32(elf.EV_CURRENT),
		Entry: codeAt + headers, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 3,
	})
	binary.Write(&out, binary.LittleEndian, []elf.Prog64{
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: codeAt, Filesz: uint64(headers + len(code)), Memsz: uint64(headers + len(code)), Align: page},
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Vaddr: scriptAt, Memsz: maxScript + reportLen, Align: page},
		{Type: uint32(elf.PT_GNU_STACK), Flags: uint32(elf.PF_R | elf.PF_W)},
	})
	out.Write(code)
	return out.Bytes()
}

// Loader is the program in memory, ready to be started.
type Loader struct{ file *os.File }

// Open makes the program. It fails on machines other than amd64 and arm64, AWS's two.
func Open() (*Loader, error) {
	code := program()
	if code == nil {
		return nil, fmt.Errorf("there is no loader for %s", runtime.GOARCH)
	}
	fd, err := unix.MemfdCreate("assay-loader", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3 all are executable
		fd, err = unix.MemfdCreate("assay-loader", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, fmt.Errorf("making the loader: %w", err)
	}
	file := os.NewFile(uintptr(fd), "assay-loader")
	defer file.Close()
	if _, err := file.Write(image(code)); err != nil {
		return nil, fmt.Errorf("making the loader: %w", err)
	}
	// Nobody may have it open for writing while it runs.
	again, err := os.Open("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return nil, fmt.Errorf("making the loader: %w", err)
	}
	defer again.Close()
	high, err := unix.FcntlInt(again.Fd(), unix.F_DUPFD_CLOEXEC, 64) // out of the way of what a child gets
	if err != nil {
		return nil, fmt.Errorf("making the loader: %w", err)
	}
	return &Loader{os.NewFile(uintptr(high), "assay-loader")}, nil
}

// Close forgets the program. Processes that run it go on.
func (l *Loader) Close() error { return l.file.Close() }

func (l *Loader) path() string { return "/proc/self/fd/" + strconv.Itoa(int(l.file.Fd())) }
