package main

import (
	"fmt"
	"io"
	"slices"
)

// row compares one figure of Assay's with a rival's, or with a limit.
type row struct {
	what        string
	assay, base float64
	goal        float64
	least       bool // the ratio is to be at least the goal, not at most
	note        string
}

func atLeast(what string, assay, base, goal float64) row {
	return row{what: what, assay: assay, base: base, goal: goal, least: true}
}

func atMost(what string, assay, base, goal float64) row {
	return row{what: what, assay: assay, base: base, goal: goal}
}

func (r row) ratio() float64 { return r.assay / r.base }

func (r row) reached() bool {
	if r.least {
		return r.ratio() >= r.goal
	}
	return r.ratio() <= r.goal
}

// printTable writes Markdown: it is quoted in the documentation as it stands.
func printTable(w io.Writer, rows []row) error {
	if _, err := fmt.Fprintln(w, "| | Assay | against | ratio | goal | reached |\n| --- | ---: | ---: | ---: | ---: | --- |"); err != nil {
		return err
	}
	for _, r := range rows {
		sign, reached, what := "<=", "yes", r.what
		if r.least {
			sign = ">="
		}
		if !r.reached() {
			reached = "no"
		}
		if r.note != "" {
			what += " (" + r.note + ")"
		}
		if _, err := fmt.Fprintf(w, "| %s | %s | %s | %.2f | %s %.2f | %s |\n", what, figure(r.assay), figure(r.base), r.ratio(), sign, r.goal, reached); err != nil {
			return err
		}
	}
	return nil
}

// figure writes three digits or more.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func median(results []result, of func(result) float64) float64 {
	all := make([]float64, len(results))
	for i, r := range results {
		all[i] = of(r)
	}
	slices.Sort(all)
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2
	}
	return all[len(all)/2]
}
