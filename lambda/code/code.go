// Package code keeps functions' code by content: zips come in, folders to run from go out. A zip is
// stored once and unpacked once, whoever uses it; nothing in a zip can reach out of its folder.
package code

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// AWS's limits, in bytes.
const (
	MaxZip      = 50 << 20  // of a zip in a request
	MaxUnzipped = 250 << 20 // of a function's code and layers
)

// maxEntries bounds the files of one zip.
const maxEntries = 100_000

// Package is a zip that the store has.
type Package struct {
	Digest   string `json:"digest"`   // hex SHA-256 of the zip
	Size     int64  `json:"size"`     // bytes of the zip
	Unzipped int64  `json:"unzipped"` // bytes of its files
}

// SHA256 is the digest in AWS's form, CodeSha256.
func SHA256(digest string) string {
	sum, _ := hex.DecodeString(digest) // ours
	return base64.StdEncoding.EncodeToString(sum)
}

// BadZipError says why a zip cannot be used.
type BadZipError struct{ Why string }

func (e *BadZipError) Error() string { return "the zip cannot be used: " + e.Why }

func bad(format string, args ...any) error { return &BadZipError{fmt.Sprintf(format, args...)} }

// ErrTooLarge is that of a zip with more than MaxUnzipped in it.
var ErrTooLarge = errors.New("unzipped size must be smaller than 262144000 bytes")

// Store keeps zips in zips/DIGEST.zip, and what is in them in code/DIGEST/. Zips are what counts: they
// are on the disk before Put returns, while folders are made from them again after the machine has
// restarted. It is safe for concurrent use.
type Store struct {
	dir string

	hold sync.RWMutex // held for reading while code is stored that nothing refers to yet

	mu        sync.Mutex
	unpacking map[string]*sync.Mutex // by digest
}

// Open opens the store in a folder and makes it if need be.
func Open(dir string) (*Store, error) {
	for _, sub := range []string{"zips", "code", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	s := &Store{dir: dir, unpacking: map[string]*sync.Mutex{}}
	return s, errors.Join(empty(s.path("tmp")), s.distrust())
}

func (s *Store) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// distrust drops the folders if the machine has started anew since they were made: what a crash left in
// them is not known.
func (s *Store) distrust() error {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil // it cannot be told
	}
	known, err := os.ReadFile(s.path("boot"))
	if err == nil && string(known) == string(boot) {
		return nil
	}
	if err := s.dropUnpacked(); err != nil {
		return err
	}
	return os.WriteFile(s.path("boot"), boot, 0o644)
}

// dropUnpacked removes the folders that have a zip to be made from.
func (s *Store) dropUnpacked() error {
	entries, err := os.ReadDir(s.path("code"))
	for _, entry := range entries {
		if s.Has(entry.Name()) {
			err = errors.Join(err, os.RemoveAll(s.path("code", entry.Name())))
		}
	}
	return err
}

func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
	}
	return err
}

// Hold keeps Sweep from removing anything until release is called: between Put and the moment when
// something that lasts refers to the code.
func (s *Store) Hold() (release func()) {
	s.hold.RLock()
	return s.hold.RUnlock
}

// Put stores a zip of at most limit bytes, unpacks it, and says what it is. It fails with a
// *BadZipError, ErrTooLarge, or an error of the disk. The caller holds the store.
func (s *Store) Put(ctx context.Context, zip io.Reader, limit int64) (Package, error) {
	tmp, err := os.CreateTemp(s.path("tmp"), "zip-")
	if err != nil {
		return Package{}, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(tmp, sum), io.LimitReader(zip, limit+1))
	switch {
	case err != nil:
		return Package{}, err
	case size > limit:
		return Package{}, bad("it has more than %d bytes", limit)
	}
	p := Package{Digest: hex.EncodeToString(sum.Sum(nil)), Size: size}
	if p.Unzipped, err = s.unpack(ctx, tmp, p); err != nil || s.Has(p.Digest) {
		return p, err
	}
	return p, s.keep(tmp, p.Digest)
}

// keep brings a zip to the disk for good.
func (s *Store) keep(tmp *os.File, digest string) error {
	if err := errors.Join(tmp.Chmod(0o644), tmp.Sync(), os.Rename(tmp.Name(), s.zip(digest))); err != nil {
		return err
	}
	return SyncDir(s.path("zips"))
}

// SyncDir makes the names in a folder last.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func (s *Store) zip(digest string) string { return s.path("zips", digest+".zip") }

// Has tells whether there is a zip.
func (s *Store) Has(digest string) bool { return exists(s.zip(digest)) }

// Zip opens a zip for reading.
func (s *Store) Zip(digest string) (*os.File, error) { return os.Open(s.zip(digest)) }

// Folder is where a zip is unpacked, if need be anew.
func (s *Store) Folder(ctx context.Context, digest string) (string, error) {
	dir := s.path("code", digest)
	if exists(dir) {
		return dir, nil
	}
	f, err := s.Zip(digest)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	_, err = s.unpack(ctx, f, Package{Digest: digest, Size: info.Size()})
	return dir, err
}

// unpack makes the folder of a zip, unless it is there, and returns the bytes of its files. One at a
// time unpacks the same zip.
func (s *Store) unpack(ctx context.Context, zip *os.File, p Package) (int64, error) {
	lock := s.lock(p.Digest)
	lock.Lock()
	defer lock.Unlock()
	a, err := open(zip, p.Size)
	if err != nil {
		return 0, err
	}
	dir := s.path("code", p.Digest)
	if exists(dir) {
		return a.size, nil
	}
	tmp, err := os.MkdirTemp(s.path("tmp"), "code-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	if err := a.unpack(ctx, tmp); err != nil {
		return 0, err
	}
	return a.size, errors.Join(os.Chmod(tmp, 0o755), os.Rename(tmp, dir))
}

func (s *Store) lock(digest string) *sync.Mutex {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unpacking[digest] == nil {
		s.unpacking[digest] = &sync.Mutex{}
	}
	return s.unpacking[digest]
}

// Sweep removes the code that is not used: used has the digests of zips. While somebody holds the store
// it does nothing; whoever does sweeps again.
func (s *Store) Sweep(used func() map[string]bool) error {
	if !s.hold.TryLock() {
		return nil
	}
	defer s.hold.Unlock()
	inUse := used()
	var failed error
	for _, sub := range []string{"zips", "code"} {
		entries, err := os.ReadDir(s.path(sub))
		failed = errors.Join(failed, err)
		for _, entry := range entries {
			if digest := strings.TrimSuffix(entry.Name(), ".zip"); !inUse[digest] {
				failed = errors.Join(failed, os.RemoveAll(s.path(sub, entry.Name())))
				s.forget(digest)
			}
		}
	}
	return failed
}

func (s *Store) forget(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.unpacking, digest)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// ZipPath is where a zip is, for reading.
func (s *Store) ZipPath(digest string) string { return s.zip(digest) }
