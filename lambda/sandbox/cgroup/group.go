//go:build linux

package cgroup

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Group is one group of processes. Limits that its tree has no controller for are not kept.
type Group struct {
	dialect dialect
	name    string
	dirs    map[string]string
	share   share

	freezer, quota, peak, events, usage *os.File // nil without the controller
}

// New makes a group with no processes. CPU is not limited before Throttle.
func (t *Tree) New(name string, limits Limits) (*Group, error) {
	g := &Group{dialect: t.dialect, name: name, dirs: map[string]string{}}
	for controller, dir := range t.dirs {
		g.dirs[controller] = filepath.Join(dir, name)
		if err := mkdir(g.dirs[controller]); err != nil {
			g.Remove()
			return nil, err
		}
	}
	if err := errors.Join(g.limit(limits), g.open()); err != nil {
		g.Remove()
		return nil, fmt.Errorf("setting up a control group: %w", err)
	}
	return g, nil
}

func (g *Group) limit(l Limits) error {
	var errs []error
	if l.Memory > 0 {
		errs = append(errs, g.SetMemory(l.Memory))
	}
	if l.Pids > 0 {
		errs = append(errs, g.write(g.dialect.pids, strconv.Itoa(l.Pids)))
	}
	if l.CPU > 0 {
		g.share = shareOf(l.CPU)
		errs = append(errs, g.write(g.dialect.period, micros(g.share.period)))
	}
	return errors.Join(errs...)
}

// SetMemory changes the limit. Where the kernel counts swap, none is left.
func (g *Group) SetMemory(limit int64) error {
	text := strconv.FormatInt(limit, 10)
	swap := text // version 1 counts memory and swap together
	if g.dialect.kill != "" {
		swap = "0"
	}
	for range 2 { // version 1 wants swap to be raised first, and lowered last
		g.write(g.dialect.swap, swap) // a kernel without swap has no such file
		if err := g.write(g.dialect.memory, text); err != nil {
			continue
		}
		g.write(g.dialect.swap, swap)
		return nil
	}
	return g.write(g.dialect.memory, text)
}

// open opens the files that are used at every invocation.
func (g *Group) open() error {
	var errs [5]error
	g.freezer, errs[0] = g.file(g.dialect.freeze, os.O_WRONLY)
	g.quota, errs[1] = g.file(g.dialect.quota, os.O_WRONLY)
	g.peak, errs[2] = g.file(g.dialect.peak, os.O_RDWR)
	if errors.Is(errs[2], os.ErrPermission) { // memory.peak cannot be reset before Linux 6.12
		g.peak, errs[2] = g.file(g.dialect.peak, os.O_RDONLY)
	}
	if errors.Is(errs[2], os.ErrNotExist) { // nor be read before 5.19
		errs[2] = nil
	}
	g.events, errs[3] = g.file(g.dialect.events, os.O_RDONLY)
	g.usage, errs[4] = g.file(g.dialect.usage, os.O_RDONLY)
	return errors.Join(errs[:]...)
}

// now reads a file that is open; it is nil, or has less than a page.
func now(f *os.File) []byte {
	if f == nil {
		return nil
	}
	text := make([]byte, 1<<10)
	n, _ := f.ReadAt(text, 0) // what cannot be read says nothing
	return text[:n]
}

// file opens one of the group's files, or returns nil if it has not got the controller.
func (g *Group) file(f file, mode int) (*os.File, error) {
	dir, ok := g.dirs[f.controller]
	if !ok || f.name == "" {
		return nil, nil
	}
	return os.OpenFile(filepath.Join(dir, f.name), mode, 0)
}

func (g *Group) write(f file, text string) error {
	dir, ok := g.dirs[f.controller]
	if !ok || f.name == "" {
		return nil
	}
	return write(filepath.Join(dir, f.name), text)
}

func (g *Group) read(f file) []byte {
	dir, ok := g.dirs[f.controller]
	if !ok {
		return nil
	}
	text, _ := os.ReadFile(filepath.Join(dir, f.name)) // what cannot be read says nothing
	return text
}

// Tasks are the files to which a process writes "0" to join the group. For itself alone, a process
// waits for no other.
func (g *Group) Tasks() []string {
	if g.dialect.kill != "" {
		return nil // version 2: started in Dir
	}
	var all []string
	for _, dir := range g.dirs {
		all = append(all, filepath.Join(dir, "tasks"))
	}
	return all
}

// Dir opens the folder in which processes of version 2 are started (CLONE_INTO_CGROUP); nil otherwise.
func (g *Group) Dir() (*os.File, error) {
	if g.dialect.kill == "" {
		return nil, nil
	}
	return os.Open(g.dirs[""])
}

// Throttle puts the CPU limit into force, or out of it.
func (g *Group) Throttle(on bool) error {
	if g.quota == nil || g.share.quota == 0 {
		return nil
	}
	text := g.dialect.noLimit(g.share)
	if on {
		text = g.dialect.limit(g.share)
	}
	_, err := g.quota.WriteString(text)
	return err
}

// Freeze stops all processes, or lets them go on. It does not wait until the last one has stopped.
func (g *Group) Freeze(on bool) error {
	if g.freezer == nil {
		return nil
	}
	text := g.dialect.thawed
	if on {
		text = g.dialect.frozen
	}
	_, err := g.freezer.WriteString(text)
	return err
}

// Memory is what a group has used of memory, in bytes.
type Memory struct {
	Peak  int64 // the most at once, of everything
	Cache int64 // now, of files on disks: the kernel would give it back
	Shmem int64 // now, of files in memory and memory that processes share
}

// Peak is the most memory that the group used at once, files included, since ResetPeak; 0 if unknown.
func (g *Group) Peak() int64 {
	return number(now(g.peak))
}

// Memory tells the peak, and what of the present use is files.
func (g *Group) Memory() Memory {
	stat := g.read(g.dialect.stat)
	shmem := field(stat, g.dialect.shmem)
	return Memory{Peak: g.Peak(), Cache: field(stat, g.dialect.cache) - shmem, Shmem: shmem}
}

// ResetPeak begins a new peak, where the kernel can.
func (g *Group) ResetPeak() {
	if g.peak != nil {
		g.peak.WriteString("0")
	}
}

// CPU is the time that the group's processes ran.
func (g *Group) CPU() time.Duration {
	text := now(g.usage)
	if name := g.dialect.usageOf; name != "" {
		return time.Duration(field(text, name)) * g.dialect.usageUnit
	}
	return time.Duration(number(text)) * g.dialect.usageUnit
}

// OOMKills counts the processes that were killed because the group was at its limit.
func (g *Group) OOMKills() int { return int(field(now(g.events), "oom_kill")) }

// Kill ends all processes, which must not be frozen, and those that they start meanwhile.
func (g *Group) Kill() {
	if dir := cmp.Or(g.dirs["pids"], g.dirs["freezer"], g.dirs["memory"]); dir != "" {
		kill(dir)
	}
}

// Remove removes the group, whose processes must have ended.
func (g *Group) Remove() error {
	for _, f := range []*os.File{g.freezer, g.quota, g.peak, g.events, g.usage} {
		if f != nil {
			f.Close()
		}
	}
	var errs []error
	for _, dir := range g.dirs {
		errs = append(errs, remove(dir))
	}
	return errors.Join(errs...)
}

// kill ends the processes in a folder, for as long as there are any to end.
func kill(dir string) {
	if write(filepath.Join(dir, v2.kill), "1") == nil {
		return
	}
	for range 1000 {
		pids := processes(dir)
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			unix.Kill(pid, unix.SIGKILL) // it may have gone
		}
		time.Sleep(time.Millisecond)
	}
}

// processes lists those in a folder that have not ended.
func processes(dir string) []int {
	text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	var all []int
	for line := range bytes.Lines(text) {
		if pid := number(line); pid > 0 {
			all = append(all, int(pid))
		}
	}
	return slices.DeleteFunc(all, func(pid int) bool { return pid == os.Getpid() })
}

// field finds "name 123" at the start of a line.
func field(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name+" ")); ok {
			return number(rest)
		}
	}
	return 0
}

func number(text []byte) int64 {
	n, _ := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64) // 0 stands for unknown
	return n
}
