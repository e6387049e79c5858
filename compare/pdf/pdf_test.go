package pdf_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/pdf"
)

// document is one that Chromium printed.
func document(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".pdf"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestText(t *testing.T) {
	got, err := pdf.Text(document(t, "invoice"))
	want := [][]string{{"Invoice 17", "Two lamps — 40.00 €", "Total: 40.00 €"}, {"Terms: thirty days."}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

// made is a PDF of the simplest kind, with a page for each text.
func made(pages ...string) []byte {
	var out bytes.Buffer
	var at []int
	object := func(format string, args ...any) {
		at = append(at, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", len(at), fmt.Sprintf(format, args...))
	}
	out.WriteString("%PDF-1.4\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 4+2*i))
	}
	object("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(pages))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	for i, lines := range pages {
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>", 5+2*i)
		var text strings.Builder
		for n, line := range strings.Split(lines, "\n") {
			fmt.Fprintf(&text, "BT /F1 12 Tf %d %d Td (%s) Tj ET\n", 20, 280-20*n, line)
		}
		object("<< /Length %d >>\nstream\n%sendstream", text.Len(), text.String())
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, offset := range at {
		fmt.Fprintf(&out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return out.Bytes()
}

func TestCompare(t *testing.T) {
	invoice := document(t, "invoice")
	for _, test := range []struct {
		name           string
		control, other []byte
		spec           assay.ComparatorSpec
		want           string // path and kind of each difference
	}{
		{name: "itself", control: invoice, other: invoice},
		{name: "printed again", control: invoice, other: document(t, "invoice-printed-again")},
		{name: "another total", control: invoice, other: document(t, "invoice-other-total"), want: "body:$[0][2] value"},
		{name: "made by another program", control: made("Terms: thirty days."), other: append(made("Terms: thirty days."), '\n')},
		{name: "a word", control: made("a b\nc"), other: made("a b\nd"), want: "body:$[0][1] value"},
		{name: "a line more", control: made("a"), other: made("a\nb"), want: "body:$[0] length, body:$[0][1] extra"},
		{name: "a page less", control: made("a", "b"), other: made("a"), want: "body:$ length, body:$[1] missing"},
		{name: "lines in another order", control: made("a\nb"), other: made("b\na"), spec: assay.ComparatorSpec{Unordered: []string{"$[*]"}}},
		{name: "the order matters", control: made("a\nb"), other: made("b\na"), want: "body:$[0][0] value, body:$[0][1] value"},
		{name: "a date that is ignored", control: made("on Monday\na"), other: made("on Friday\na"), spec: assay.ComparatorSpec{Ignore: []string{"$[0][0]"}}, want: "body:$[0][0] value ignored"},
		{name: "no PDF", control: invoice, other: []byte("%PDF-1.4 and no more"), want: "body malformed"},
		{name: "cut off", control: invoice, other: invoice[:len(invoice)/2], want: "body malformed"},
		{name: "neither is one", control: []byte("a"), other: []byte("b"), want: "body malformed"},
		{name: "too many pages", control: made(make([]string, 501)...), other: invoice, want: "body malformed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.spec.Kind, test.spec.As = assay.CompareBody, "pdf"
			c, flaws := compare.Extra{Formats: format.Formats{pdf.Format(pdf.Text)}}.New([]assay.ComparatorSpec{test.spec})
			if len(flaws) > 0 {
				t.Fatal(flaws)
			}
			var got []string
			for _, d := range c.Compare(&assay.Observation{Body: test.control}, &assay.Observation{Body: test.other}) {
				line := d.Path + " " + string(d.Kind)
				if d.Ignored != "" {
					line += " ignored"
				}
				got = append(got, line)
			}
			if text := strings.Join(got, ", "); text != test.want {
				t.Errorf("got %q, want %q", text, test.want)
			}
		})
	}
}
