package pack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Dir holds: zips/KEY.zip, the key standing for all that decides the contents; builds/KEY, what a folder
// was after its build command; locks/, whose turn it is; and tmp/, what is being made.

// What is kept: a zip that was used a moment ago may be about to be read; the others make room.
const (
	inUse    = time.Hour
	leftOver = 24 * time.Hour // in tmp, of processes that were killed
	outdated = 90 * 24 * time.Hour
)

// keep returns the zip of a key. Unless it is there, fill makes it, one maker at a time in all processes.
func (p *Packer) keep(ctx context.Context, key string, fill func(*os.File) error) (string, error) {
	file := filepath.Join(p.opts.Dir, "zips", key+".zip")
	if p.used(file) {
		return file, nil
	}
	end, err := p.turn(ctx, "zip", key)
	if err != nil {
		return "", err
	}
	defer end()
	if p.used(file) {
		return file, nil
	}
	if err := p.create(file, fill); err != nil {
		return "", err
	}
	return file, p.sweep()
}

// used notes that a file is used now, and tells whether it is there.
func (p *Packer) used(file string) bool {
	now := p.opts.Now()
	return os.Chtimes(file, now, now) == nil
}

// create makes a file that is there whole or not at all.
func (p *Packer) create(file string, fill func(*os.File) error) error {
	tmp, err := os.CreateTemp(filepath.Join(p.opts.Dir, "tmp"), "file")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := errors.Join(fill(tmp), tmp.Close()); err != nil {
		return err
	}
	p.used(tmp.Name())
	return os.Rename(tmp.Name(), file)
}

// turn waits until no other goroutine or process works on the key, and returns what ends the turn. The
// kernel ends it with the process. Keys share 256 locks: a turn of one kind is never taken within another
// of the same kind.
func (p *Packer) turn(ctx context.Context, kind, key string) (end func(), err error) {
	f, err := os.OpenFile(filepath.Join(p.opts.Dir, "locks", kind+"-"+key[:2]), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// keyOf makes a key of texts.
func keyOf(texts ...string) string {
	sum := sha256.New()
	for _, t := range texts {
		sum.Write([]byte(t))
		sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// sweep removes what processes left behind, and zips, the longest unused first, until the rest is within
// the bound. Others may sweep at the same time.
func (p *Packer) sweep() error {
	for dir, age := range map[string]time.Duration{"tmp": leftOver, "builds": outdated} {
		for _, f := range p.filesIn(dir) {
			if p.opts.Now().Sub(f.used) > age {
				os.RemoveAll(f.path)
			}
		}
	}
	zips := p.filesIn("zips")
	slices.SortFunc(zips, func(a, b kept) int { return a.used.Compare(b.used) })
	var size int64
	for _, z := range zips {
		size += z.size
	}
	for _, z := range zips {
		if size <= p.opts.MaxKept || p.opts.Now().Sub(z.used) < inUse {
			break
		}
		if err := os.Remove(z.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		size -= z.size
	}
	return nil
}

type kept struct {
	path string
	size int64
	used time.Time
}

func (p *Packer) filesIn(dir string) []kept {
	var all []kept
	list, _ := os.ReadDir(filepath.Join(p.opts.Dir, dir)) // what cannot be listed cannot be swept
	for _, d := range list {
		if info, err := d.Info(); err == nil {
			all = append(all, kept{filepath.Join(p.opts.Dir, dir, d.Name()), info.Size(), info.ModTime()})
		}
	}
	return all
}
