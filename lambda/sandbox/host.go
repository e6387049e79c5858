//go:build linux

package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/sandbox/cgroup"
	"github.com/assaylab/assay/lambda/sandbox/loader"
)

// Host makes sandboxes on this machine.
type Host struct {
	dir      string
	enforced assay.Enforced
	groups   *cgroup.Tree
	loader   *loader.Loader
	starter  *starter
	null     *os.File
	view     view
	users    *users

	serial atomic.Int64
	mu     sync.Mutex
	boxes  map[*Sandbox]bool

	closing sync.Once
}

// Open finds out what this machine lets a sandbox enforce, and ends what an earlier Host left in Dir.
func Open(opts Options) (*Host, error) {
	if err := sweep(opts.Dir); err != nil {
		return nil, err
	}
	h := &Host{dir: opts.Dir, starter: newStarter(), boxes: map[*Sandbox]bool{}}
	if err := h.prepare(opts); err != nil {
		h.Close()
		return nil, err
	}
	if opts.Log != nil {
		for _, name := range slices.Sorted(keys(h.enforced.Reasons)) {
			opts.Log.Warn("sandboxes do not enforce "+name, "reason", h.enforced.Reasons[name])
		}
	}
	return h, nil
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func (h *Host) prepare(opts Options) (err error) {
	if h.null, err = os.Open(os.DevNull); err != nil {
		return err
	}
	if h.loader, err = loader.Open(); err != nil {
		return err
	}
	if !opts.NoGroups {
		h.groups = cgroup.Open(identity(opts.Dir) + "-" + strconv.Itoa(os.Getpid()))
		h.groups.SweepDead(abandoned)
		if err := cgroup.Sweep(h.groups.Groups()); err != nil {
			return err
		}
		if err := os.WriteFile(h.record(), []byte(strings.Join(h.groups.Dirs(), "\n")), 0o600); err != nil {
			return err
		}
	}
	h.enforced.Reasons = map[string]string{}
	h.noteGroups()
	h.noteSpaces(opts)
	return nil
}

const namePrefix = "assay-"

// identity begins the name of the control groups of a folder, so that two laboratories do not end each
// other's. The number of the process follows.
func identity(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return namePrefix + hex.EncodeToString(sum[:6])
}

// abandoned tells from the name of control groups whether they are a laboratory's whose process is gone.
func abandoned(name string) bool {
	owner, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	return strings.HasPrefix(name, namePrefix) && err == nil && errors.Is(unix.Kill(owner, 0), unix.ESRCH)
}

func (h *Host) record() string { return filepath.Join(h.dir, "groups") }

// sweep ends what a Host that was killed left, and makes its folder anew.
func sweep(dir string) error {
	if text, err := os.ReadFile(filepath.Join(dir, "groups")); err == nil {
		own := func(path string) bool { return !strings.Contains(filepath.Base(path), identity(dir)) }
		if err := cgroup.Sweep(slices.DeleteFunc(strings.Fields(string(text)), own)); err != nil {
			return err
		}
	}
	KillOrphans(dir)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(filepath.Join(dir, "root"), 0o700)); err != nil {
		return fmt.Errorf("preparing the sandboxes' folder: %w", err)
	}
	return nil
}

// noteGroups tells what control groups enforce.
func (h *Host) noteGroups() {
	for name, enforced := range map[string]*bool{"memory": &h.enforced.Memory, "cpu": &h.enforced.CPU, "pids": &h.enforced.Pids, "freeze": &h.enforced.Freeze} {
		why := "control groups are switched off"
		if h.groups != nil {
			why = h.groups.Missing(map[string]string{"freeze": "freezer"}[name])
			if name != "freeze" {
				why = h.groups.Missing(name)
			}
		}
		if *enforced = why == ""; !*enforced {
			h.enforced.Reasons[name] = why
		}
	}
}

// noteSpaces tries whether namespaces can be made, and tells what they enforce.
func (h *Host) noteSpaces(opts Options) {
	err := errors.New("namespaces are switched off")
	if !opts.NoSpaces {
		h.users = newUsers()
		if h.view, err = newView(); err == nil {
			h.enforced.Mounts, h.enforced.Network, h.enforced.User = true, true, true
			err = h.try()
		}
	}
	if err == nil {
		if !h.enforced.Freeze { // signals to a pid namespace miss no process of it
			h.enforced.Freeze = true
			delete(h.enforced.Reasons, "freeze")
		}
		return
	}
	h.enforced.Mounts, h.enforced.Network, h.enforced.User = false, false, false
	for _, name := range []string{"mounts", "network", "user"} {
		h.enforced.Reasons[name] = err.Error()
	}
}

// try makes a sandbox and runs nothing in it.
func (h *Host) try() error {
	s, err := h.New(Config{})
	if err != nil {
		return err
	}
	return s.Close()
}

// Enforced tells what the Host's sandboxes guarantee.
func (h *Host) Enforced() assay.Enforced { return h.enforced }

// Close ends the Host, and its sandboxes if some are left. It may be called again.
func (h *Host) Close() (err error) {
	h.closing.Do(func() { err = h.end() })
	return err
}

func (h *Host) end() error {
	var errs []error
	for _, s := range h.open() {
		errs = append(errs, s.Close())
	}
	h.starter.close()
	if h.groups != nil {
		errs = append(errs, h.groups.Close())
		os.Remove(h.record())
	}
	os.Remove(filepath.Join(h.dir, "root"))
	if h.loader != nil {
		h.loader.Close()
	}
	if h.null != nil {
		h.null.Close()
	}
	return errors.Join(errs...)
}

func (h *Host) open() []*Sandbox {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(func(yield func(*Sandbox) bool) {
		for s := range h.boxes {
			if !yield(s) {
				return
			}
		}
	})
}

// New makes a sandbox with no process in it.
func (h *Host) New(config Config) (*Sandbox, error) {
	s := &Sandbox{host: h, config: config.withDefaults(), name: strconv.FormatInt(h.serial.Add(1), 10), processes: map[*Process]bool{}}
	if err := s.make(); err != nil {
		s.Close()
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.boxes[s] = true
	return s, nil
}

func (h *Host) forget(s *Sandbox) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.boxes, s)
}

// starter starts processes. The kernel sends the death signal of a child when the *thread* that
// started it ends, so all are started from one thread, which lives as long as the starter.
type starter struct {
	jobs chan func()
	done chan struct{}
}

func newStarter() *starter {
	s := &starter{jobs: make(chan func()), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *starter) run() {
	defer close(s.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for job := range s.jobs {
		job()
	}
}

// start starts a child that waits for a script.
func (s *starter) start(l *loader.Loader, attr loader.Attr) (process *os.Process, conn *loader.Conn, err error) {
	done := make(chan struct{})
	s.jobs <- func() {
		defer close(done)
		process, conn, err = l.Start(attr)
	}
	<-done
	return process, conn, err
}

// close ends the thread. No call of start may be running.
func (s *starter) close() {
	close(s.jobs)
	<-s.done
}
