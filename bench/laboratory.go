package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// laboratory is a running `assay up`.
type laboratory struct {
	*process
	gateway, console string // URLs
}

// experiment is what a definition here varies. Its path is its name; what follows is the control's.
type experiment struct {
	name      string
	control   string
	candidate string
	sample    string
	budget    string // as YAML; the default if empty
}

func (e experiment) yaml() string {
	budget := ""
	if e.budget != "" {
		budget = "\n    budget: " + e.budget
	}
	return fmt.Sprintf("  %s:\n    path: /%[1]s/*\n    unsafe: true\n    sample: %s%s\n    control: {url: %q}\n    candidates: {it: {url: %q}}\n",
		e.name, e.sample, budget, e.control, e.candidate)
}

var readyLine = regexp.MustCompile(`msg=ready gateway=(\S+) aws=\S+ console=(\S+)`)

// open starts a laboratory with these experiments and a fresh folder.
func open(s *stage, o options, experiments ...experiment) (*laboratory, error) {
	data, err := os.MkdirTemp(s.dir, "data-")
	if err != nil {
		return nil, err
	}
	text := "experiments:\n"
	for _, e := range experiments {
		text += e.yaml()
	}
	file := filepath.Join(data, "bench.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return launch(o, "-f", file, "--data", filepath.Join(data, "kept"))
}

// launch starts a laboratory.
func launch(o options, args ...string) (*laboratory, error) {
	p, err := start(o.assay, append([]string{"up", "--gateway", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--console", "127.0.0.1:0"}, args...)...)
	if err != nil {
		return nil, err
	}
	l := &laboratory{process: p}
	err = p.until("ready", func() bool {
		m := readyLine.FindStringSubmatch(p.log.String())
		if m == nil {
			return false
		}
		l.gateway, l.console = "http://"+m[1], "http://"+m[2]
		return true
	})
	if err != nil {
		p.stop()
		return nil, err
	}
	return l, nil
}

// counts of one experiment.
type counts struct {
	Sampled  int64            `json:"sampled"`
	Trials   int64            `json:"trials"`
	Dropped  map[string]int64 `json:"dropped"`
	InFlight int64            `json:"in_flight"`
}

func (l *laboratory) counts(experiment string) (c counts, err error) {
	resp, err := http.Get(l.console + "/api/v1/experiments/" + experiment)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return c, errors.New("the console answers " + resp.Status)
	}
	return c, json.NewDecoder(resp.Body).Decode(&c)
}

// settled waits until nothing is in flight, and checks that the counts add up.
func (l *laboratory) settled(experiment string) (counts, error) {
	var c counts
	var err error
	if waiting := l.until("settled", func() bool { c, err = l.counts(experiment); return err != nil || c.InFlight == 0 }); waiting != nil {
		return c, waiting
	}
	if err != nil {
		return c, err
	}
	dropped := int64(0)
	for _, n := range c.Dropped {
		dropped += n
	}
	if c.Sampled != c.Trials+dropped {
		return c, fmt.Errorf("%s: counts do not add up: %+v", experiment, c)
	}
	return c, nil
}

// measured runs a measurement on a laboratory of its own.
func measured(s *stage, o options, experiments []experiment, do func(*laboratory) ([]row, error)) ([]row, error) {
	l, err := open(s, o, experiments...)
	if err != nil {
		return nil, err
	}
	defer l.stop()
	rows, err := do(l)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, tail(l.log.String()))
	}
	return rows, nil
}

func tail(text string) string { return strings.TrimSpace(text[max(0, len(text)-2000):]) }

// perSecond is how many there were of what took this long.
func perSecond(n int64, d time.Duration) float64 { return float64(n) / d.Seconds() }
