package judge

import (
	"fmt"
	"html/template"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/assaylab/assay/stats"
)

// measured is a row with what its runs came to.
type measured struct {
	characteristic
	outcomes
}

func (m measured) Share() string { return fmt.Sprintf("%.2f %%", 100*m.share()) }
func (m measured) Name() string  { return m.name }
func (m measured) Target() string {
	return fmt.Sprintf("%s within %d %s", m.target, m.within, m.unit)
}
func (m measured) Runs() int { return len(m.outcomes) }

func (m measured) Median() string {
	if n := m.median(); n > 0 {
		return fmt.Sprint(n)
	}
	return "-"
}

// report writes index.html, its plots, and the table for docs/evidence.md to a folder.
func report(t *testing.T, folder string, rows []measured) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	plots := map[string]*plot.Plot{
		"false-alarms.svg": decisions("Wrong conclusions, looked at all the time", rows, func(c characteristic) bool { return c.atMost > 0 }),
		"decisions.svg":    decisions("Right conclusions", rows, func(c characteristic) bool { return c.atLeast > 0 }),
		"interval.svg":     narrowing(t),
		"elsewhere.svg":    elsewhere(t),
	}
	for name, p := range plots {
		if err := p.Save(24*vg.Centimeter, 13*vg.Centimeter, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	var table strings.Builder
	table.WriteString("| simulated | to reach | runs | concluded | median |\n| --- | --- | --- | --- | --- |\n")
	for _, m := range rows {
		fmt.Fprintf(&table, "| %s | %s | %d | %s | %s |\n", m.Name(), m.Target(), m.Runs(), m.Share(), m.Median())
	}
	if err := os.WriteFile(filepath.Join(folder, "table.md"), []byte(table.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	index, err := os.Create(filepath.Join(folder, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	if err := page.Execute(index, rows); err != nil {
		t.Fatal(err)
	}
}

var page = template.Must(template.New("report").Parse(`<!doctype html><meta charset="utf-8"><title>Assay's evidence</title>
<style>body{font:15px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}td,th{padding:.2rem .8rem;text-align:left}img{max-width:100%}</style>
<h1>What verdicts were measured to reach</h1>
<p>Each run is looked at after every trial or block. See docs/evidence.md for what the rows mean.</p>
<table><tr><th>Simulated<th>To reach<th>Runs<th>Concluded<th>Median</tr>
{{range .}}<tr><td>{{.Name}}<td>{{.Target}}<td>{{.Runs}}<td>{{.Share}}<td>{{.Median}}</tr>
{{end}}</table>
<img src="false-alarms.svg" alt="Wrong conclusions"><img src="decisions.svg" alt="Right conclusions">
<img src="interval.svg" alt="An interval over time"><img src="elsewhere.svg" alt="Other methods">
`))

// decisions plots the share of runs that have concluded by then, over the part of the looks that is through.
func decisions(title string, rows []measured, which func(characteristic) bool) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "looks, % of all", "runs concluded, %"
	p.Legend.Top = true
	i := 0
	for _, m := range rows {
		if !which(m.characteristic) {
			continue
		}
		var line plotter.XYs
		for x := range 101 {
			by := m.within * x / 100
			n := 0
			for _, at := range m.outcomes {
				if at > 0 && at <= by {
					n++
				}
			}
			line = append(line, plotter.XY{X: float64(x), Y: 100 * float64(n) / float64(len(m.outcomes))})
		}
		addLine(p, m.name, line, i)
		i++
	}
	return p
}

func addLine(p *plot.Plot, name string, points plotter.XYs, i int) {
	l, err := plotter.NewLine(points)
	if err != nil {
		panic(err) // points are numbers
	}
	l.Color, l.Dashes = plotutil.Color(i), plotutil.Dashes(i/7)
	p.Add(l)
	p.Legend.Add(name, l)
}

// narrowing plots the intervals of one candidate that is 5 % faster.
func narrowing(t *testing.T) *plot.Plot {
	t.Helper()
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "A candidate that takes 95 %, in stormy weather", "blocks of 5+5", "ratio, %"
	l := lane{weather: stormy, rng: rand.New(rand.NewPCG(5, 5))}
	var b stats.Blocks
	lines := map[string]plotter.XYs{}
	for len(b.Differences()) < 120 {
		secondary, candidates := l.trial(.95)
		b.Add(.5, candidates[0], secondary)
		d := b.Differences()
		if b.Pairs()%5 != 0 || len(d) < 12 {
			continue
		}
		low, high := stats.CentreInterval(d, .05)
		a := asymptotic(d, 0, .05)
		for name, v := range map[string]float64{
			"betting, low": low, "betting, high": high, "Hodges-Lehmann": stats.Pseudomedian(slices.Clone(d)),
			"asymptotic, low": math.Log(a.Interval[0]), "asymptotic, high": math.Log(a.Interval[1]),
		} {
			if !math.IsInf(v, 0) {
				lines[name] = append(lines[name], plotter.XY{X: float64(len(d)), Y: 100 * math.Exp(v)})
			}
		}
	}
	for i, name := range []string{"betting, low", "betting, high", "asymptotic, low", "asymptotic, high", "Hodges-Lehmann"} {
		addLine(p, name, lines[name], i)
	}
	return p
}

// elsewhere plots how often rank tests, looked at again and again, find a difference between identical arms:
// measured one after the other ("redeploy and look"), and interleaved. It is why Assay does neither.
func elsewhere(t *testing.T) *plot.Plot {
	t.Helper()
	const runs, most = 300, 200
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "Identical arms, a rank test at 5 % after every 10 calls", "calls of each arm", "runs with a winner, %"
	for i, sequential := range []bool{true, false} {
		found := make([]float64, most/10+1)
		for run := range runs {
			l := lane{weather: stormy, rng: rand.New(rand.NewPCG(uint64(run), 9))}
			x, y := l.both(most, sequential)
			first := len(found)
			for k := 1; k < len(found) && first == len(found); k++ {
				if n := 10 * k; tells(x[:n], y[:n], .05) {
					first = k
				}
			}
			for k := first; k < len(found); k++ {
				found[k] += 100. / runs
			}
		}
		var line plotter.XYs
		for k, share := range found {
			line = append(line, plotter.XY{X: float64(10 * k), Y: share})
		}
		addLine(p, map[bool]string{true: "one arm after the other", false: "interleaved"}[sequential], line, i)
		t.Logf("a rank test with %d looks, sequential %v: a winner in %.0f %% of runs", most/10, sequential, found[len(found)-1])
	}
	return p
}

// both calls two identical arms so often: first all of one, or both in turn.
func (l *lane) both(n int, sequential bool) (x, y []float64) {
	for len(y) < n {
		switch {
		case sequential && len(x) < n:
			x = append(x, l.call(1))
		case sequential:
			y = append(y, l.call(1))
		default:
			a, b := l.trial(1)
			x, y = append(x, a), append(y, b[0])
		}
	}
	return x, y
}

// tells is what benchmarks are often compared by: the test of Mann and Whitney, two-sided, by the normal distribution.
// It is for one look at a size that was fixed before.
func tells(x, y []float64, alpha float64) bool {
	above := 0.0 // pairs in which x is
	for _, a := range x {
		for _, b := range y {
			if a > b {
				above++
			}
		}
	}
	m, n := float64(len(x)), float64(len(y))
	z := (math.Abs(above-m*n/2) - .5) / math.Sqrt(m*n*(m+n+1)/12)
	return math.Erfc(z/math.Sqrt2) <= alpha
}
