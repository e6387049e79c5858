// Package tree takes snapshots of a project's folder. In comes a folder, out goes a Snapshot: the files
// that its tests may need, each with the hash of its content; and from two of them what differs, as a
// zip. Version control, caches, virtual environments, and what .gitignore and .assayignore name are left
// out. What has not changed by size, time and number on the disk is not read again.
package tree

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/ignore"
)

// Entry is a file, or a symbolic link to one.
type Entry struct {
	Hash string `json:"hash"` // SHA-256 in hex, of the content, or of a link's target
	Size int64  `json:"size"`
	Mode uint32 `json:"mode"` // permission bits that matter: 0644 or 0755
	Link string `json:"link,omitempty"`

	// At is where it is on this machine; "" for below the folder.
	At string `json:"-"`

	// By these a file is known to be the one that was read before.
	Time  int64  `json:"time"`
	Inode uint64 `json:"inode"`
}

// Snapshot is the files of a folder at one time.
type Snapshot struct {
	Dir     string           `json:"-"`
	Files   map[string]Entry `json:"files"` // by slash-separated name
	LeftOut []string         `json:"-"`     // by ignore files, or as links that lead out, for when a test misses one
	Modules []Modules        `json:"modules,omitempty"`
}

// Take reads a folder. Earlier is a snapshot of it whose hashes may be used again; nil for none. An error
// with CodeInvalid names the file that cannot be read.
func Take(ctx context.Context, dir string, earlier *Snapshot) (*Snapshot, error) {
	w := &walk{ctx: ctx, earlier: earlier, snapshot: &Snapshot{Dir: dir, Files: map[string]Entry{}}}
	if err := w.folder(".", nil); err != nil {
		return nil, err
	}
	return w.snapshot, nil
}

// Add puts files from elsewhere into a snapshot: places on this machine by slash-separated names.
func (s *Snapshot) Add(files map[string]string) error {
	for name, at := range files {
		info, err := os.Stat(at)
		if err != nil {
			return unreadable(at, err)
		}
		sum, err := hash(at)
		if err != nil {
			return unreadable(at, err)
		}
		s.Files[name] = Entry{Hash: sum, Size: info.Size(), Mode: 0o755, At: at}
	}
	return nil
}

// Root is the hash of names, modes and contents: snapshots with the same one are the same.
func (s *Snapshot) Root() string {
	h := sha256.New()
	for _, name := range s.Names() {
		e := s.Files[name]
		json.NewEncoder(h).Encode([]any{name, e.Mode, e.Hash, e.Link != ""})
	}
	json.NewEncoder(h).Encode(s.Modules)
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// Names are those of all files, in order.
func (s *Snapshot) Names() []string {
	names := make([]string, 0, len(s.Files))
	for name := range s.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Size is that of all files, in bytes.
func (s *Snapshot) Size() (n int64) {
	for _, e := range s.Files {
		n += e.Size
	}
	return n
}

// Since lists what is new or changed against another snapshot, and what is gone.
func (s *Snapshot) Since(base *Snapshot) (changed, gone []string) {
	for _, name := range s.Names() {
		old, ok := base.Files[name]
		if now := s.Files[name]; !ok || old.Hash != now.Hash || old.Mode != now.Mode || (old.Link != "") != (now.Link != "") {
			changed = append(changed, name)
		}
	}
	for _, name := range base.Names() {
		if _, ok := s.Files[name]; !ok {
			gone = append(gone, name)
		}
	}
	return changed, gone
}

// Save keeps a snapshot in a file; Load reads it, and returns nil if there is none that can be read.
func (s *Snapshot) Save(file string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".snapshot-")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(data)
	if err = errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}

// Load reads what Save kept.
func Load(file string) *Snapshot {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var s Snapshot
	if json.Unmarshal(data, &s) != nil || s.Files == nil {
		return nil // it was cut short: as good as none
	}
	return &s
}

type walk struct {
	ctx      context.Context
	earlier  *Snapshot
	snapshot *Snapshot
}

func (w *walk) folder(dir string, rules []ignore.Rule) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	at := filepath.Join(w.snapshot.Dir, filepath.FromSlash(dir))
	entries, err := os.ReadDir(at)
	if err != nil {
		return unreadable(at, err)
	}
	if dir != "." && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "pyvenv.cfg" }) {
		return nil // a virtual environment
	}
	rules = append(slices.Clip(rules), readRules(at, dir)...)
	for _, e := range entries {
		if err := w.entry(path.Join(dir, e.Name()), e, rules); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(name string, e fs.DirEntry, rules []ignore.Rule) error {
	if never(e.Name()) {
		return nil
	}
	if ignored(rules, name, e.IsDir()) {
		w.snapshot.LeftOut = append(w.snapshot.LeftOut, name)
		return nil
	}
	switch {
	case e.IsDir():
		if m, ok := w.modules(name); ok {
			w.snapshot.Modules = append(w.snapshot.Modules, m)
			return nil
		}
		return w.folder(name, rules)
	case e.Type() == fs.ModeSymlink:
		if m, ok := w.modules(name); ok { // of another folder that has them installed
			w.snapshot.Modules = append(w.snapshot.Modules, m)
			return nil
		}
		return w.link(name)
	case e.Type().IsRegular():
		return w.file(name, e)
	}
	return nil // sockets and the like
}

func (w *walk) link(name string) error {
	target, err := os.Readlink(filepath.Join(w.snapshot.Dir, name))
	if err != nil {
		return unreadable(name, err)
	}
	if !within(w.snapshot.Dir, filepath.Join(w.snapshot.Dir, name), target) { // there is nothing behind it elsewhere
		w.snapshot.LeftOut = append(w.snapshot.LeftOut, name)
		return nil
	}
	sum := sha256.Sum256([]byte(target))
	w.snapshot.Files[name] = Entry{Hash: hex.EncodeToString(sum[:]), Mode: 0o777, Link: target}
	return nil
}

func (w *walk) file(name string, e fs.DirEntry) error {
	at := filepath.Join(w.snapshot.Dir, filepath.FromSlash(name))
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has gone since the folder was read
	}
	if err != nil {
		return unreadable(at, err)
	}
	entry := Entry{Size: info.Size(), Mode: 0o644, Time: info.ModTime().UnixNano()}
	if info.Mode()&0o111 != 0 {
		entry.Mode = 0o755
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		entry.Inode = s.Ino
	}
	if old, ok := w.known(name, entry); ok {
		entry.Hash = old.Hash
	} else if entry.Hash, err = hash(at); err != nil {
		return unreadable(at, err)
	}
	w.snapshot.Files[name] = entry
	return nil
}

// known finds the same file in the earlier snapshot.
func (w *walk) known(name string, now Entry) (Entry, bool) {
	if w.earlier == nil {
		return Entry{}, false
	}
	old, ok := w.earlier.Files[name]
	return old, ok && old.Link == "" && old.Size == now.Size && old.Time == now.Time && old.Inode == now.Inode
}

// Sum is the SHA-256 of a file's content.
func Sum(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

func hash(file string) (string, error) {
	sum, err := Sum(file)
	return hex.EncodeToString(sum), err
}

func unreadable(at string, err error) error {
	return &assay.Error{Code: assay.CodeInvalid, What: "the project cannot be read: " + err.Error(), Where: at, Hint: "name it in .assayignore if its tests do not need it", Err: err}
}
