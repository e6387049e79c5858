// Package charts draws up what the pages draw. In come reports and what became of each minute; out go charts:
// numbers over one axis, which can be drawn, read as a table, or taken away as CSV. Pure.
package charts

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"
)

// Chart is series of numbers over one axis.
type Chart struct {
	Title  string    `json:"title"`
	X      Axis      `json:"x"`
	Y      Axis      `json:"y"`
	At     []float64 `json:"at"` // along X, ascending
	Series []Series  `json:"series"`
	Limits []Mark    `json:"limits,omitempty"` // along Y
	Events []Mark    `json:"events,omitempty"` // along X
}

// Unit is what the numbers of an axis are.
type Unit string

// The units.
const (
	Count        Unit = "count"
	Share        Unit = "share" // of 1; shown in percent
	Milliseconds Unit = "ms"
	Megabytes    Unit = "MB"
	Dollars      Unit = "USD"
	Time         Unit = "time" // seconds since 1970
)

// Scale is how numbers are laid out along an axis.
type Scale string

// The scales. Root gives zero a place and still tells 0.1 % from 1 %; Tail gives each nine of a quantile as
// much room as the one before.
const (
	Linear Scale = "linear"
	Log    Scale = "log"
	Root   Scale = "root"
	Tail   Scale = "tail"
)

// Axis of a chart.
type Axis struct {
	Label string      `json:"label"`
	Unit  Unit        `json:"unit"`
	Scale Scale       `json:"scale"`
	Range *[2]float64 `json:"range,omitempty"` // what is shown; as far as the numbers go if nil
}

// Form is how a series is drawn.
type Form string

// The forms.
const (
	Line  Form = "line"
	Steps Form = "steps" // each value up to the next point
	Bars  Form = "bars"
)

// Series is one number for each point of the axis, nil where it is not known, with bounds if it has some.
type Series struct {
	Label  string     `json:"label"`
	Tone   string     `json:"tone"` // its colour: a role, a conclusion, or "1" to "6"
	Form   Form       `json:"form"`
	Values []*float64 `json:"values"`
	Low    []*float64 `json:"low,omitempty"`
	High   []*float64 `json:"high,omitempty"`
}

// Mark is a place on an axis that has a meaning of its own.
type Mark struct {
	At    float64 `json:"at"`
	Label string  `json:"label"`
}

// CSV writes the chart as a table: a line for each point of the axis.
func (c *Chart) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := []string{c.X.Label}
	for _, s := range c.Series {
		head = append(head, s.Label)
		if s.Low != nil {
			head = append(head, s.Label+", low", s.Label+", high")
		}
	}
	rows := [][]string{head}
	for i, at := range c.At {
		row := []string{c.X.text(at)}
		for _, s := range c.Series {
			row = append(row, cell(s.Values, i))
			if s.Low != nil {
				row = append(row, cell(s.Low, i), cell(s.High, i))
			}
		}
		rows = append(rows, row)
	}
	return out.WriteAll(rows)
}

func (a Axis) text(at float64) string {
	if a.Unit == Time {
		return time.Unix(int64(at), 0).UTC().Format(time.RFC3339)
	}
	return number(at)
}

func cell(values []*float64, i int) string {
	if i >= len(values) || values[i] == nil {
		return ""
	}
	return number(*values[i])
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// known is a number that there is.
func known(v float64) *float64 {
	v = rounded(v)
	return &v
}

// rounded keeps six digits, more than anyone sees.
func rounded(v float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if err != nil {
		return v
	}
	return short
}
