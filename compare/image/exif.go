package image

import (
	"bytes"
	"encoding/binary"
)

// upright is the orientation of a picture that is shown as it is stored.
const upright = 1

// orientation is how a JPEG asks to be turned, 1 to 8, in its Exif data (CIPA DC-008, section 4.6.5); without
// any that can be read it is upright.
func orientation(jpeg []byte) int {
	const marker, exif, scan = 4, 0xe1, 0xda // a marker with its length; APP1; the picture itself
	rest := skip(jpeg, 2)
	for len(rest) > marker && rest[0] == 0xff && rest[1] != scan {
		size := int(binary.BigEndian.Uint16(rest[2:]))
		segment := rest[marker:max(marker, min(2+size, len(rest)))]
		if tiff, is := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); is && rest[1] == exif {
			return orientationOf(tiff)
		}
		rest = skip(rest, 2+size)
	}
	return upright
}

// orientationOf reads the first directory of a TIFF file.
func orientationOf(tiff []byte) int {
	const header, entry, tag = 8, 12, 0x0112
	var order binary.ByteOrder = binary.LittleEndian
	if bytes.HasPrefix(tiff, []byte("MM")) {
		order = binary.BigEndian
	}
	if len(tiff) < header {
		return upright
	}
	directory := tiff[min(uint64(order.Uint32(tiff[4:])), uint64(len(tiff))):]
	if len(directory) < 2 {
		return upright
	}
	entries := directory[2:]
	for range order.Uint16(directory) {
		if len(entries) < entry {
			return upright
		}
		if turned := int(order.Uint16(entries[8:])); order.Uint16(entries) == tag && turned >= 1 && turned <= 8 {
			return turned
		}
		entries = entries[entry:]
	}
	return upright
}
