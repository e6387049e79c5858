package codec

import (
	"encoding/binary"
	"iter"
	"slices"

	"github.com/assaylab/assay"
)

// Packed is the bodies of a trial as they are kept, not yet in one: it shares what it is made of with the trial. There
// are none in the zero value.
type Packed struct{ parts [][]byte }

// Len is how many bytes that is.
func (p Packed) Len() (n int) {
	for _, part := range p.parts {
		n += len(part)
	}
	return n
}

// Bytes copies them into one; nil if there are none.
func (p Packed) Bytes() []byte { return slices.Concat(p.parts...) }

// Pieces cuts them into pieces of a size, of which the last may be shorter. A piece is valid until the next.
func (p Packed) Pieces(size int) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		piece, n := make([]byte, 0, min(size, p.Len())), 0
		for _, part := range p.parts {
			for len(part) > 0 {
				fits := min(size-len(piece), len(part))
				piece, part = append(piece, part[:fits]...), part[fits:]
				if len(piece) < size {
					continue
				}
				if !yield(n, piece) {
					return
				}
				piece, n = piece[:0], n+1
			}
		}
		if len(piece) > 0 {
			yield(n, piece)
		}
	}
}

// pack writes the parts of a trial one after the other, each behind a varint: 0 for a part that is
// nil; 2n+1 for one with the bytes of the nth part, since arms that agree answer alike; 2n+2 for n
// bytes that follow. There is nothing of a trial without bodies.
func pack(t *assay.Trial) Packed {
	all := parts(t)
	if !t.Bodies && !slices.ContainsFunc(all, func(p *[]byte) bool { return *p != nil }) {
		return Packed{}
	}
	var packed [][]byte
	var head []byte
	for i, p := range all {
		earlier := slices.IndexFunc(all[:i], func(e *[]byte) bool { return string(*e) == string(*p) && *e != nil })
		switch {
		case *p == nil:
			head = append(head, 0)
		case len(*p) > 0 && earlier >= 0:
			head = binary.AppendUvarint(head, uint64(earlier)*2+1)
		default:
			packed = append(packed, binary.AppendUvarint(head, uint64(len(*p))*2+2), *p)
			head = nil
		}
	}
	return Packed{append(packed, head)}
}
