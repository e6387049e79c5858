package compare

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/assaylab/assay"
)

func textFormat() Format {
	return Format{
		Name:  "text",
		Media: []string{"text/*", "*/*+xml", "application/xml", "application/javascript", "application/x-www-form-urlencoded"},
		Guess: utf8.Valid,
		Build: plainly(compareText),
	}
}

// compareText describes the first line in which two texts that differ do so. Line ends count. Texts
// are taken for UTF-8; in another encoding only the renderings suffer.
func compareText(control, other []byte) []assay.Difference {
	at := commonPrefix(control, other)
	start := bytes.LastIndexByte(control[:at], '\n') + 1
	a, b := line(control[start:]), line(other[start:])
	if strings.HasSuffix(a, "\n") && strings.HasSuffix(b, "\n") {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	detail := fmt.Sprintf("line %d, column %d", 1+bytes.Count(control[:start], []byte("\n")), 1+utf8.RuneCount(control[start:at]))
	if n, m := lines(control), lines(other); n != m {
		detail += fmt.Sprintf("; %d and %d lines", n, m)
	}
	a, b = excerpts(a, b)
	return []assay.Difference{{Path: "body", Kind: assay.KindValue, Control: a, Candidate: b, Detail: detail}}
}

// line is the first line of a text, with the newline that ends it.
func line(text []byte) string {
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		text = text[:end+1]
	}
	return string(text)
}

// lines counts lines; what follows the last newline is one if it is not empty.
func lines(text []byte) int {
	n := bytes.Count(text, []byte("\n"))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}
