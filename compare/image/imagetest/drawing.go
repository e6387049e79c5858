// Package imagetest draws pictures for tests. In come letters, one a pixel; out goes a PNG, JPEG or GIF.
package imagetest

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strconv"
	"strings"
	"testing"
)

// inks are the colours of the letters.
var inks = map[byte]color.NRGBA{
	'w': {0xff, 0xff, 0xff, 0xff}, 'k': {0, 0, 0, 0xff}, 'r': {0xff, 0, 0, 0xff}, 'g': {0, 0xff, 0, 0xff},
	'R': {0xfe, 0, 0, 0xff}, 'h': {0xff, 0, 0, 0x80}, '.': {0, 0, 0, 0}, ',': {0xff, 0, 0, 0},
}

// Draw encodes a drawing: rows apart by "/", frames of a GIF by spaces, each of which may end in "@DELAY"
// and begin with "X,Y+". Of another format, the drawing is the bytes.
func Draw(t *testing.T, format, drawing string) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&out, drawn(drawing))
	case "palette-png":
		err = png.Encode(&out, paletted(drawing))
	case "best-png":
		err = (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&out, drawn(drawing))
	case "jpeg":
		err = jpeg.Encode(&out, drawn(drawing), &jpeg.Options{Quality: 100})
	case "gif":
		err = gif.EncodeAll(&out, animated(t, drawing))
	default:
		out.WriteString(drawing)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func drawn(drawing string) *image.NRGBA {
	rows := strings.Split(drawing, "/")
	img := image.NewNRGBA(image.Rect(0, 0, len(rows[0]), len(rows)))
	for y, row := range rows {
		for x := range row {
			img.SetNRGBA(x, y, inks[row[x]])
		}
	}
	return img
}

func paletted(drawing string) *image.Paletted {
	src := drawn(drawing)
	p := image.NewPaletted(src.Rect, color.Palette{inks['.'], inks['w'], inks['k'], inks['r'], inks['g'], inks['R']})
	for y := range src.Rect.Dy() {
		for x := range src.Rect.Dx() {
			p.Set(x, y, src.At(x, y))
		}
	}
	return p
}

func animated(t *testing.T, drawing string) *gif.GIF {
	t.Helper()
	g := &gif.GIF{}
	for frame := range strings.SplitSeq(drawing, " ") {
		if loops, ok := strings.CutPrefix(frame, "loops="); ok {
			g.LoopCount, _ = strconv.Atoi(loops)
			continue
		}
		frame, delay, _ := strings.Cut(frame, "@")
		frame, disposal, _ := strings.Cut(frame, "!")
		at, rows, moved := strings.Cut(frame, "+")
		if !moved {
			at, rows = "0,0", frame
		}
		p := paletted(rows)
		x, y, _ := strings.Cut(at, ",")
		dx, _ := strconv.Atoi(x)
		dy, _ := strconv.Atoi(y)
		p.Rect = p.Rect.Add(image.Pt(dx, dy))
		d, _ := strconv.Atoi(delay)
		n, _ := strconv.Atoi(disposal)
		g.Image, g.Delay, g.Disposal = append(g.Image, p), append(g.Delay, d), append(g.Disposal, byte(n))
	}
	return g
}
