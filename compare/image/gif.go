package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
)

// maxPlayed bounds the pixels that a GIF shows, all frames together.
const maxPlayed = 4 * maxPixels

// decodeGIF decodes every frame and puts it on what the frames before have left on the screen.
func decodeGIF(data []byte) (film, error) {
	if err := checkGIF(data); err != nil {
		return film{}, err
	}
	g, err := gif.DecodeAll(bytes.NewReader(data))
	if err != nil {
		return film{}, err
	}
	p := projector{gif: g, screen: image.NewRGBA(image.Rect(0, 0, g.Config.Width, g.Config.Height)), shown: -1}
	return film{size: p.screen.Rect.Size(), turned: upright, delays: g.Delay, loops: g.LoopCount, frame: p.frame}, nil
}

// projector draws the frames of a GIF on one screen.
type projector struct {
	gif    *gif.GIF
	screen *image.RGBA
	before []byte // the screen's pixels before the frame shown, if they must be brought back
	shown  int    // the frame on the screen, -1 if none
}

// frame goes on to frame i.
func (p *projector) frame(i int) image.RGBA64Image {
	for p.shown < i {
		p.dispose()
		p.shown++
		if p.disposal() == gif.DisposalPrevious {
			p.before = bytes.Clone(p.screen.Pix)
		}
		f := p.gif.Image[p.shown]
		draw.Draw(p.screen, f.Rect, f, f.Rect.Min, draw.Over)
	}
	return p.screen
}

// dispose clears the frame shown off the screen, the way it asks for.
func (p *projector) dispose() {
	switch p.disposal() {
	case gif.DisposalBackground: // transparent, as browsers have it
		draw.Draw(p.screen, p.gif.Image[p.shown].Rect, image.NewUniform(color.Transparent), image.Point{}, draw.Src)
	case gif.DisposalPrevious:
		copy(p.screen.Pix, p.before)
	}
}

func (p *projector) disposal() byte {
	if p.shown < 0 {
		return 0
	}
	return p.gif.Disposal[p.shown]
}

// checkGIF counts what the frames would be without decoding any: LZW makes thousands of pixels out of a
// byte, and gif.DecodeAll holds all frames. It goes along the blocks of the GIF89a specification.
func checkGIF(data []byte) error {
	const header = 13 // signature and logical screen descriptor
	if len(data) < header {
		return errors.New("a GIF that ends in its header")
	}
	screen := int(binary.LittleEndian.Uint16(data[6:])) * int(binary.LittleEndian.Uint16(data[8:]))
	frames := countFrames(skip(data, header+colourTable(data[10])))
	if screen > maxPixels || screen*frames > maxPlayed {
		return fmt.Errorf("more than %d pixels, or %d in all frames", maxPixels, maxPlayed)
	}
	return nil
}

// countFrames counts image descriptors up to the first block that is none of GIF's.
func countFrames(blocks []byte) (frames int) {
	const descriptor = 10
	for len(blocks) > 0 {
		switch {
		case blocks[0] == '!': // an extension, with a label
			blocks = skipSubBlocks(skip(blocks, 2))
		case blocks[0] == ',' && len(blocks) >= descriptor: // followed by the width of its codes
			frames++
			blocks = skipSubBlocks(skip(blocks, descriptor+colourTable(blocks[descriptor-1])+1))
		default:
			return frames
		}
	}
	return frames
}

// colourTable is the bytes of the table that packed flags announce.
func colourTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

func skip(data []byte, n int) []byte { return data[min(n, len(data)):] }

// skipSubBlocks passes over blocks that begin with their size, up to the one of size 0.
func skipSubBlocks(data []byte) []byte {
	for len(data) > 0 && data[0] > 0 {
		data = skip(data, 1+int(data[0]))
	}
	return skip(data, 1)
}
