package pages

import (
	"strconv"
	"unicode/utf8"
)

// row is a line of one body beside the line of another that has the same place. One of them may be nil.
type row struct{ Left, Right *line }

// stretch is rows that are shown, or, with Folded, that one unfolds. Missing says how many more are left out,
// because there is no room for them on the page.
type stretch struct {
	Rows    []row
	Folded  bool
	Missing int
}

const (
	foldAbove = 40 // rows; fewer are shown whole
	contextOf = 3  // rows shown around a difference
	rowBytes  = 80 // what a row takes on the page beside its text
)

// room is how many bytes of bodies a page may show, all together: no page is larger than people wait for.
type room int

const pageRoom room = 150_000

// take takes the room of a row, if there is so much.
func (r *room) take(w row) bool {
	n := room(rowBytes)
	for _, l := range []*line{w.Left, w.Right} {
		if l != nil {
			n += room(len(l.Text))
		}
	}
	if *r < n {
		return false
	}
	*r -= n
	return true
}

// beside puts lines in the order of both, those that have the same place in one row.
func beside(left, right []line) []row {
	there := make(map[string]bool, len(right))
	for i := range right {
		there[right[i].place] = true
	}
	rows := make([]row, 0, max(len(left), len(right)))
	j := 0
	for i := range left {
		if !there[left[i].place] {
			rows = append(rows, row{Left: &left[i]})
			continue
		}
		for j < len(right) && right[j].place != left[i].place {
			rows = append(rows, row{Right: &right[j]})
			j++
		}
		if j == len(right) { // the two are in different orders
			rows = append(rows, row{Left: &left[i]})
			continue
		}
		rows = append(rows, row{&left[i], &right[j]})
		j++
	}
	for ; j < len(right); j++ {
		rows = append(rows, row{Right: &right[j]})
	}
	return rows
}

// alone puts lines beside nothing.
func alone(lines []line) []row {
	rows := make([]row, len(lines))
	for i := range lines {
		rows[i].Left = &lines[i]
	}
	return rows
}

// Mark is that of either line.
func (w row) Mark() mark {
	found := markNone
	for _, l := range []*line{w.Left, w.Right} {
		if l != nil && l.Mark != markNone && found != markDiffers {
			found = l.Mark
		}
	}
	return found
}

// cell is one side of a row. Differs is what of it the other side has not, between what both begin and end with; without
// another side, all of it.
type cell struct {
	Before, Differs, After string
	Mark                   mark
}

// Cells are the two sides; one of them may be nil.
func (w row) Cells() [2]*cell {
	if w.Left == nil {
		return [2]*cell{nil, {Differs: w.Right.Text, Mark: w.Right.Mark}}
	}
	if w.Right == nil {
		return [2]*cell{{Differs: w.Left.Text, Mark: w.Left.Mark}, nil}
	}
	begin, end := alike(w.Left.Text, w.Right.Text)
	return [2]*cell{w.Left.cell(begin, end), w.Right.cell(begin, end)}
}

func (l *line) cell(begin, end int) *cell {
	to := len(l.Text) - end
	return &cell{l.Text[:begin], l.Text[begin:to], l.Text[to:], l.Mark}
}

// alike is how many bytes two texts begin with and end with alike, whole characters only.
func alike(a, b string) (begin, end int) {
	for begin < min(len(a), len(b)) && a[begin] == b[begin] {
		begin++
	}
	for begin > 0 && (begin < len(a) && !utf8.RuneStart(a[begin]) || begin < len(b) && !utf8.RuneStart(b[begin])) {
		begin--
	}
	for end < min(len(a), len(b))-begin && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	for end > 0 && !utf8.RuneStart(a[len(a)-end]) {
		end--
	}
	return begin, end
}

// fold cuts rows into stretches, of which those without a difference are folded. What is shown has the first
// call on the room.
func fold(rows []row, left *room) []stretch {
	all := cutUp(rows)
	for _, folded := range []bool{false, true} {
		for i := range all {
			if s := &all[i]; s.Folded == folded {
				n := 0
				for n < len(s.Rows) && left.take(s.Rows[n]) {
					n++
				}
				s.Missing = len(s.Rows) - n
				s.Rows = s.Rows[:n]
			}
		}
	}
	return all
}

// cutUp cuts rows where stretches with and without a difference nearby meet.
func cutUp(rows []row) (all []stretch) {
	if len(rows) <= foldAbove {
		return []stretch{{Rows: rows}}
	}
	shown := near(rows)
	begin := 0
	for i := range rows {
		if i+1 == len(rows) || shown[i+1] != shown[i] {
			all = append(all, stretch{Rows: rows[begin : i+1], Folded: !shown[i]})
			begin = i + 1
		}
	}
	return all
}

// near tells which rows are marked or close to one that is; without any, the first ones.
func near(rows []row) []bool {
	shown := make([]bool, len(rows))
	marked := false
	for i, w := range rows {
		if w.Mark() == markNone {
			continue
		}
		marked = true
		for j := max(0, i-contextOf); j <= min(len(rows)-1, i+contextOf); j++ {
			shown[j] = true
		}
	}
	if !marked {
		for i := range foldAbove {
			shown[i] = true
		}
	}
	return shown
}

// Label says what a folded stretch holds.
func (s stretch) Label() string {
	n := len(s.Rows) + s.Missing
	return strconv.Itoa(n) + plural(n, " more line", " more lines")
}
