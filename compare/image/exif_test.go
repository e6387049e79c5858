package image

import (
	"encoding/binary"
	"testing"

	"github.com/assaylab/assay/compare/image/imagetest"
)

// exif is an APP1 segment with an orientation.
func exif(order binary.AppendByteOrder, mark string, turned uint16) []byte {
	tiff := append([]byte(mark), 0, 0)
	order.(binary.ByteOrder).PutUint16(tiff[2:], 42)
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 1)
	tiff = order.AppendUint16(order.AppendUint16(tiff, 0x0112), 3)
	tiff = order.AppendUint32(tiff, 1)
	tiff = order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, turned), 0), 0)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+6+len(tiff)))
	return append(append(segment, "Exif\x00\x00"...), tiff...)
}

// A picture that is shown turned is another, though its pixels are the same.
func TestOrientation(t *testing.T) {
	plain := imagetest.Draw(t, "jpeg", "wk/kr")
	with := func(segment []byte) []byte {
		return append(append(append([]byte{}, plain[:2]...), segment...), plain[2:]...)
	}
	turned, other := with(exif(binary.LittleEndian, "II", 6)), with(exif(binary.BigEndian, "MM", 6))
	if got := (pictures{}).compare(plain, turned); len(got) == 0 {
		t.Error("turned, it is the same")
	}
	if got := (pictures{}).compare(turned, plain); len(got) == 0 {
		t.Error("turned back, it is the same")
	}
	for name, same := range map[string][2][]byte{
		"either order of bytes": {turned, other}, "upright": {plain, with(exif(binary.BigEndian, "MM", 1))}, "out of range": {plain, with(exif(binary.BigEndian, "MM", 9))},
	} {
		if got := (pictures{}).compare(same[0], same[1]); len(got) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for n := range turned {
		orientation(turned[:n])
	}
}
