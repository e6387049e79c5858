// Package archive writes what a store keeps as lines of JSON, and reads it back. In come rows and trials, out
// go lines that each vouch for all before them; what was changed, moved, lost or cut off is found, with its line.
package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/assaylab/assay"
)

const (
	format = 1 // of the lines

	begin = "assay" // the table of the first line
	end   = "end"   // and of the last

	// maxLine bounds a line, in bytes: a trial of many arms whose bodies are as large as Lambda's may be, in base64.
	maxLine = 256 << 20
)

// line is one line. Sum is made of the sum before, the table and the data's bytes.
type line struct {
	Table string          `json:"table"`
	Sum   string          `json:"sum"`
	Data  json.RawMessage `json:"data"`
}

// chain is the sum of all lines so far.
type chain [sha256.Size]byte

func (c *chain) add(table string, data []byte) string {
	h := sha256.New()
	h.Write(c[:])
	fmt.Fprintf(h, "%s\n", table)
	h.Write(data)
	h.Sum(c[:0])
	return hex.EncodeToString(c[:8])
}

// Writer writes an archive.
type Writer struct {
	to    *bufio.Writer
	sums  chain
	lines int
}

// preamble is the data of the first line.
type preamble struct {
	Format     int    `json:"format"`
	Experiment string `json:"experiment,omitempty"`
}

// NewWriter begins an archive of an experiment, "" for all. It is whole once it was closed.
func NewWriter(w io.Writer, experiment string) (*Writer, error) {
	a := &Writer{to: bufio.NewWriterSize(w, 64<<10)}
	head, err := json.Marshal(preamble{format, experiment})
	if err != nil {
		return nil, err
	}
	return a, a.Write(assay.Kept{Table: begin, Data: head})
}

// Write adds a row or a trial.
func (a *Writer) Write(k assay.Kept) error {
	a.lines++
	_, err := fmt.Fprintf(a.to, "{\"table\":%q,\"sum\":%q,\"data\":%s}\n", k.Table, a.sums.add(k.Table, k.Data), k.Data)
	return err
}

// Close writes the last line.
func (a *Writer) Close() error {
	err := a.Write(assay.Kept{Table: end, Data: fmt.Appendf(nil, `{"lines":%d}`, a.lines+1)})
	return errors.Join(err, a.to.Flush())
}

// Reader reads an archive.
type Reader struct {
	name  string
	from  *bufio.Reader
	sums  chain
	lines int
	done  bool
}

// NewReader reads the archive of that name, for errors.
func NewReader(r io.Reader, name string) *Reader {
	return &Reader{name: name, from: bufio.NewReaderSize(r, 64<<10)}
}

// Next returns the next row or trial, and io.EOF after the last one of an archive that is whole.
func (a *Reader) Next() (assay.Kept, error) {
	if a.lines == 0 {
		if err := a.head(); err != nil {
			return assay.Kept{}, err
		}
	}
	k, err := a.next()
	if err != nil || k.Table != end {
		return k, err
	}
	if _, err := a.from.ReadByte(); !errors.Is(err, io.EOF) {
		a.lines++
		return assay.Kept{}, a.flaw("there is more after the end", "export it anew")
	}
	a.done = true
	return assay.Kept{}, io.EOF
}

func (a *Reader) head() error {
	k, err := a.next()
	if err != nil {
		return err
	}
	var head preamble
	if k.Table != begin || json.Unmarshal(k.Data, &head) != nil {
		return a.flaw("this is no export of Assay", "make one with `assay export`")
	}
	if head.Format != format {
		return a.flaw(fmt.Sprintf("the export has format %d, this Assay reads %d", head.Format, format), "use the Assay that wrote it, or a newer one")
	}
	return nil
}

func (a *Reader) next() (assay.Kept, error) {
	if a.done {
		return assay.Kept{}, io.EOF
	}
	a.lines++
	text, err := a.text()
	if errors.Is(err, io.EOF) {
		return assay.Kept{}, a.flaw("the export is cut off here", "export it anew")
	}
	if err != nil {
		return assay.Kept{}, err
	}
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return assay.Kept{}, a.flaw("this is no line of an export", "export it anew; packed files end in .zst")
	}
	if l.Sum != a.sums.add(l.Table, l.Data) {
		return assay.Kept{}, a.flaw("this line, or one before it, was changed, moved or lost", "export it anew")
	}
	return assay.Kept{Table: l.Table, Data: l.Data}, nil
}

// text reads a line that ends, within the limit.
func (a *Reader) text() ([]byte, error) {
	var text []byte
	for {
		part, err := a.from.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(text, []byte("\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(text) > maxLine:
			return nil, a.flaw("the line is longer than any that is exported", "export it anew")
		}
	}
}

func (a *Reader) flaw(what, hint string) error {
	return &assay.Error{Code: assay.CodeInvalid, What: what, Where: fmt.Sprintf("%s:%d", a.name, a.lines), Hint: hint}
}
