package recording

import (
	"encoding/json"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/assaylab/assay"
)

// jsonLines reads Assay's own recordings, and exports of kept trials, which look the same.
type jsonLines struct{ lines *lines }

func (j *jsonLines) Next() (*assay.Trial, error) {
	line, err := j.lines.next()
	if err != nil {
		return nil, err
	}
	t := &assay.Trial{}
	if err := json.Unmarshal(line, t); err != nil {
		return nil, j.lines.flaw("this is no line of a recording: "+err.Error(), "recordings come from `assay record`; see also --format")
	}
	if t.Invocation.Request == nil {
		return nil, j.lines.flaw("there is no request in this line", "recordings come from `assay record`; see also --format")
	}
	if t.Time.IsZero() {
		t.Time = t.Invocation.Received
	}
	return t, nil
}

// Writer writes Assay's own recordings.
type Writer struct {
	encode *json.Encoder
	packed *zstd.Encoder // nil: plain
}

// NewWriter writes to w, packed with zstd or plain. Close ends the recording, not w.
func NewWriter(w io.Writer, pack bool) (*Writer, error) {
	if !pack {
		return &Writer{encode: json.NewEncoder(w)}, nil
	}
	packed, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return &Writer{encode: json.NewEncoder(packed), packed: packed}, nil
}

// Write adds a trial. Its candidates are written as well, if it has some; they are not read again.
func (w *Writer) Write(t *assay.Trial) error { return w.encode.Encode(t) }

// Close writes what is still held back.
func (w *Writer) Close() error {
	if w.packed == nil {
		return nil
	}
	return w.packed.Close()
}
