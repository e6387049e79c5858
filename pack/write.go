package pack

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/klauspost/compress/flate"
)

// level is the compression's: 5 is within 3 % of the smallest and twice as fast. The compressor is not the
// standard library's, whose output may change with the version of Go that Assay is built with.
const level = 5

// large files are compressed into the zip as they are read, smaller ones ahead of it, several at a time.
const large = 8 << 20

// piece is an entry on its way into a zip.
type piece struct {
	entry *entry
	done  chan struct{}
	head  zip.FileHeader
	data  []byte // compressed
	err   error
}

// write writes a zip with these files, in their order.
func write(ctx context.Context, out io.Writer, files []entry) error {
	ctx, cancel := context.WithCancel(ctx)
	workers := max(1, runtime.GOMAXPROCS(0))
	todo, ordered := make(chan *piece), make(chan *piece, 4*workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		defer close(ordered)
		defer close(todo)
		for i := range files {
			if !hand(ctx, &files[i], todo, ordered) {
				return
			}
		}
	})
	for range workers {
		wg.Go(func() {
			c := newCompressor()
			for p := range todo {
				p.err = c.compress(p)
				close(p.done)
			}
		})
	}
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, level) })
	for p := range ordered {
		if err := p.write(z); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return z.Close()
}

// hand gives an entry to the writer, and before that to a worker if one is to compress it.
func hand(ctx context.Context, e *entry, todo, ordered chan<- *piece) bool {
	p := &piece{entry: e, head: header(e)}
	if e.path != "" && e.size <= large {
		p.done = make(chan struct{})
		select {
		case todo <- p:
		case <-ctx.Done():
			return false
		}
	}
	select {
	case ordered <- p:
		return true
	case <-ctx.Done():
		return false
	}
}

// header is the same for the same entry: no time but the first that a zip can tell, 1980-01-01.
func header(e *entry) zip.FileHeader {
	h := zip.FileHeader{Name: e.name, Method: zip.Deflate}
	//lint:ignore SA1019 CreateRaw takes no other, and Modified would add a field of 9 bytes to each file
	h.ModifiedDate = 1<<5 | 1
	if e.mode.IsDir() {
		h.Name += "/"
	}
	if e.size == 0 || e.path == "" {
		h.Method = zip.Store
	}
	h.SetMode(e.mode)
	return h
}

// write puts the piece into the zip.
func (p *piece) write(z *zip.Writer) error {
	switch {
	case p.done != nil:
		<-p.done
		if p.err != nil {
			return p.err
		}
		return raw(z, &p.head, bytes.NewReader(p.data))
	case p.entry.raw != nil:
		return p.copyRaw(z)
	case p.entry.path != "":
		return p.stream(z)
	}
	text := []byte(p.entry.link)
	p.head.CRC32, p.head.CompressedSize64, p.head.UncompressedSize64 = crc32.ChecksumIEEE(text), uint64(len(text)), uint64(len(text))
	return raw(z, &p.head, bytes.NewReader(text))
}

// copyRaw takes an entry from another zip as it is, under its name here.
func (p *piece) copyRaw(z *zip.Writer) error {
	from := p.entry.raw
	data, err := from.OpenRaw()
	if err != nil {
		return err
	}
	p.head.Method, p.head.CRC32 = from.Method, from.CRC32
	p.head.CompressedSize64, p.head.UncompressedSize64 = from.CompressedSize64, from.UncompressedSize64
	return raw(z, &p.head, data)
}

func raw(z *zip.Writer, h *zip.FileHeader, data io.Reader) error {
	w, err := z.CreateRaw(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, data)
	return err
}

// stream compresses a large file into the zip.
func (p *piece) stream(z *zip.Writer) error {
	f, err := os.Open(p.entry.path)
	if err != nil {
		return gone(p.entry.path, err)
	}
	defer f.Close()
	w, err := z.CreateHeader(&p.head)
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), f); err != nil {
		return err
	}
	if !bytes.Equal(sum.Sum(nil), p.entry.sum[:]) {
		return &movedError{p.entry.path}
	}
	return nil
}

// compressor compresses one small file after the other.
type compressor struct {
	in, out bytes.Buffer
	deflate *flate.Writer
}

func newCompressor() *compressor {
	w, err := flate.NewWriter(io.Discard, level)
	if err != nil {
		panic(fmt.Sprint("level ", level, " is not one of the compressor's: ", err))
	}
	return &compressor{deflate: w}
}

func (c *compressor) compress(p *piece) error {
	f, err := os.Open(p.entry.path)
	if err != nil {
		return gone(p.entry.path, err)
	}
	defer f.Close()
	c.in.Reset()
	if _, err := c.in.ReadFrom(io.LimitReader(f, large+1)); err != nil {
		return err
	}
	text := c.in.Bytes()
	if sha256.Sum256(text) != p.entry.sum {
		return &movedError{p.entry.path}
	}
	p.head.CRC32, p.head.UncompressedSize64 = crc32.ChecksumIEEE(text), uint64(len(text))
	if len(text) > 0 {
		c.out.Reset()
		c.deflate.Reset(&c.out)
		if _, err := c.deflate.Write(text); err != nil {
			return err
		}
		if err := c.deflate.Close(); err != nil {
			return err
		}
		p.data = bytes.Clone(c.out.Bytes())
	}
	p.head.CompressedSize64 = uint64(len(p.data))
	return nil
}
