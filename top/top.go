// Package top shows experiments live in a terminal: in come experiments of the API, read again and again, and keys;
// out go screens, and orders to pause, resume and ramp.
package top

import (
	"context"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/assaylab/assay/console/shape"
)

// Laboratory is what is looked at.
type Laboratory interface {
	// Experiments are all there are, in the order to be shown.
	Experiments(context.Context) ([]shape.Experiment, error)
	// Order changes one: "pause", "resume", or "ramp" to a share from 0 to 1.
	Order(ctx context.Context, experiment, order string, share float64) error
}

// Options of a view.
type Options struct {
	Laboratory Laboratory
	Title      string        // of the first line: whose experiments these are
	Every      time.Duration // between two looks
	Now        func() time.Time
	In         io.Reader
	Out        io.Writer
	Env        []string // NO_COLOR, TERM and the like
}

// Run shows the experiments until somebody leaves, or ctx ends.
func Run(ctx context.Context, o Options) error {
	program := tea.NewProgram(newModel(ctx, o), tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out), tea.WithEnvironment(o.Env), tea.WithoutSignalHandler())
	_, err := program.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Once is a single screen, without colours.
func Once(ctx context.Context, o Options) (string, error) {
	m := newModel(ctx, o)
	m.width, m.plain = 120, true
	all, err := o.Laboratory.Experiments(ctx)
	if err != nil {
		return "", err
	}
	m.look(looked{at: o.Now(), experiments: all})
	return m.screen(), nil
}
