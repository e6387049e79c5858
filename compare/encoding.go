package compare

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/report"
)

const (
	maxDecoded    = 64 << 20 // bytes of a decoded body: a small compressed one can stand for gigabytes
	maxCodings    = 3        // content codings on top of one another
	maxZstdWindow = 8 << 20  // bytes, the limit of RFC 9659
)

// Decode undoes the content codings of a body (RFC 9110, section 8.4): gzip, deflate, br and zstd, up to
// 64 MB. An empty body stays empty. It fails when a coding is not known or the body is not in it.
func Decode(o *assay.Observation) ([]byte, error) {
	body := o.Body
	codings := contentCodings(o.Header)
	if len(body) == 0 {
		return nil, nil
	}
	if len(codings) > maxCodings {
		return nil, fmt.Errorf("%d content codings, at most %d are undone", len(codings), maxCodings)
	}
	for _, coding := range slices.Backward(codings) {
		var err error
		if body, err = undo(coding, body); err != nil {
			return nil, fmt.Errorf("content-encoding %s: %w", report.Shorten(coding), err)
		}
	}
	return body, nil
}

// contentCodings lists the codings in the order in which they were applied, without "identity".
func contentCodings(h assay.Header) []string {
	values := h.Values("Content-Encoding")
	if len(values) == 0 {
		return nil
	}
	var codings []string
	for coding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "" && coding != "identity" {
			codings = append(codings, coding)
		}
	}
	return codings
}

func undo(coding string, body []byte) ([]byte, error) {
	src := bytes.NewReader(body)
	r, err := openCoding(coding, src)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	decoded, err := io.ReadAll(io.LimitReader(r, maxDecoded+1))
	switch {
	case err != nil:
		return nil, err
	case len(decoded) > maxDecoded:
		return nil, fmt.Errorf("more than %d MB", maxDecoded>>20)
	case src.Len() > 0:
		return nil, fmt.Errorf("%d bytes after its end", src.Len())
	}
	return decoded, nil
}

// openCoding reads what src holds in the coding. It reads src byte by byte where that is the way to
// leave alone what comes after the end.
func openCoding(coding string, src *bytes.Reader) (io.ReadCloser, error) {
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewReader(src)
	case "deflate":
		return openDeflate(src)
	case "br":
		return io.NopCloser(brotli.NewReader(src)), nil
	case "zstd":
		d, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, errors.New("not a coding known here")
}

// openDeflate reads the zlib format, which "deflate" stands for, or the bare deflate stream that some
// servers send instead.
func openDeflate(src *bytes.Reader) (io.ReadCloser, error) {
	var head [2]byte
	n, _ := src.ReadAt(head[:], 0)
	if n == 2 && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(src)
	}
	return flate.NewReader(src), nil
}
