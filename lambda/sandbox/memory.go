//go:build linux

package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// peakMemory is the most memory that the processes used, as a machine of their own would count it: the
// kernel's peak of the group without cached files and what is in /tmp, which is on a disk on AWS, and
// with the program files that a process has mapped. (The kernel charges those to whichever group read
// them first.) The peak is of everything together, files are known only as they are now; so the result
// is right if they only grow, as they do below the limit. Reading them takes some 50 µs, which is spared
// while the peak is what it was.
func (s *Sandbox) peakMemory() int64 {
	raw := s.group.Peak()
	if peak, known := s.known(raw); known {
		return peak
	}
	mapped, m := s.mapped(), s.group.Memory()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw = m.Peak
	s.peak = max(s.peak, m.Peak-m.Cache-s.tmpSize()+mapped)
	return s.peak
}

// known tells whether the peak has been worked out for a raw one. At the limit that says nothing: the
// kernel takes cached files back to make room.
func (s *Sandbox) known(raw int64) (peak int64, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := int64(s.config.MemoryMB) << 20
	return s.peak, raw == s.raw && (full == 0 || raw < full-full/64)
}

// mapped is the most that one of the processes has mapped of files, in bytes.
func (s *Sandbox) mapped() (most int64) {
	for _, p := range s.alive() {
		most = max(most, p.status("RssFile"))
	}
	return most
}

// ResetPeak begins a new measurement of the peak, where the kernel can.
func (s *Sandbox) ResetPeak() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peak, s.raw = 0, 0
	if s.group != nil {
		s.group.ResetPeak()
	}
}

// tmpSize is what is in /tmp, in bytes.
func (s *Sandbox) tmpSize() int64 {
	if s.tmpfs == nil {
		return 0 // it is on a disk
	}
	var stat unix.Statfs_t
	if err := unix.Fstatfs(int(s.tmpfs.Fd()), &stat); err != nil {
		return 0
	}
	return int64(stat.Blocks-stat.Bfree) * stat.Bsize
}

// makeRoom raises the memory limit by what is in /tmp, which lies in memory here and on a disk on AWS.
func (s *Sandbox) makeRoom() {
	if s.group == nil || s.config.MemoryMB == 0 || s.tmpfs == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if used := s.tmpSize(); used != s.tmpUsed && s.group.SetMemory(int64(s.config.MemoryMB)<<20+used) == nil {
		s.tmpUsed = used
	}
}

// sumPeaks stands in where no group counts: the sum of the largest resident memory of each process that
// Assay started. Memory of their children does not count.
func (s *Sandbox) sumPeaks() int64 {
	var sum int64
	for _, p := range s.alive() {
		sum += p.peakMemory()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peak = max(s.peak, sum)
	return s.peak
}

// peakMemory is the largest resident memory of the process so far, in bytes. It is 0 once the process
// has ended. (The rusage of a finished process cannot serve: it contains the memory of the process that
// started it.)
func (p *Process) peakMemory() int64 { return p.status("VmHWM") }

// status reads a size from proc(5)'s status file, in bytes; 0 if there is none.
func (p *Process) status(name string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0
	}
	return size(text, name)
}

// size finds "VmHWM:	   12345 kB" in a status file.
func size(status []byte, name string) int64 {
	_, rest, _ := bytes.Cut(status, []byte("\n"+name+":"))
	line, _, _ := bytes.Cut(rest, []byte("kB"))
	kb, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}
