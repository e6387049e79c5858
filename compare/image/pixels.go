package image

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/assaylab/assay"
)

// Pixels shows where two encoded pictures (PNG, JPEG, GIF) differ: a PNG of both's size with the
// differing pixels, and those that one of them alone has, red on the control's in faded grey. Of
// animations it shows the first frame that differs, or else the last. It fails with CodeInvalid when
// either cannot be decoded, or both together are too large.
func Pixels(control, candidate []byte) ([]byte, error) {
	a, err := decodeImage(control)
	if err != nil {
		return nil, cannotShow("the control's picture", err)
	}
	b, err := decodeImage(candidate)
	if err != nil {
		return nil, cannotShow("the candidate's picture", err)
	}
	if width, height := max(a.size.X, b.size.X), max(a.size.Y, b.size.Y); int64(width)*int64(height) > 2*maxPixels {
		return nil, cannotShow("the pictures together", fmt.Errorf("%dx%d pixels", width, height))
	}
	shown := mark(a.frame(0), b.frame(0))
	for i := 1; i < min(len(a.delays), len(b.delays)) && !hasMark(shown); i++ {
		shown = mark(a.frame(i), b.frame(i))
	}
	var out bytes.Buffer
	err = png.Encode(&out, shown)
	return out.Bytes(), err
}

func cannotShow(what string, err error) error {
	return &assay.Error{Code: assay.CodeInvalid, What: what + " cannot be shown: " + err.Error(), Err: err}
}

// red marks differing pixels; nothing grey is like it.
const red = 255

// palette has the greys that the control fades into, and red.
func palette() color.Palette {
	p := make(color.Palette, red+1)
	for i := range red {
		grey := uint8(192 + i/4)
		p[i] = color.NRGBA{grey, grey, grey, 0xff}
	}
	p[red] = color.NRGBA{0xe0, 0, 0x20, 0xff}
	return p
}

func mark(a, b image.RGBA64Image) *image.Paletted {
	both := a.Bounds().Union(b.Bounds())
	overlap := a.Bounds().Intersect(b.Bounds())
	shown := image.NewPaletted(both, palette())
	for i := range shown.Pix {
		at := image.Pt(i%shown.Stride, i/shown.Stride)
		c := a.RGBA64At(at.X, at.Y)
		if !at.In(overlap) || c != b.RGBA64At(at.X, at.Y) {
			shown.Pix[i] = red
			continue
		}
		shown.Pix[i] = brightness(c)
	}
	return shown
}

// brightness is that of a colour on white, less than red.
func brightness(c color.RGBA64) uint8 {
	grey := color.Gray16Model.Convert(c).(color.Gray16).Y + (0xffff - c.A)
	return uint8(uint32(grey) * (red - 1) / 0xffff)
}

func hasMark(img *image.Paletted) bool { return bytes.IndexByte(img.Pix, red) >= 0 }
