// Package multipart compares contents of several parts. In come two contents, and the formats that parts may be in;
// out go the differences of parts that belong together. It is pure.
package multipart

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/report"
)

// maxParts bounds the parts of one content.
const maxParts = 1000

// Format compares the parts of contents, each by its own type (RFC 2046, RFC 7578). The boundary does
// not matter. Parts of a form are matched by name and, where several have one, in their order; others by where
// they stand.
func Format() format.Format {
	return format.Format{
		Name: "multipart", Media: []string{"multipart/*"},
		Build: func(_ assay.ComparatorSpec, formats format.Formats) (format.CompareFunc, []assay.Flaw) {
			parts, flaws := formats.Without("multipart").Build(assay.ComparatorSpec{})
			return func(control, other format.Content) []assay.Difference { return compareParts(control, other, parts) }, flaws
		},
	}
}

// piece is one part of a content, under the path that it is found at again.
type piece struct {
	path     string // "$.photo", "$.tag[1]"
	filename string
	content  format.Content
}

func compareParts(control, other format.Content, compare format.CompareFunc) []assay.Difference {
	a, errA := readParts(control)
	b, errB := readParts(other)
	if errA != nil || errB != nil {
		return report.Malformed(control.Data, other.Data, errA, errB)
	}
	var r report.Report
	theirs := map[string]piece{}
	for _, p := range b {
		theirs[p.path] = p
	}
	for _, p := range a {
		q, both := theirs[p.path]
		delete(theirs, p.path)
		if !both {
			r.Add("", func() assay.Difference {
				return assay.Difference{Path: "body:" + p.path, Kind: assay.KindMissing, Control: report.ShowBody(p.content.Data)}
			})
			continue
		}
		p.compare(q, compare, &r)
	}
	for _, q := range b {
		if _, extra := theirs[q.path]; extra {
			r.Add("", func() assay.Difference {
				return assay.Difference{Path: "body:" + q.path, Kind: assay.KindExtra, Candidate: report.ShowBody(q.content.Data)}
			})
		}
	}
	return r.Differences()
}

// compare lists in what two parts of one path differ.
func (p piece) compare(q piece, compare format.CompareFunc, r *report.Report) {
	for _, about := range []struct{ name, control, other string }{
		{"@filename", p.filename, q.filename}, {"@type", p.kind(), q.kind()},
	} {
		if about.control != about.other {
			r.Add("", func() assay.Difference {
				return assay.Difference{Path: "body:" + string(report.AppendName([]byte(p.path), about.name)), Kind: assay.KindValue, Control: about.control, Candidate: about.other}
			})
		}
	}
	if bytes.Equal(p.content.Data, q.content.Data) {
		return
	}
	for _, d := range compare(p.content, q.content) {
		inner := strings.TrimPrefix(strings.TrimPrefix(d.Path, "body"), ":$")
		d.Path = "body:" + p.path + inner
		r.Add(d.Ignored, func() assay.Difference { return d })
	}
}

// kind is the part's type with what it says of it, but for a boundary.
func (p piece) kind() string {
	media, parameters, err := mime.ParseMediaType(p.content.Type)
	if err != nil {
		return p.content.Type
	}
	delete(parameters, "boundary")
	return mime.FormatMediaType(media, parameters)
}

// readParts reads all parts. Transfer encodings are undone.
func readParts(c format.Content) ([]piece, error) {
	_, parameters, err := mime.ParseMediaType(c.Type)
	if err != nil {
		return nil, err
	}
	if parameters["boundary"] == "" {
		return nil, errors.New("the content type names no boundary")
	}
	reader := multipart.NewReader(bytes.NewReader(c.Data), parameters["boundary"])
	var parts []piece
	seen := map[string]int{}
	for {
		p, err := reader.NextPart()
		if err == io.EOF { // and not one that wraps it: the end is missing
			return parts, nil
		}
		if err != nil {
			return nil, err
		}
		if len(parts) == maxParts {
			return nil, fmt.Errorf("it has more than %d parts", maxParts)
		}
		next, err := readPart(p, len(parts), seen)
		if err != nil {
			return nil, err
		}
		parts = append(parts, next)
	}
}

func readPart(p *multipart.Part, index int, seen map[string]int) (piece, error) {
	var disposition string
	var parameters map[string]string
	var err error
	if header := p.Header.Get("Content-Disposition"); header != "" {
		if disposition, parameters, err = mime.ParseMediaType(header); err != nil {
			return piece{}, err
		}
	}
	name, filename := parameters["name"], parameters["filename"]
	if !utf8.ValidString(name) || !utf8.ValidString(filename) {
		return piece{}, errors.New("the name of a part is not UTF-8")
	}
	if disposition != "form-data" {
		name = ""
	}
	data, err := io.ReadAll(untransferred(p))
	return piece{placed(name, index, seen), filename, format.Content{Data: data, Type: p.Header.Get("Content-Type")}}, err
}

// untransferred undoes the transfer encoding; quoted-printable the reader of parts has undone.
func untransferred(p *multipart.Part) io.Reader {
	if strings.EqualFold(strings.TrimSpace(p.Header.Get("Content-Transfer-Encoding")), "base64") {
		return base64.NewDecoder(base64.StdEncoding, p)
	}
	return p
}

// placed is the path of a part: by its name and which of that name it is, or by where it stands.
func placed(name string, index int, seen map[string]int) string {
	if name == "" {
		return "$[" + strconv.Itoa(index) + "]"
	}
	path := string(report.AppendName([]byte("$"), name))
	n := seen[name]
	seen[name]++
	if n > 0 {
		path += "[" + strconv.Itoa(n) + "]"
	}
	return path
}
