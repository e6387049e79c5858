package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// peakMemory is the kernel's peak of the group without what is not memory on AWS: cached files of disks,
// and files in /tmp. The kernel tells the peak of everything together, and these only as they are now;
// so the result is right if they only grow, as they do below the limit. Reading them takes 30 µs, which
// is spared while the peak is what it was.
func (s *Sandbox) peakMemory() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw := s.group.Peak()
	if full := int64(s.config.MemoryMB) << 20; raw == s.raw && (full == 0 || raw < full-full/64) {
		return s.peak
	}
	m := s.group.Memory()
	s.raw = m.Peak
	s.peak = max(s.peak, m.Peak-m.Cache-s.tmpSize())
	return s.peak
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

// peakMemory is the largest resident memory of the process so far, in bytes: VmHWM of proc(5). It is 0
// once the process has ended. (The rusage of a finished process cannot serve: it contains the memory of
// the process that started it.)
func (p *Process) peakMemory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0
	}
	return peak(status)
}

// peak finds "VmHWM:	   12345 kB" in a status file.
func peak(status []byte) int64 {
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ := bytes.Cut(rest, []byte("kB"))
	kb, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}
