package compare

import (
	"bytes"
	"io"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/image"
)

// What contents take while they are compared, in bytes at most, about: of a value for each mark that may begin one, with
// what the list of its neighbours grew by; of markup for each tag, with the document that stands for it; of a
// picture for each pixel; of anything for each of its own bytes.
const (
	valueWeight = 200
	tagWeight   = 400
	pixelWeight = 8
	copies      = 4
)

// Weigh implements assay.Weighing. Documents whose members come in the same order take less: no trees are made of
// what is read in step.
func (c chosen) Weigh(control, other *assay.Observation) int64 {
	if isCut(control) || isCut(other) || sameCoding(control, other) && bytes.Equal(control.Body, other.Body) {
		return 0
	}
	return weightOf(control) + weightOf(other)
}

// Weigh is that of an invocation whose path is not known.
func (c *comparison) Weigh(control, other *assay.Observation) int64 {
	return c.everywhere.Weigh(control, other)
}

// weightOf reads a coded body once, and holds nothing of it.
func weightOf(o *assay.Observation) int64 {
	codings := contentCodings(o.Header)
	switch {
	case len(o.Body) == 0:
		return 0
	case len(codings) > 1:
		return copies * maxDecoded
	case len(codings) == 0:
		return weightOfContent(o.Body)
	}
	r, err := openCoding(codings[0], bytes.NewReader(o.Body))
	if err != nil {
		return 0 // it is not compared either
	}
	defer r.Close()
	var c counter
	_, _ = io.Copy(&c, io.LimitReader(r, maxDecoded)) // what is broken is not compared
	return c.weight()
}

func weightOfContent(data []byte) int64 {
	if pixels, is := image.Area(data); is {
		return pixelWeight * pixels
	}
	var c counter
	_, _ = c.Write(data)
	return c.weight()
}

// counter counts what may begin a value, as text goes by.
type counter struct{ bytes, values, tags int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	for _, mark := range []byte(",[{\n&") {
		c.values += int64(bytes.Count(p, []byte{mark}))
	}
	c.tags += int64(bytes.Count(p, []byte{'<'}))
	return len(p), nil
}

func (c *counter) weight() int64 {
	return copies*c.bytes + valueWeight*c.values + tagWeight*c.tags
}
