// Package recording reads and writes requests that were made once, so that they can be made again. In
// come Assay's own recordings, HAR files of browsers and proxies, and access logs of web servers; out go
// trials without candidates: a request, and the control's answer where the file has one.
//
// Assay's own format is one JSON object a line, each an assay.Trial, packed with zstd where the file's
// name ends in ".zst".
package recording

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/assaylab/assay"
)

// maxLine bounds one line of a recording: two bodies of Lambda's largest size in base64, and room.
const maxLine = 32 << 20

// Reader gives a recording's trials one after the other, in the order of the file. Next fails with io.EOF
// at the end, and with an *assay.Error that names the line or entry where the file is not what it
// should be.
type Reader interface {
	Next() (*assay.Trial, error)
}

// Format is how a file of requests is written.
type Format string

// The formats. Auto goes by the first bytes.
const (
	Auto      Format = "auto"
	JSONLines Format = "jsonl"
	HAR       Format = "har"
	AccessLog Format = "log" // Apache's common and combined formats, which nginx writes as well
)

// Open reads a recording, packed with zstd or not. The name is for errors. A request's host is
// what the file says; origin, for example "https://shop.example.org", fills it in where a log has none.
func Open(name string, r io.Reader, format Format, origin string) (Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := in.Peek(4); bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		unpacked, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return nil, err
		}
		in = bufio.NewReaderSize(unpacked, 64<<10)
	}
	if format == Auto || format == "" {
		format = guess(in)
	}
	switch format {
	case JSONLines:
		return &jsonLines{lines: newLines(name, in)}, nil
	case HAR:
		return newHAR(name, in)
	case AccessLog:
		return &accessLog{lines: newLines(name, in), origin: strings.TrimSuffix(origin, "/")}, nil
	}
	return nil, &assay.Error{
		Code: assay.CodeInvalid, What: fmt.Sprintf("%q is no format of a recording", format), Where: name,
		Hint: "the formats are jsonl (Assay's own), har and log; auto finds out",
	}
}

// guess tells a HAR file, which is one object with a member log, from objects one a line, and both from logs.
func guess(in *bufio.Reader) Format {
	head, _ := in.Peek(512)
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 || head[0] != '{' {
		if len(head) == 0 {
			return JSONLines // an empty recording
		}
		return AccessLog
	}
	if rest := bytes.TrimLeft(head[1:], " \t\r\n"); bytes.HasPrefix(rest, []byte(`"log"`)) {
		return HAR
	}
	return JSONLines
}

// lines gives a file's lines with their numbers.
type lines struct {
	name   string
	scan   *bufio.Scanner
	number int
}

func newLines(name string, in io.Reader) *lines {
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 0, 64<<10), maxLine)
	return &lines{name: name, scan: scan}
}

// next returns the next line that is not blank; io.EOF after the last.
func (l *lines) next() ([]byte, error) {
	for l.scan.Scan() {
		l.number++
		if line := bytes.TrimSpace(l.scan.Bytes()); len(line) > 0 {
			return line, nil
		}
	}
	switch err := l.scan.Err(); err {
	case nil:
		return nil, io.EOF
	case bufio.ErrTooLong:
		l.number++
		return nil, l.flaw(fmt.Sprintf("the line is longer than %d MB", maxLine>>20), "a recording holds bodies of up to 6 MB")
	default:
		return nil, fmt.Errorf("%s: after line %d: %w", l.name, l.number, err)
	}
}

func (l *lines) flaw(what, hint string) error {
	return &assay.Error{Code: assay.CodeInvalid, What: what, Where: fmt.Sprintf("%s:%d", l.name, l.number), Hint: hint}
}
