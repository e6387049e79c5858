package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/image/imagetest"
)

// marks renders what Pixels shows: "!" for a differing pixel, "l" and "d" for light and dark ones.
func marks(t *testing.T, picture []byte) string {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for y := range img.Bounds().Dy() {
		var row strings.Builder
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			switch {
			case r != g || g != b:
				row.WriteByte('!')
			case r > 0xe000:
				row.WriteByte('l')
			default:
				row.WriteByte('d')
			}
		}
		rows = append(rows, row.String())
	}
	return strings.Join(rows, "/")
}

func TestPixels(t *testing.T) {
	tests := []struct{ name, control, candidate, want string }{
		{"one pixel", "png wkw/wkw", "png wkw/www", "ldl/l!l"},
		{"equal", "png wk/r.", "palette-png wk/r.", "ld/dl"},
		{"wider and lower", "png wk/kw", "png wkw", "ld!/!!!"},
		{"another format", "png wk", "gif ww", "l!"},
		{"the frame that differs", "gif wk kk", "gif wk kw", "d!"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var sides [2][]byte
			for i, side := range []string{test.control, test.candidate} {
				format, drawing, _ := strings.Cut(side, " ")
				sides[i] = imagetest.Draw(t, format, drawing)
			}
			shown, err := Pixels(sides[0], sides[1])
			if err != nil {
				t.Fatal(err)
			}
			if got := marks(t, shown); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestPixelsOfNoPicture(t *testing.T) {
	good := imagetest.Draw(t, "png", "w")
	for _, test := range []struct {
		control, candidate []byte
		what               string
	}{
		{[]byte("no"), good, "the control's picture cannot be shown: not a PNG"},
		{good, nil, "the candidate's picture cannot be shown: not a PNG"},
		{blank(t, 20_000, 1), blank(t, 1, 20_000), "the pictures together cannot be shown: 20000x20000 pixels"},
	} {
		_, err := Pixels(test.control, test.candidate)
		var e *assay.Error
		if !errors.As(err, &e) || e.Code != assay.CodeInvalid || !strings.HasPrefix(e.What, test.what) {
			t.Errorf("got %v, want %s", err, test.what)
		}
	}
}

func blank(t *testing.T, width, height int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// hugePNG claims more pixels than it has.
func hugePNG(t *testing.T) []byte {
	t.Helper()
	data := blank(t, 1, 1)
	header := data[12:29] // type and content of IHDR
	binary.BigEndian.PutUint32(header[4:], 60_000)
	binary.BigEndian.PutUint32(header[8:], 60_000)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(header))
	return data
}

func TestImagesTooLarge(t *testing.T) {
	frame := imagetest.Draw(t, "gif", "w")
	wide := bytes.Clone(frame)
	binary.LittleEndian.PutUint16(wide[6:], 60_000)
	binary.LittleEndian.PutUint16(wide[8:], 60_000)
	long := bytes.Clone(frame)
	binary.LittleEndian.PutUint16(long[6:], 5_000)
	binary.LittleEndian.PutUint16(long[8:], 5_000)
	start := 13 + colourTable(frame[10])
	for range 4 {
		long = append(long[:len(long)-1], frame[start:]...)
	}
	for name, data := range map[string][]byte{"png": hugePNG(t), "gif screen": wide, "gif frames": long} {
		if _, err := decodeImage(data); err == nil || !strings.HasPrefix(err.Error(), "more than 25000000 pixels") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// apng puts an acTL chunk, and frames after the picture, into a PNG: what an APNG is to a decoder
// that knows of none.
func apng(still []byte, frames string) []byte {
	const header = 8 + 25 // signature and IHDR
	end := len(still) - 12
	parts := [][]byte{still[:header], chunk("acTL", "\x00\x00\x00\x02\x00\x00\x00\x00"), still[header:end], chunk("fdAT", frames), still[end:]}
	return bytes.Join(parts, nil)
}

func chunk(name, content string) []byte {
	data := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	data = append(data, name+content...)
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(data[4:]))
}

func TestAnimatedPNG(t *testing.T) {
	still := imagetest.Draw(t, "png", "wk")
	control, other := apng(still, "one"), apng(still, "two")
	got := pictures{}.compare(control, other)
	if len(got) != 1 || got[0].Kind != assay.KindMalformed || got[0].Detail != "control: animated PNG; candidate: animated PNG" {
		t.Errorf("of other frames: %+v", got)
	}
	if _, err := decodeImage(append(bytes.Clone(still), chunk("acTL", "")...)); err != nil {
		t.Errorf("acTL where it means nothing: %v", err)
	}
	for n := range control {
		decodeImage(control[:n]) // must not panic
	}
}
