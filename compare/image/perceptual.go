package image

import (
	"fmt"
	"image"
	"image/color"
	"strconv"
)

// blockSide is the side of the blocks, in pixels, that pictures are compared by. Every change of 15 by 15 pixels
// fills at least one.
const blockSide = 8

// worstBlock finds the block in which two pictures of one size are furthest apart: by the mean, over its pixels,
// of how far their channels are apart, as a share of all they can be. That of pixels is the most of their channels.
// A hash of the whole picture, as is common, sees no change of some words in a page.
func worstBlock(a, b image.RGBA64Image) (worst float64, at image.Point) {
	size := a.Bounds().Size()
	for y := 0; y < size.Y; y += blockSide {
		for x := 0; x < size.X; x += blockSide {
			block := image.Rect(x, y, min(x+blockSide, size.X), min(y+blockSide, size.Y))
			if d := apart(a, b, block); d > worst {
				worst, at = d, block.Min
			}
		}
	}
	return worst, at
}

func apart(a, b image.RGBA64Image, block image.Rectangle) float64 {
	sum := 0
	for y := block.Min.Y; y < block.Max.Y; y++ {
		for x := block.Min.X; x < block.Max.X; x++ {
			c, d := a.RGBA64At(x, y), b.RGBA64At(x, y)
			sum += max(distance(c.R, d.R), distance(c.G, d.G), distance(c.B, d.B), distance(c.A, d.A))
		}
	}
	return float64(sum) / float64(0xffff*block.Dx()*block.Dy())
}

func distance(a, b uint16) int { return max(int(a), int(b)) - min(int(a), int(b)) }

// excuse says how far apart two pictures are, and excuses it up to a limit.
func (p pictures) excuse(a, b image.RGBA64Image) (detail, ignored string) {
	worst, at := worstBlock(a, b)
	detail = fmt.Sprintf("up to %.3g%% in the block at %d,%d", 100*worst, at.X, at.Y)
	if worst <= p.perceptual {
		ignored = "perceptual " + strconv.FormatFloat(p.perceptual*100, 'g', 6, 64) + "%"
	}
	return detail, ignored
}

// onWhite is a picture as it is seen on white paper.
type onWhite struct{ image.RGBA64Image }

func (w onWhite) RGBA64At(x, y int) color.RGBA64 {
	c := w.RGBA64Image.RGBA64At(x, y)
	paper := 0xffff - c.A
	return color.RGBA64{R: c.R + paper, G: c.G + paper, B: c.B + paper, A: 0xffff}
}
