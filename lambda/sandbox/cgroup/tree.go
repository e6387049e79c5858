//go:build linux

// Package cgroup keeps control groups of Linux, versions 1 and 2: a Tree with a Group for each sandbox.
// In come Limits; out come a group's paths, for processes to join it, and what it used.
//
// It writes the kernel's files itself. opencontainers/cgroups 0.1.0 needs 2-5 ms for a group, 0.22 ms
// for a freeze and a thaw, and 0.9 ms to tell the peak of memory, as measured beside this on one
// machine: more than a warm invocation takes. It also pulls in a D-Bus client and a BPF loader.
package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Tree is the place of one host's groups in the machine's hierarchies.
type Tree struct {
	dialect dialect
	dirs    map[string]string // by controller, "" for the core of version 2
	reasons map[string]string // why a controller is missing
	home    *home
}

// Open makes a tree of a name, which no other may use at the same time. There is always one: what it
// lacks, and why, Missing tells.
func Open(name string) *Tree {
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return absent("the mounts cannot be read: " + err.Error())
	}
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return absent("the kernel has no control groups")
	}
	return open(name, parseMounts(mountinfo), ownPath(self))
}

func open(name string, m mounts, own string) *Tree {
	if m.unified != "" && (len(m.v1) == 0 || useful(m.unified)) {
		return openV2(name, m.unified, own)
	}
	return openV1(name, m.v1)
}

func absent(reason string) *Tree {
	t := &Tree{reasons: map[string]string{}}
	for _, c := range v1.controllers {
		t.reasons[c] = reason
	}
	return t
}

// openV1 makes a folder of the name at the root of each controller's hierarchy.
func openV1(name string, hierarchies map[string]string) *Tree {
	t := absent("no control groups are mounted")
	t.dialect, t.dirs = v1, map[string]string{}
	for _, c := range v1.controllers {
		root, ok := hierarchies[c]
		if !ok {
			t.reasons[c] = "the controller " + c + " is not mounted"
			continue
		}
		dir := filepath.Join(root, name)
		if err := mkdir(dir); err != nil {
			t.reasons[c] = err.Error()
			continue
		}
		t.dirs[c] = dir
		delete(t.reasons, c)
	}
	return t
}

// openV2 makes a folder of the name in the process's own group, or else in the nearest above it in
// which the kernel lets it hand out controllers.
func openV2(name, root, own string) *Tree {
	why := "no group here may be divided"
	for path := filepath.Clean("/" + own); ; path = filepath.Dir(path) {
		t, err := openV2At(name, filepath.Join(root, path), filepath.Clean("/"+own) == path)
		if err == nil {
			return t
		}
		if why = err.Error(); path == "/" {
			return absent(why + "; docs/sandbox.md tells how to delegate one")
		}
	}
}

func openV2At(name, parent string, own bool) (*Tree, error) {
	has := controllersOf(parent, "cgroup.controllers")
	if !slices.ContainsFunc(v2.controllers, func(c string) bool { return slices.Contains(has, c) }) {
		return nil, fmt.Errorf("%s has none of the controllers %v", parent, v2.controllers)
	}
	dir := filepath.Join(parent, name)
	if err := mkdir(dir); err != nil {
		return nil, err
	}
	t := &Tree{dialect: v2, dirs: map[string]string{"": dir}, reasons: map[string]string{}}
	if err := t.enable(parent, own, has); err != nil {
		os.Remove(dir)
		return nil, err
	}
	for _, c := range v2.controllers {
		if slices.Contains(controllersOf(dir, "cgroup.subtree_control"), c) {
			t.dirs[c] = dir
		} else {
			t.reasons[c] = "the controller " + c + " is not delegated to " + parent
		}
	}
	t.dirs["cpuacct"], t.dirs["freezer"] = dir, dir // parts of the core
	return t, nil
}

// enable hands the controllers down to the groups in the tree. The kernel does so only in groups
// without processes: from its own, Assay moves aside.
func (t *Tree) enable(parent string, own bool, has []string) error {
	err := handDown(parent, has)
	if errors.Is(err, unix.EBUSY) && own {
		if t.home, err = moveAside(parent, t.dirs[""]+".host"); err == nil {
			if err = handDown(parent, has); err != nil {
				t.home.back()
			}
		}
	}
	if err != nil {
		return err
	}
	return handDown(t.dirs[""], has)
}

// handDown enables those of the controllers that are there and not enabled yet.
func handDown(dir string, has []string) error {
	enabled := controllersOf(dir, "cgroup.subtree_control")
	for _, c := range v2.controllers {
		if slices.Contains(has, c) && !slices.Contains(enabled, c) {
			if err := write(filepath.Join(dir, "cgroup.subtree_control"), "+"+c); err != nil {
				return err
			}
		}
	}
	return nil
}

// home is where the process was before it moved aside.
type home struct{ dir, aside string }

func moveAside(dir, aside string) (*home, error) {
	if err := mkdir(aside); err != nil {
		return nil, err
	}
	h := &home{dir, aside}
	if err := write(filepath.Join(aside, "cgroup.procs"), "0"); err != nil {
		os.Remove(aside)
		return nil, err
	}
	return h, nil
}

func (h *home) back() error {
	return errors.Join(write(filepath.Join(h.dir, "cgroup.procs"), "0"), os.Remove(h.aside))
}

// Missing tells why a controller ("memory", "cpu", "pids", "freezer") is not there, or "" if it is.
func (t *Tree) Missing(controller string) string { return t.reasons[controller] }

// Dirs are the tree's folders, for a later Sweep if this process is killed.
func (t *Tree) Dirs() []string {
	var all []string
	for _, dir := range t.dirs {
		if !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	if t.home != nil {
		all = append(all, t.home.aside)
	}
	slices.Sort(all)
	return all
}

// Groups are the folders of the groups in the tree, whoever made them.
func (t *Tree) Groups() []string {
	var all []string
	for _, dir := range t.dirs {
		for _, group := range below(dir) {
			if group != dir && !slices.Contains(all, group) {
				all = append(all, group)
			}
		}
	}
	return all
}

// Close removes the tree, in which no group may be left.
func (t *Tree) Close() error {
	var errs []error
	for _, dir := range t.Dirs() {
		if t.home == nil || dir != t.home.aside {
			errs = append(errs, remove(dir))
		}
	}
	if t.home != nil {
		for _, c := range v2.controllers { // or nobody may live there
			write(filepath.Join(t.home.dir, "cgroup.subtree_control"), "-"+c)
		}
		errs = append(errs, t.home.back())
	}
	return errors.Join(errs...)
}

// Sweep ends all processes in folders that a Tree's Dirs told, and removes them with all below.
func Sweep(dirs []string) error {
	var groups []string
	for _, dir := range dirs {
		groups = append(groups, below(dir)...)
	}
	for _, group := range groups {
		write(filepath.Join(group, v1.freeze.name), v1.thawed) // the frozen of version 1 cannot die
	}
	var errs []error
	for _, group := range groups {
		kill(group)
		errs = append(errs, remove(group))
	}
	return errors.Join(errs...)
}

// SweepDead removes other trees whose owner has been killed, as their names tell. Version 1 keeps frozen
// processes alive that have been sent SIGKILL, as theirs are when their owner dies: they are let go.
func (t *Tree) SweepDead(abandoned func(name string) bool) {
	own := t.dirs["freezer"]
	if t.dialect.kill != "" || own == "" {
		return // version 2 lets them die
	}
	trees, _ := filepath.Glob(filepath.Join(filepath.Dir(own), "*"))
	for _, tree := range trees {
		if !abandoned(filepath.Base(tree)) {
			continue
		}
		if groups := below(tree); slices.ContainsFunc(groups, doomed) {
			for _, group := range groups {
				write(filepath.Join(group, v1.freeze.name), v1.thawed)
			}
			for _, dir := range t.dirs {
				for _, group := range below(filepath.Join(filepath.Dir(dir), filepath.Base(tree))) {
					remove(group) // the kernel refuses if somebody lives there
				}
			}
		}
	}
}

// doomed tells whether a process in a folder has been sent SIGKILL and cannot die of it.
func doomed(dir string) bool {
	return slices.ContainsFunc(processes(dir), func(pid int) bool {
		status, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
		_, rest, _ := bytes.Cut(status, []byte("\nShdPnd:"))
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		pending, _ := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 64)
		return pending&(1<<(unix.SIGKILL-1)) != 0
	})
}

// below lists a folder and all folders in it, the innermost first.
func below(dir string) []string {
	var all []string
	filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			all = append(all, path)
		}
		return nil // what has gone meanwhile needs no removing
	})
	slices.Reverse(all)
	return all
}

func mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making a control group: %w", err)
	}
	return nil
}

// remove removes a folder. The kernel refuses for as long as processes that were killed are on their way
// out.
func remove(dir string) error {
	for wait := time.Millisecond; ; wait *= 2 {
		err := unix.Rmdir(dir)
		switch {
		case err == nil || errors.Is(err, fs.ErrNotExist):
			return nil
		case !errors.Is(err, unix.EBUSY) || wait > time.Second:
			return fmt.Errorf("removing the control group %s: %w", dir, err)
		}
		time.Sleep(wait)
	}
}

func write(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func controllersOf(dir, file string) []string {
	text, _ := os.ReadFile(filepath.Join(dir, file)) // without the file there are none
	return strings.Fields(string(text))
}

func useful(root string) bool {
	has := controllersOf(root, "cgroup.controllers")
	return slices.Contains(has, "memory") || slices.Contains(has, "cpu") || slices.Contains(has, "pids")
}
