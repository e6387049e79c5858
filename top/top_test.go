package top

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// bench is a laboratory of values.
type bench struct {
	all    []shape.Experiment
	err    error
	orders []string
}

func (b *bench) Experiments(context.Context) ([]shape.Experiment, error) { return b.all, b.err }

func (b *bench) Order(_ context.Context, experiment, order string, share float64) error {
	b.orders = append(b.orders, fmt.Sprintf("%s %s %g", order, experiment, share))
	return b.err
}

func experiment(name string, requests int64) shape.Experiment {
	return shape.Experiment{
		Name: name, State: assay.StateRunning, Sample: 0.1, Requests: requests, Trials: requests / 10, Outcome: assay.Refuted,
		Dropped: map[string]int64{"queue_full": requests / 100},
		Arms: []shape.Arm{
			{Name: "control", Role: assay.RoleControl, LatencyMS: &assay.Latency{P50: 1.23, P99: 10_087.8}},
			{Name: "new", Role: assay.RoleCandidate, Candidate: &shape.Candidate{Trials: 100, Matches: 95, Verdict: assay.Verdict{Outcome: assay.Refuted}}},
		},
	}
}

// watch is a model that looked at a laboratory once a second.
func watch(t *testing.T, b *bench, looks ...[]shape.Experiment) *model {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m := newModel(t.Context(), Options{Laboratory: b, Title: "lab", Every: time.Second, Now: func() time.Time { return now }})
	m.Update(tea.WindowSizeMsg{Width: 110, Height: 30})
	for _, look := range looks {
		b.all = look
		m.Update(m.lookNow())
		now = now.Add(time.Second)
	}
	return m
}

func press(m *model, key rune) {
	if _, cmd := m.Update(tea.KeyPressMsg{Code: key, Text: string(key)}); cmd != nil {
		m.Update(cmd())
	}
}

func TestScreen(t *testing.T) {
	m := watch(t, &bench{}, []shape.Experiment{experiment("a", 1000)}, []shape.Experiment{experiment("a", 1400)}, []shape.Experiment{experiment("a", 2200)})
	text := m.screen()
	for _, want := range []string{"experiments: 1  800 requests/s", "running", "10%", "▄█", "1.23 ms", "10.1 s", "95% match", "refuted", "q leave"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q on\n%s", want, text)
		}
	}
}

// TestCountsThatBeginAnew are no negative rates.
func TestCountsThatBeginAnew(t *testing.T) {
	m := watch(t, &bench{}, []shape.Experiment{experiment("a", 1000)}, []shape.Experiment{experiment("a", 10)})
	if rates := m.pulses["a"].rates; len(rates) != 0 {
		t.Errorf("rates %v", rates)
	}
}

// TestNothingGrows: a sparkline remembers so much, and what is gone is forgotten.
func TestNothingGrows(t *testing.T) {
	var looks [][]shape.Experiment
	for i := range int64(100) {
		looks = append(looks, []shape.Experiment{experiment("a", 1000*i), experiment(fmt.Sprint("b", i), 5)})
	}
	m := watch(t, &bench{}, looks...)
	if n := len(m.pulses["a"].rates); n != memory || len(m.pulses) != 2 {
		t.Errorf("%d rates, %d pulses", n, len(m.pulses))
	}
}

func TestScreensFit(t *testing.T) {
	var many []shape.Experiment
	for i := range 40 {
		many = append(many, experiment(fmt.Sprintf("experiment-with-a-long-name-%02d", i), 5))
	}
	m := watch(t, &bench{}, many)
	for _, size := range []tea.WindowSizeMsg{{Width: 110, Height: 30}, {Width: 40, Height: 12}, {Width: 20, Height: 4}} {
		m.Update(size)
		for range 45 {
			press(m, 'j')
		}
		lines := strings.Split(m.screen(), "\n")
		if len(lines) > max(size.Height, 7) {
			t.Errorf("%v: %d lines", size, len(lines))
		}
		for _, line := range lines {
			if w := lipgloss.Width(line); w > size.Width {
				t.Errorf("%v: a line of %d", size, w)
			}
		}
	}
	m.Update(tea.WindowSizeMsg{Width: 110, Height: 30})
	if text := m.screen(); !strings.Contains(text, "long-name-39") || strings.Contains(text, "long-name-00") {
		t.Errorf("the chosen one is not in sight:\n%s", text)
	}
}

// TestTheSmallest: no screen is too small, whatever there is to show.
func TestTheSmallest(t *testing.T) {
	for name, all := range map[string][]shape.Experiment{"none": {}, "one": {experiment("a", 1)}} {
		m := watch(t, &bench{}, all)
		for height := range 12 {
			m.Update(tea.WindowSizeMsg{Width: 20, Height: height})
			if n := len(strings.Split(m.screen(), "\n")); height > 6 && n > height {
				t.Errorf("%s: %d lines of %d", name, n, height)
			}
		}
	}
}

// TestTheChosenStaysChosen: an order is for what was chosen, also when another experiment has come before it.
func TestTheChosenStaysChosen(t *testing.T) {
	b := &bench{}
	m := watch(t, b, []shape.Experiment{experiment("b", 1), experiment("c", 1)})
	press(m, 'j')
	for _, all := range [][]shape.Experiment{{experiment("a", 1), experiment("b", 1), experiment("c", 1)}, {experiment("c", 1)}, {experiment("a", 1), experiment("b", 1)}} {
		b.all = all
		m.Update(m.lookNow())
		press(m, 'p')
	}
	if got := strings.Join(b.orders, ", "); got != "pause c 0.1, pause c 0.1, pause a 0.1" {
		t.Errorf("ordered %s", got)
	}
}

// TestNarrowScreensCutNoNumber: a column is there as a whole or not at all, and the verdict is to the last.
func TestNarrowScreensCutNoNumber(t *testing.T) {
	e := experiment("an-experiment-with-quite-a-long-name", 987_650)
	m := watch(t, &bench{}, []shape.Experiment{e})
	for width := 200; width >= 40; width-- {
		m.Update(tea.WindowSizeMsg{Width: width, Height: 24})
		text := m.screen()
		if strings.Contains(text, "TRIALS") != strings.Contains(text, "98765") || strings.Contains(text, "P50") != strings.Contains(text, "1.23 ms") ||
			!strings.Contains(text, "refuted") || !strings.Contains(text, "q leave") {
			t.Fatalf("at %d columns:\n%s", width, text)
		}
	}
}

func TestKeys(t *testing.T) {
	b := &bench{}
	m := watch(t, b, []shape.Experiment{experiment("a", 1), experiment("b", 2)})
	for _, key := range "pj+-r" {
		press(m, key)
	}
	if got := strings.Join(b.orders, ", "); got != "pause a 0.1, ramp b 0.25, ramp b 0.05, resume b 0.1" {
		t.Errorf("ordered %s", got)
	}
	if !strings.Contains(m.screen(), "done: resume b") {
		t.Errorf("nobody says that it is done:\n%s", m.screen())
	}
	b.err = errors.New("no laboratory answers")
	press(m, 'p')
	if text := m.screen(); !strings.Contains(text, "no laboratory answers") || !strings.Contains(text, "95% match") {
		t.Errorf("trouble is not told, or the last look is gone:\n%s", text)
	}
	if _, cmd := m.Update(tea.KeyPressMsg{Code: 'q', Text: "q"}); cmd == nil {
		t.Error("q does not leave")
	}
}

func TestOnce(t *testing.T) {
	text, err := Once(t.Context(), Options{Laboratory: &bench{all: []shape.Experiment{experiment("a", 1000)}}, Title: "lab", Now: time.Now})
	if err != nil || !strings.Contains(text, "95% match") || strings.Contains(text, "\x1b") || strings.Contains(text, "q leave") {
		t.Errorf("%v\n%q", err, text)
	}
	if text, err := Once(t.Context(), Options{Laboratory: &bench{}, Title: "lab", Now: time.Now}); err != nil || !strings.Contains(text, "There is no experiment") {
		t.Errorf("%v\n%s", err, text)
	}
	if _, err := Once(t.Context(), Options{Laboratory: &bench{err: errors.New("away")}, Now: time.Now}); err == nil {
		t.Error("what failed is swallowed")
	}
}
