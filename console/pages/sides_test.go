package pages

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

// drawn writes rows as a page has them: what differs after "!", a gap as "·".
func drawn(rows []row) string {
	var b strings.Builder
	text := func(l *line) string {
		if l == nil {
			return "·"
		}
		return strings.TrimSpace(l.Text)
	}
	for _, w := range rows {
		b.WriteString(map[mark]string{markNone: " ", markDiffers: "!", markExcused: "~"}[w.Mark()] + text(w.Left) + " | " + text(w.Right) + "\n")
	}
	return b.String()
}

func TestBeside(t *testing.T) {
	for _, tc := range []struct{ name, control, other, path, want string }{
		{"members of one side", `{"a":1,"c":3}`, `{"b":2,"c":4}`, "body:$.c", " { | {\n \"a\": 1, | ·\n · | \"b\": 2,\n!\"c\": 3 | \"c\": 4\n } | }\n"},
		{"a subtree for a scalar", `{"a":1}`, `{"a":[1,2]}`, "body:$.a", " { | {\n!\"a\": 1 | \"a\": [\n!· | 1,\n!· | 2\n!· | ]\n } | }\n"},
		{"items that went", `[1,2,3]`, `[1]`, "body:$[1]", " [ | [\n 1, | 1\n!2, | ·\n 3 | ·\n ] | ]\n"},
		{"text", "a\nb\nc\nd", "a\nx\nd", "body", " a | a\n!b | x\n!c | ·\n d | d\n"},
		{"two changes of text", "a\nb\nc\nd\ne\nf", "a\nc\nd\ny\nz\nf", "body", " a | a\n!b | ·\n c | c\n d | d\n!e | y\n!· | z\n f | f\n"},
		{"lines that come twice", "a\na\nb", "a\nx\na\nb", "body", " a | a\n!· | x\n a | a\n b | b\n"},
		{"text against JSON", `{"a":1}`, "oops", "body", "!{ | oops\n!\"a\": 1 | ·\n!} | ·\n"},
		{"nothing against text", "", "x", "body", "!· | x\n"},
	} {
		left, right := bodyLines([]byte(tc.control), []byte(tc.other), []assay.Difference{{Path: tc.path, Kind: assay.KindValue}})
		if got := drawn(beside(left, right)); got != tc.want {
			t.Errorf("%s:\n%s", tc.name, got)
		}
	}
}

func TestCells(t *testing.T) {
	for _, tc := range []struct{ left, right, want string }{
		{"it is paid.", "it's payed.", "it[ is pai]d.|it['s paye]d."},
		{"same", "same", "same[]|same[]"},
		{"aa", "aaa", "aa[]|aa[a]"},
		{"prix: 3 €", "prix: 3 ₤", "prix: 3 [€]|prix: 3 [₤]"}, // they share their first two bytes
		{"né", "na\u0301", "n[é]|n[a\u0301]"},
		{"", "x", "[]|[x]"},
	} {
		got := ""
		for _, c := range (row{&line{Text: tc.left}, &line{Text: tc.right}}).Cells() {
			got += "|" + c.Before + "[" + c.Differs + "]" + c.After
		}
		if got != "|"+tc.want {
			t.Errorf("%s", got)
		}
	}
	if alone := (row{nil, &line{Text: "x", Mark: markDiffers}}).Cells(); alone[0] != nil || alone[1].Differs != "x" {
		t.Errorf("%+v", alone)
	}
}

func TestFold(t *testing.T) {
	sketch := func(all []stretch) (text string) {
		for _, s := range all {
			text += fmt.Sprintf("%v %d %d; ", s.Folded, len(s.Rows), s.Missing)
		}
		return text
	}
	lines := make([]line, 1000)
	lines[500].Mark = markDiffers
	free := pageRoom
	if got := sketch(fold(alone(lines), &free)); got != "true 497 0; false 7 0; true 496 0; " {
		t.Error(got)
	}
	if pageRoom-free != 1000*rowBytes {
		t.Errorf("%d bytes taken", pageRoom-free)
	}
	free = 20 * rowBytes // what differs goes first
	if got := sketch(fold(alone(lines), &free)); got != "true 13 484; false 7 0; true 0 496; " {
		t.Error(got)
	}
	free = 3 * rowBytes
	if got := sketch(fold(alone(lines), &free)); got != "true 0 497; false 3 4; true 0 496; " {
		t.Error(got)
	}
	free = pageRoom
	if got := sketch(fold(alone(make([]line, 100)), &free)); got != "false 40 0; true 60 0; " {
		t.Error(got)
	}
	if got := sketch(fold(nil, &free)); got != "false 0 0; " {
		t.Error(got)
	}
}

// TestFoldsText: of a long text are shown the changes and what is near them, and no more.
func TestFoldsText(t *testing.T) {
	var control, other strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&control, "line %d\n", i)
		if i%1000 == 500 {
			fmt.Fprintf(&other, "LINE %d\nand one more\n", i)
		} else {
			fmt.Fprintf(&other, "line %d\n", i)
		}
	}
	left, right := bodyLines([]byte(control.String()), []byte(other.String()), []assay.Difference{{Path: "body", Kind: assay.KindValue}})
	free, shown, text := pageRoom, 0, ""
	for _, s := range fold(beside(left, right), &free) {
		if !s.Folded {
			shown++
			text += drawn(s.Rows)
		}
	}
	if shown != 3 || !strings.Contains(text, " line 499 | line 499\n!line 500 | LINE 500\n!· | and one more\n line 501 | line 501\n") || strings.Contains(text, "line 504") {
		t.Errorf("%d stretches:\n%s", shown, text)
	}
}
