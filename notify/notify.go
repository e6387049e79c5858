package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

// lookEvery is how often reports are looked at.
const lookEvery = time.Second

// Options of a Notifier. Reports and Env are needed.
type Options struct {
	Reports func(context.Context) ([]assay.Report, error)
	Alarms  func(context.Context, *assay.Report) (map[string][]string, error) // none if nil
	Env     func(string) (string, bool)
	Console string // where the pages are, for links; "" for none
	Memory  string // the file that remembers what was told; "": nothing does
	Log     *slog.Logger
	Now     func() time.Time
}

// Notifier looks at reports and tells channels what is new. It is safe for concurrent use.
type Notifier struct {
	opt    Options
	memory *memory
	counts counts

	mu      sync.Mutex
	tellers []*teller

	drops   map[string]*drops // by experiment; Run's alone
	failing bool              // likewise
}

// New returns a notifier without channels.
func New(o Options) (*Notifier, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m, err := openMemory(o.Memory)
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "what was told before cannot be read: " + err.Error(), Where: o.Memory, Hint: "remove the file: what stands is told again then"}
	}
	return &Notifier{opt: o, memory: m, drops: map[string]*drops{}}, nil
}

// Set replaces the channels. Those that stay as they are go on.
func (n *Notifier) Set(channels []assay.Channel) {
	n.mu.Lock()
	defer n.mu.Unlock()
	leaving := n.tellers
	n.tellers = nil
	for _, c := range channels {
		id := identity(c)
		var t *teller
		if i := slices.IndexFunc(leaving, func(t *teller) bool { return t.id == id }); i >= 0 {
			t = leaving[i]
			leaving = slices.Delete(leaving, i, i+1)
		} else {
			t = newTeller(id, c, n)
		}
		t.wants = c.Wants
		n.tellers = append(n.tellers, t)
	}
	for _, t := range leaving {
		t.stop()
	}
	for _, t := range leaving {
		<-t.ended
	}
}

// identity tells channels apart. What they tell of may change without their being told all again.
func identity(c assay.Channel) string {
	c.On = nil
	text, _ := json.Marshal(c) // plain strings
	sum := sha256.Sum256(text)
	return string(c.Kind) + "-" + hex.EncodeToString(sum[:6])
}

// Run looks until ctx ends, and waits for what is being sent then.
func (n *Notifier) Run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if n.wanted() {
			n.look(ctx)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	n.Set(nil)
}

func (n *Notifier) wanted() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.tellers) > 0
}

// look finds what stands, and has told what was not.
func (n *Notifier) look(ctx context.Context) {
	events, names, err := n.events(ctx)
	if (err != nil) != n.failing && ctx.Err() == nil {
		if n.failing = err != nil; n.failing {
			n.opt.Log.Error("nobody can be told of events: there are no reports", "error", err)
		}
	}
	if err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	channels := map[string]bool{}
	for _, t := range n.tellers {
		channels[t.id] = true
		for _, e := range events {
			t.offer(e)
		}
	}
	n.remembered(n.memory.keep(channels, func(key string) bool { return names[experimentIn(key)] }))
}

// experimentIn is the experiment that a key names.
func experimentIn(key string) string {
	_, rest, _ := strings.Cut(key, "/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// remembered says when what was told cannot be written down.
func (n *Notifier) remembered(err error) {
	if err != nil {
		n.opt.Log.Error("what was told cannot be remembered: it may be told again after a restart", "error", err)
	}
}

func (n *Notifier) events(ctx context.Context) (all []Event, names map[string]bool, err error) {
	reports, err := n.opt.Reports(ctx)
	if err != nil {
		return nil, nil, err
	}
	now := n.opt.Now()
	names = map[string]bool{}
	for i := range reports {
		r := &reports[i]
		names[r.Experiment.Name] = true
		var alarms Alarms
		if n.opt.Alarms != nil {
			if alarms, err = n.opt.Alarms(ctx, r); err != nil {
				return nil, nil, err
			}
		}
		all = append(all, stands(r, alarms)...)
		if n.drops[r.Experiment.Name] == nil {
			n.drops[r.Experiment.Name] = &drops{}
		}
		if e, ok := n.drops[r.Experiment.Name].add(now, r); ok {
			all = append(all, e)
		}
	}
	for name := range n.drops {
		if !names[name] {
			delete(n.drops, name)
		}
	}
	for i := range all {
		all[i].Time, all[i].Link = now, n.link(all[i].Experiment)
	}
	return all, names, nil
}

func (n *Notifier) link(experiment string) string {
	if n.opt.Console == "" {
		return ""
	}
	return n.opt.Console + "/experiments/" + url.PathEscape(experiment)
}
