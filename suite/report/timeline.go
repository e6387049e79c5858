package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/assaylab/assay/suite"
)

// lane is what one worker ran, in order. Times are in seconds since the run's first test began.
type lane struct {
	worker string
	spans  []span
	busy   float64
}

// span is one run of a test.
type span struct {
	from, to float64
	result   suite.Result
}

// lanes are a run's workers, in the order in which they began, and when the last test ended.
func lanes(r suite.Run) (all []lane, end float64) {
	first := math.Inf(1)
	byWorker := map[string]int{}
	for _, result := range r.Results {
		for _, a := range append(slices.Clip(result.Attempts), result) {
			if a.Start == 0 {
				continue // it was not run
			}
			at, known := byWorker[a.Worker]
			if !known {
				at = len(all)
				byWorker[a.Worker] = at
				all = append(all, lane{worker: a.Worker})
			}
			all[at].spans = append(all[at].spans, span{a.Start, a.End(), a})
			all[at].busy += a.Duration().Seconds()
			first = min(first, a.Start)
		}
	}
	for i := range all {
		for j := range all[i].spans {
			s := &all[i].spans[j]
			s.from, s.to = s.from-first, s.to-first
			end = max(end, s.to)
		}
		slices.SortFunc(all[i].spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	}
	slices.SortStableFunc(all, func(a, b lane) int { return cmp.Compare(a.spans[0].from, b.spans[0].from) })
	return all, end
}

// Rows writes a run's timeline as text, one row a worker and at most so many: each column is a slice of
// time, the darker the busier, or the mark of a test that failed in it.
func Rows(w io.Writer, r suite.Run, columns, most int) error {
	all, end := lanes(r)
	if end == 0 {
		return nil
	}
	out := &strings.Builder{}
	columns = max(10, columns-len("w1000 || 100 %"))
	heading(out, "timeline")
	for i, l := range all[:min(len(all), most)] {
		fmt.Fprintf(out, "%-5s |%s| %3.0f %%\n", fmt.Sprint("w", i+1), l.cells(columns, end), 100*l.busy/end)
	}
	if more := len(all) - most; more > 0 {
		fmt.Fprintf(out, "and %d workers more\n", more)
	}
	fmt.Fprintf(out, "%5s  0%*s\n", "", columns-1, fmt.Sprintf("%.2fs", end))
	_, err := io.WriteString(w, out.String())
	return err
}

// cells are a lane's slices of time.
func (l lane) cells(columns int, end float64) string {
	busy, marks := make([]float64, columns), make([]string, columns)
	width := end / float64(columns)
	for _, s := range l.spans {
		from, to := s.from/width, s.to/width
		for c := max(0, int(from)); c < columns && float64(c) < max(to, from+1e-9); c++ {
			busy[c] += max(0, min(to, float64(c+1))-max(from, float64(c)))
		}
		if s.result.Status.Bad() {
			marks[min(columns-1, max(0, int(to-1e-9)))] = s.result.Status.Mark()
		}
	}
	shades := []string{" ", "░", "▒", "▓", "█"}
	var out strings.Builder
	for c := range busy {
		out.WriteString(cmp.Or(marks[c], shades[min(4, int(math.Ceil(busy[c]*4-.05)))]))
	}
	return out.String()
}

//go:embed timeline.svg
var timelineSVG string

var timeline = template.Must(template.New("timeline").Parse(timelineSVG))

// What the picture's parts measure, in its own units.
const (
	pictureWidth = 1200
	leftMargin   = 64
	rightMargin  = 24
	topMargin    = 84
	letter       = 6.8 // width, in the size of bars' labels
)

// picture is what the template draws.
type picture struct {
	Width, Height, Top, Bottom, Left, Right float64
	Title, Pace                             string
	Ticks                                   []tick
	Rows                                    []pictureRow
	Floor                                   tick
	Legend                                  []legend
}

type tick struct {
	X    float64
	Text string
}

type pictureRow struct {
	Y, Middle, Height float64
	Name, Tip         string
	Bars              []pictureBar
}

type pictureBar struct {
	X, Width             float64
	Class, Label, Detail string
}

type legend struct {
	X           float64
	Class, Text string
}

// Timeline draws a run as an SVG picture: one row a worker, a bar for each run of a test, with its name and
// what became of it as tooltips, and the floor as a line.
func Timeline(w io.Writer, r suite.Run) error {
	all, end := lanes(r)
	f := Measure(r)
	high := math.Min(24, math.Max(4, 800/float64(max(len(all), 1))))
	p := picture{Width: pictureWidth, Left: leftMargin, Right: pictureWidth - rightMargin, Top: topMargin, Title: r.Name + ": " + Counts(r), Pace: Pace(r)}
	scale := (p.Right - p.Left) / max(end, f.Floor.Seconds(), 1e-3)
	for i, l := range all {
		p.Rows = append(p.Rows, l.draw(i, high, scale, f))
	}
	p.Bottom = p.Top + high*float64(len(all))
	p.Height = p.Bottom + 32
	for _, s := range ticks(max(end, f.Floor.Seconds())) {
		p.Ticks = append(p.Ticks, tick{p.Left + s*scale, fmt.Sprintf("%g s", s)})
	}
	p.Floor = tick{p.Left + f.Floor.Seconds()*scale, "floor " + brief(f.Floor)}
	for i, class := range []string{"pass", "longest", "fail", "flaky", "skip"} {
		p.Legend = append(p.Legend, legend{p.Left + float64(i)*96, class, map[string]string{"pass": "passed", "fail": "failed", "skip": "skipped"}[class]})
		p.Legend[i].Text = cmp.Or(p.Legend[i].Text, class)
	}
	return timeline.Execute(w, p)
}

// draw lays a lane out.
func (l lane) draw(row int, high, scale float64, f Figures) pictureRow {
	y := topMargin + high*float64(row)
	out := pictureRow{Y: y + high*.1, Middle: y + high/2, Height: high * .8, Tip: fmt.Sprintf("%s: busy for %.2fs", l.worker, l.busy)}
	if high >= 10 {
		out.Name = fmt.Sprint("w", row+1)
	}
	for _, s := range l.spans {
		b := pictureBar{X: leftMargin + s.from*scale, Width: math.Max(.6, (s.to-s.from)*scale-.4), Class: class(s.result)}
		d := s.result.Duration()
		if b.Class == "pass" && s.result.ID == f.Which && d == f.Longest {
			b.Class = "longest"
		}
		b.Detail = fmt.Sprintf("%s\n%s, %s, from %.2fs\n%s", printable(s.result.ID), s.result.Status, brief(d), s.from, printable(suite.FirstLine(s.result.Message)))
		if room := int(b.Width/letter) - 1; high >= 14 && room >= 6 {
			b.Label = tail(printable(s.result.ID), room)
		}
		out.Bars = append(out.Bars, b)
	}
	return out
}

// tail is the end of a test's id, which tells most, in so many letters.
func tail(id string, room int) string {
	r := []rune(id)
	if len(r) <= room {
		return id
	}
	return "…" + string(r[len(r)-room+1:])
}

func class(r suite.Result) string {
	switch {
	case r.Status == suite.Flaky:
		return "flaky"
	case r.Status.Bad():
		return "fail"
	case r.Status == suite.Skip:
		return "skip"
	}
	return "pass"
}

// ticks are round numbers from 0 to end: 5 to 12 of them.
func ticks(end float64) (all []float64) {
	if end <= 0 {
		return []float64{0}
	}
	step := math.Pow(10, math.Floor(math.Log10(end/5)))
	for _, times := range []float64{1, 2, 5, 10} {
		if end/(step*times) <= 12 {
			step *= times
			break
		}
	}
	for i := 0; float64(i)*step <= end; i++ {
		all = append(all, math.Round(float64(i)*step*1e6)/1e6)
	}
	return all
}

// Bar is a run's progress as a line of so many columns.
func Bar(done, failed, planned, busy int, left time.Duration, columns int) string {
	text := fmt.Sprintf(" %d of %d, %d failed, %s", done, planned, failed, workers(busy))
	if left = left.Round(time.Second); left > 0 && done < planned {
		text += ", " + left.String() + " left"
	}
	room := min(40, columns-len(text)-len("[]")-1)
	if room < 5 {
		r := []rune(strings.TrimSpace(text))
		return string(r[:max(0, min(len(r), columns-1))])
	}
	full := room * done / max(planned, 1)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", room-full) + "]" + text
}
