package async

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// maxFile is what a file queue holds before it is put aside, in bytes. One file is put aside; the one
// before it is overwritten.
const maxFile = 64 << 20

// Files are queues in a folder: NAME.jsonl has a message a line, the oldest first. Who takes messages
// renames the file and reads it; the next message begins a new one.
type Files struct {
	Dir string
	mu  sync.Mutex
}

// Append adds a message, which is JSON on one line. It is on the disk when Append returns.
func (f *Files) Append(name string, message []byte) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(f.Dir, name+".jsonl")
	if info, err := os.Stat(path); err == nil && info.Size() > maxFile {
		if err := os.Rename(path, filepath.Join(f.Dir, name+".old.jsonl")); err != nil {
			return err
		}
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, fs.FileMode(0o600))
	if err != nil {
		return err
	}
	if _, err = out.Write(append(message[:len(message):len(message)], '\n')); err == nil {
		err = out.Sync()
	}
	if closing := out.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("queue %s: %w", name, err)
	}
	return nil
}
