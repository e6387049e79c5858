package top

import (
	"context"
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/assaylab/assay/console/shape"
)

// memory is how many looks a sparkline remembers.
const memory = 24

// model is what is on the screen. It changes by messages alone, one at a time.
type model struct {
	ctx   context.Context
	opt   Options
	plain bool // no colours, no keys

	width, height int
	all           []shape.Experiment
	at            time.Time // when they were read
	pulses        map[string]*pulse
	chosen        int    // an index of all
	trouble       string // why the last look or order failed
	done          string // the last order that was carried out
}

// pulse is what an experiment did between looks.
type pulse struct {
	requests int64
	dropped  int64
	rates    []float64 // requests a second, the last one at the end
	drops    float64   // a second, of late
}

// looked is what a look found.
type looked struct {
	at          time.Time
	experiments []shape.Experiment
	err         error
}

// ordered is how an order ended.
type ordered struct {
	what string
	err  error
}

func newModel(ctx context.Context, o Options) *model {
	return &model{ctx: ctx, opt: o, pulses: map[string]*pulse{}}
}

// Init begins to look.
func (m *model) Init() tea.Cmd { return m.lookNow }

func (m *model) lookNow() tea.Msg {
	all, err := m.opt.Laboratory.Experiments(m.ctx)
	return looked{at: m.opt.Now(), experiments: all, err: err}
}

// Update takes in what happened, and says what to do next.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case looked:
		m.look(msg)
		return m, tea.Tick(m.opt.Every, func(time.Time) tea.Msg { return m.lookNow() })
	case ordered:
		m.trouble, m.done = "", msg.what
		if msg.err != nil {
			m.trouble, m.done = msg.err.Error(), ""
		}
	case tea.KeyPressMsg:
		return m, m.press(msg.String())
	}
	return m, nil
}

// look takes in what a look found. What failed leaves the screen as it was, and says so.
func (m *model) look(l looked) {
	if l.err != nil {
		m.trouble = l.err.Error()
		return
	}
	elapsed := l.at.Sub(m.at).Seconds()
	pulses := make(map[string]*pulse, len(l.experiments))
	for i := range l.experiments {
		e := &l.experiments[i]
		pulses[e.Name] = m.pulses[e.Name].next(e, elapsed)
	}
	m.chosen = m.again(l.experiments)
	m.all, m.at, m.pulses, m.trouble = l.experiments, l.at, pulses, ""
}

// again is where the chosen experiment is among those of another look: others may have come before it.
func (m *model) again(all []shape.Experiment) int {
	if m.chosen < len(m.all) {
		name := m.all[m.chosen].Name
		if i := slices.IndexFunc(all, func(e shape.Experiment) bool { return e.Name == name }); i >= 0 {
			return i
		}
	}
	return max(0, min(m.chosen, len(all)-1))
}

// next is the pulse after another look; p is nil before the first.
func (p *pulse) next(e *shape.Experiment, elapsed float64) *pulse {
	n := &pulse{requests: e.Requests, dropped: e.DroppedInAll()}
	if p == nil || elapsed <= 0 || e.Requests < p.requests { // counts begin anew with new evidence
		return n
	}
	n.rates = append(n.rates, p.rates[max(0, len(p.rates)-memory+1):]...)
	n.rates = append(n.rates, float64(n.requests-p.requests)/elapsed)
	n.drops = max(0, float64(n.dropped-p.dropped)/elapsed)
	return n
}

// press is what a key does.
func (m *model) press(key string) tea.Cmd {
	switch key {
	case "q", "esc", "ctrl+c":
		return tea.Quit
	case "up", "k":
		m.chosen = max(0, m.chosen-1)
	case "down", "j":
		m.chosen = min(m.chosen+1, max(0, len(m.all)-1))
	case "p", "r", "+", "-":
		if len(m.all) > 0 {
			return m.order(m.all[m.chosen], key)
		}
	}
	return nil
}

// order is what p, r, + and - stand for: pausing, resuming, and the next share up or down.
func (m *model) order(e shape.Experiment, key string) tea.Cmd {
	what, share := "ramp", e.Sample
	switch key {
	case "p":
		what = "pause"
	case "r":
		what = "resume"
	default:
		if share = nextShare(e.Sample, key == "+"); share == e.Sample {
			return nil
		}
	}
	return func() tea.Msg {
		said := what + " " + e.Name
		if what == "ramp" {
			said = fmt.Sprintf("ramp %s %g%%", e.Name, share*100)
		}
		return ordered{said, m.opt.Laboratory.Order(m.ctx, e.Name, what, share)}
	}
}

// shares are the steps of + and -.
var shares = []float64{0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1}

func nextShare(now float64, up bool) float64 {
	next := now
	for _, s := range shares {
		if up && s > now {
			return s
		}
		if !up && s < now {
			next = s
		}
	}
	return next
}

// View is the screen.
func (m *model) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	v.WindowTitle = "assay top"
	return v
}
