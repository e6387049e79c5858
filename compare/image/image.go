// Package image compares pictures by what is seen of them. In come two PNGs, JPEGs or GIFs; out go differences of
// sizes, frames and pixels, or a picture of the pixels that differ. It is pure.
package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/report"
)

// Format compares pictures, whatever they are encoded as.
func Format() format.Format {
	return format.Format{
		Name: "image", Media: []string{"image/png", "image/jpeg", "image/gif"}, Options: []string{"perceptual", "alpha"}, Build: newPictures,
		Guess: func(data []byte) bool { return sniffImage(data) != "" },
	}
}

// maxPixels bounds the size of a picture, in pixels.
const maxPixels = 25_000_000

// film is a decoded picture: its frames as they are seen one after another. A still picture has one.
type film struct {
	size   image.Point
	turned int                           // its orientation, as Exif has it
	delays []int                         // how long each frame is shown, in hundredths of a second
	loops  int                           // as in gif.GIF
	frame  func(i int) image.RGBA64Image // to be asked for in ascending order; each is good until the next
}

// decodeImage decodes a PNG, JPEG or GIF, going by its first bytes rather than by a content type.
func decodeImage(data []byte) (film, error) {
	switch sniffImage(data) {
	case "png":
		if isAnimated(data) {
			return film{}, errors.New("animated PNG")
		}
		return decodeStill(data, png.DecodeConfig, png.Decode)
	case "jpeg":
		f, err := decodeStill(data, jpeg.DecodeConfig, jpeg.Decode)
		f.turned = orientation(data)
		return f, err
	case "gif":
		return decodeGIF(data)
	}
	return film{}, errors.New("not a PNG, JPEG or GIF image")
}

// sniffImage names the format that data begins like, "" for none known here.
func sniffImage(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "png"
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "jpeg"
	case bytes.HasPrefix(data, []byte("GIF8")):
		return "gif"
	}
	return ""
}

// Area is how many pixels comparing a picture takes, 0 of one that cannot be; false of what is no picture.
func Area(data []byte) (pixels int64, is bool) {
	if sniffImage(data) == "" {
		return 0, false
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0, true
	}
	return min(int64(config.Width)*int64(config.Height), maxPixels), true
}

// isAnimated finds the acTL chunk that an animated PNG has before its first IDAT (PNG, third edition).
// Of such a picture image/png sees one frame, and nothing of the others.
func isAnimated(png []byte) bool {
	const around = 4 + 4 + 4 // a chunk's length, type and checksum
	rest := png[8:]
	for len(rest) >= around {
		switch string(rest[4:8]) {
		case "acTL":
			return true
		case "IDAT":
			return false
		}
		size := around + uint64(binary.BigEndian.Uint32(rest))
		rest = rest[min(size, uint64(len(rest))):]
	}
	return false
}

func decodeStill(data []byte, header func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error)) (film, error) {
	c, err := header(bytes.NewReader(data))
	if err != nil {
		return film{}, err
	}
	if int64(c.Width)*int64(c.Height) > maxPixels {
		return film{}, fmt.Errorf("more than %d pixels", maxPixels)
	}
	img, err := decode(bytes.NewReader(data))
	if err != nil {
		return film{}, err
	}
	still := img.(image.RGBA64Image) // as every image of the standard library is
	return film{size: still.Bounds().Size(), turned: upright, delays: []int{0}, frame: func(int) image.RGBA64Image { return still }}, nil
}

// pictures compares what is seen, and says what does not matter in it.
type pictures struct {
	perceptual float64 // how far apart blocks may be, as a share
	opaque     bool    // as on white paper
}

func newPictures(spec assay.ComparatorSpec, _ format.Formats) (format.CompareFunc, []assay.Flaw) {
	var flaws []assay.Flaw
	if !(spec.Perceptual >= 0 && spec.Perceptual <= 1) {
		flaws = append(flaws, assay.Flaw{Path: []string{"perceptual"}, What: fmt.Sprintf("%g is no share of a colour", spec.Perceptual), Hint: "choose 0% to 100%"})
	}
	if spec.Alpha != "" && spec.Alpha != "ignore" {
		flaws = append(flaws, assay.Flaw{Path: []string{"alpha"}, What: fmt.Sprintf("alpha cannot be %q", spec.Alpha), Hint: "write ignore, or leave it out"})
	}
	return format.OfData(pictures{spec.Perceptual, spec.Alpha != ""}.compare), flaws
}

// compare compares what is seen: the colours of the pixels of every frame, exactly, to 16 bits a channel with
// alpha multiplied in, so that the hidden colour of a transparent pixel does not matter. Neither do format,
// palette, compression or metadata, but for the orientation in Exif; so two pictures are equal even if one is
// shown in the colours of a profile.
func (p pictures) compare(control, other []byte) []assay.Difference {
	a, errA := decodeImage(control)
	b, errB := decodeImage(other)
	switch {
	case errA != nil || errB != nil:
		return report.Malformed(control, other, errA, errB)
	case a.size != b.size:
		return imageDifference(assay.KindSize, showPoint(a.size), showPoint(b.size), "")
	case len(a.delays) != len(b.delays):
		return imageDifference(assay.KindLength, showFrames(a), showFrames(b), "")
	case a.turned != b.turned:
		return imageDifference(assay.KindValue, fmt.Sprint(a.turned), fmt.Sprint(b.turned), "orientation in Exif")
	}
	return p.films(a, b)
}

// films lists the first frame that differs, and where that is excused also how the films differ else.
func (p pictures) films(a, b film) (excused []assay.Difference) {
	for i := range a.delays {
		x, y := p.seen(a.frame(i)), p.seen(b.frame(i))
		d := comparePixels(x, y)
		if d.count == 0 {
			continue
		}
		found := imageDifference(assay.KindPixels, d.control, d.other, d.detail(i, len(a.delays)))
		if p.perceptual == 0 {
			return found
		}
		detail, ignored := p.excuse(x, y)
		found[0].Detail, found[0].Ignored = report.Joined(found[0].Detail, detail), ignored
		if ignored == "" {
			return found
		}
		if excused == nil {
			excused = found
		}
	}
	return append(excused, compareTiming(a, b)...)
}

func (p pictures) seen(img image.RGBA64Image) image.RGBA64Image {
	if p.opaque {
		return onWhite{img}
	}
	return img
}

// compareTiming compares how long the frames of two films are shown, and how often. Of a still picture
// that means nothing.
func compareTiming(a, b film) []assay.Difference {
	if len(a.delays) == 1 {
		return nil
	}
	for i := range a.delays {
		if a.delays[i] != b.delays[i] {
			return imageDifference(assay.KindValue, showDelay(a.delays[i]), showDelay(b.delays[i]), fmt.Sprintf("how long frame %d is shown", i))
		}
	}
	if a.loops != b.loops {
		return imageDifference(assay.KindValue, showLoops(a.loops), showLoops(b.loops), "how often it is played")
	}
	return nil
}

func imageDifference(kind assay.Kind, control, candidate, detail string) []assay.Difference {
	return []assay.Difference{{Path: "body", Kind: kind, Control: control, Candidate: candidate, Detail: detail}}
}

func showPoint(p image.Point) string { return fmt.Sprintf("%dx%d", p.X, p.Y) }

func showFrames(f film) string { return fmt.Sprintf("%d frames", len(f.delays)) }

func showDelay(d int) string { return fmt.Sprintf("%d ms", 10*d) }

// showLoops puts gif.GIF's LoopCount into words.
func showLoops(n int) string {
	switch {
	case n == 0:
		return "for ever"
	case n < 0:
		return "once"
	}
	return fmt.Sprintf("%d times", n+1)
}

// pixels is how two pictures of one size differ.
type pixels struct {
	count, of      int
	first          image.Point
	control, other string // the colours there
}

func comparePixels(a, b image.RGBA64Image) pixels {
	size := a.Bounds().Size()
	p := pixels{of: size.X * size.Y}
	for y := range size.Y {
		for x := range size.X {
			c, d := a.RGBA64At(x, y), b.RGBA64At(x, y)
			if c == d {
				continue
			}
			if p.count == 0 {
				p.first, p.control, p.other = image.Pt(x, y), showColour(c), showColour(d)
			}
			p.count++
		}
	}
	return p
}

// showColour renders a colour as CSS does, with alpha if it is not opaque.
func showColour(c color.RGBA64) string {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	if n.A == 0xff {
		return fmt.Sprintf("#%02x%02x%02x", n.R, n.G, n.B)
	}
	return fmt.Sprintf("#%02x%02x%02x%02x", n.R, n.G, n.B, n.A)
}

func (p pixels) detail(frame, frames int) string {
	detail := fmt.Sprintf("%d of %d pixels, first at %d,%d", p.count, p.of, p.first.X, p.first.Y)
	if frames > 1 {
		detail += fmt.Sprintf(" of frame %d", frame)
	}
	return detail
}
