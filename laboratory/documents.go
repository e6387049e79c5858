package laboratory

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/command"
)

// ReadPDF is the command of the program itself that reads a PDF from stdin and writes its text: what could take
// all memory, or never end, does so in a sandbox.
const ReadPDF = "read-pdf"

// What reading one document may take.
const (
	readTimeout  = 5 * time.Second
	readMemoryMB = 256
)

// pages is the text of a PDF, read by another process.
func (b *bureau) pages(document []byte) ([][]string, error) {
	reader, err := b.reader()
	if err != nil {
		return nil, err
	}
	text, err := reader.Run(document)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Pages [][]string
		Error string
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, errors.New("its text cannot be read")
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return answer.Pages, nil
}

// reader is this very program, in a folder that sandboxes may see.
func (b *bureau) reader() (*command.Program, error) {
	bench, err := b.open()
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.self != nil {
		return b.self, nil
	}
	dir := filepath.Join(b.dir, "self")
	if err := copySelf(dir); err != nil {
		return nil, err
	}
	spec := assay.ComparatorSpec{Run: []string{"./assay", ReadPDF}, Timeout: readTimeout, MemoryMB: readMemoryMB}
	program, flaw := bench.Program(spec, dir)
	if flaw != nil {
		return nil, errors.New(flaw.What)
	}
	b.self = program
	return program, nil
}

func copySelf(dir string) (err error) {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	to := filepath.Join(dir, "assay")
	if info, err := os.Stat(path); err == nil && info.Mode()&0o005 == 0o005 && os.Link(path, to) == nil {
		return nil
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	made, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fs.FileMode(0o755))
	if err != nil {
		return err
	}
	_, err = io.Copy(made, from)
	return errors.Join(err, made.Close())
}
