package top

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// The sixteen colours that each terminal gives its own shade; NO_COLOR takes them away.
var (
	faint  = lipgloss.NewStyle().Faint(true)
	strong = lipgloss.NewStyle().Bold(true)
	green  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	red    = lipgloss.NewStyle().Foreground(lipgloss.Red)
	yellow = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
)

// screen is all that is shown, in lines.
func (m *model) screen() string {
	lines := []string{m.heading(), ""}
	switch {
	case len(m.all) > 0:
		lines = append(lines, m.table())
	case m.at.IsZero() && m.trouble == "":
		lines = append(lines, "looking ...")
	case m.trouble == "":
		lines = append(lines, "There is no experiment. Begin with `assay apply -f FILE`.")
	}
	if !m.plain {
		lines = append(lines, "", m.footer())
	}
	return strings.Join(m.fit(lines), "\n")
}

func (m *model) heading() string {
	var rate float64
	for _, p := range m.pulses {
		rate += last(p.rates)
	}
	parts := []string{m.paint(strong, m.opt.Title), fmt.Sprintf("experiments: %d", len(m.all))}
	if !m.plain {
		parts = append(parts, fmt.Sprintf("%.0f requests/s", rate))
	}
	if !m.at.IsZero() {
		parts = append(parts, m.paint(faint, m.at.Format(time.TimeOnly)))
	}
	return m.whole(parts)
}

// gap is between parts of a line.
const gap = "  "

// whole joins as many parts as the screen has room for; the first is there in any case.
func (m *model) whole(parts []string) string {
	line := parts[0]
	for _, part := range parts[1:] {
		if longer := line + gap + part; m.width <= 0 || lipgloss.Width(longer) <= m.width {
			line = longer
		}
	}
	return line
}

func (m *model) footer() string {
	keys := m.paint(faint, m.whole([]string{"q leave", "↑ ↓ choose", "p pause", "r resume", "+ - sample more or less"}))
	switch {
	case m.trouble != "":
		return m.paint(red, strings.ReplaceAll(m.trouble, "\n", " ")) + "\n" + keys
	case m.done != "":
		return m.paint(green, "done: "+m.done) + "\n" + keys
	}
	return keys
}

// fit keeps the lines on the screen: the heading, and as many of the rest as there is room for around the chosen one.
func (m *model) fit(lines []string) []string {
	all := strings.Split(strings.Join(lines, "\n"), "\n")
	if m.width > 0 {
		cut := lipgloss.NewStyle().MaxWidth(m.width)
		for i := range all {
			all[i] = cut.Render(all[i])
		}
	}
	const top, bottom = 3, 3 // heading and table's head; footer
	if m.height <= 0 || len(all) <= max(m.height, top+bottom) {
		return all
	}
	room := max(1, m.height-top-bottom)
	body := all[top : len(all)-bottom]
	from := max(0, min(m.rowOfChosen()-room/2, len(body)-room))
	return append(append(all[:top:top], body[from:min(from+room, len(body))]...), all[len(all)-bottom:]...)
}

// rowOfChosen is the chosen experiment's line in the table's body.
func (m *model) rowOfChosen() (row int) {
	for _, e := range m.all[:m.chosen] {
		row += 1 + len(e.Candidates())
	}
	return row
}

// headers begin with what matters most: a narrow terminal has no room for the last ones.
var headers = []string{"", "EXPERIMENT", "VERDICT", "STATE", "SAMPLE", "TRIALS", "REQ/S", "", "P50", "P99", "DROPS/S"}

// shortest is how much of a name is shown before columns are left out.
const shortest = 20

func (m *model) table() string {
	rows := [][]string{headers}
	for i, e := range m.all {
		rows = append(rows, m.experiment(i, &e))
		for _, a := range e.Candidates() {
			rows = append(rows, m.candidate(a))
		}
	}
	if m.width > 0 {
		rows = narrow(rows, m.width)
	}
	t := table.New().Headers(rows[0]...).Rows(rows[1:]...).Wrap(false).
		Border(lipgloss.HiddenBorder()).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderHeader(false).BorderColumn(false).
		StyleFunc(func(row, col int) lipgloss.Style {
			style := lipgloss.NewStyle().PaddingRight(len(gap))
			if row == table.HeaderRow && !m.plain {
				style = style.Faint(true)
			}
			if col >= 4 && col != 7 {
				style = style.Align(lipgloss.Right)
			}
			return style
		})
	return t.String()
}

// narrow makes rows fit a width: it shortens the names, and leaves out the last columns. A cell that is cut would show
// another number.
func narrow(rows [][]string, width int) [][]string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], lipgloss.Width(cell)+len(gap))
		}
	}
	const name = 1
	wanted := widths[name]
	widths[name] = min(wanted, shortest+len(gap))
	total, columns := 0, 0
	for ; columns < len(widths) && (columns <= name || total+widths[columns] <= width); columns++ {
		total += widths[columns]
	}
	room := min(wanted, widths[name]+max(0, width-total)) - len(gap)
	all := make([][]string, len(rows))
	for i, row := range rows {
		all[i] = append([]string{row[0], ellipsis(row[name], room)}, row[name+1:columns]...)
	}
	return all
}

// ellipsis is text of at most a width.
func ellipsis(text string, width int) string {
	if lipgloss.Width(text) <= width {
		return text
	}
	return lipgloss.NewStyle().MaxWidth(width-1).Render(text) + "…"
}

func (m *model) experiment(i int, e *shape.Experiment) []string {
	pointer, name := " ", e.Name
	if i == m.chosen && !m.plain {
		pointer, name = "▸", m.paint(strong, e.Name)
	}
	p := m.pulses[e.Name]
	rate, drops := "", ""
	if len(p.rates) > 0 {
		rate, drops = fmt.Sprintf("%.0f", last(p.rates)), fmt.Sprintf("%.0f", p.drops)
	}
	if p.drops >= 1 {
		drops = m.paint(yellow, drops)
	}
	p50, p99 := latency(control(e))
	return []string{pointer, name, m.outcome(e.Outcome), m.state(e), share(e.Sample), fmt.Sprint(e.Trials), rate, spark(p.rates), p50, p99, drops}
}

// candidate is a row below its experiment's: how often it matches, and how long it takes.
func (m *model) candidate(a shape.Arm) []string {
	p50, p99 := latency(&a)
	matches := ""
	if a.Trials > 0 {
		matches = fmt.Sprintf("%.4g%% match", 100*float64(a.Matches)/float64(a.Trials))
	}
	return []string{"", "  " + a.Name, m.outcome(a.Verdict.Outcome), matches, "", fmt.Sprint(a.Trials), "", "", p50, p99, ""}
}

func control(e *shape.Experiment) *shape.Arm {
	for i := range e.Arms {
		if e.Arms[i].Role == assay.RoleControl {
			return &e.Arms[i]
		}
	}
	return &shape.Arm{}
}

func latency(a *shape.Arm) (p50, p99 string) {
	if a.LatencyMS == nil {
		return "", ""
	}
	return milliseconds(a.LatencyMS.P50), milliseconds(a.LatencyMS.P99)
}

// milliseconds writes a duration with three digits, from a second on in seconds.
func milliseconds(ms float64) string {
	if ms < 999.5 {
		return fmt.Sprintf("%.3g ms", ms)
	}
	return fmt.Sprintf("%.3g s", ms/1000)
}

func (m *model) state(e *shape.Experiment) string {
	if e.Tripped != "" {
		return m.paint(red, "tripped: "+e.Tripped)
	}
	if e.State == assay.StatePaused {
		return m.paint(yellow, string(e.State))
	}
	return string(e.State)
}

func (m *model) outcome(c assay.Conclusion) string {
	switch c {
	case assay.Holds:
		return m.paint(green, string(c))
	case assay.Refuted:
		return m.paint(red, string(c))
	}
	return string(c)
}

func (m *model) paint(s lipgloss.Style, text string) string {
	if m.plain {
		return text
	}
	return s.Render(text)
}

func share(x float64) string { return fmt.Sprintf("%.5g%%", x*100) }

func last(rates []float64) float64 {
	if len(rates) == 0 {
		return 0
	}
	return rates[len(rates)-1]
}

// spark draws numbers from 0 to the largest, in eighths of a line.
func spark(rates []float64) string {
	blocks := []rune("▁▂▃▄▅▆▇█")
	highest := 0.0
	for _, r := range rates {
		highest = max(highest, r)
	}
	line := make([]rune, 0, memory)
	for _, r := range rates {
		step := 0
		if highest > 0 {
			step = int(r / highest * float64(len(blocks)-1))
		}
		line = append(line, blocks[step])
	}
	return string(line)
}
