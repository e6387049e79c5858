package pages

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/assaylab/assay/console/shape"
)

// healthView is how the laboratory itself is, as its page shows it.
type healthView struct {
	*shape.Health
	Worries []worry
}

// worry is something that needs a look, and where to.
type worry struct{ What, Says, At string }

func (p *Pages) healthPage(w http.ResponseWriter, r *http.Request) error {
	h, err := p.opt.Health(r.Context())
	if err != nil {
		return err
	}
	v := &healthView{Health: h, Worries: worriesOf(h)}
	return p.show(w, http.StatusOK, "health", page{Title: "Health", Section: "/health", Live: "experiments", Body: v})
}

// nearlyFull is the share of a budget from which on it is worth a word.
const nearlyFull = 0.9

// worriesOf lists what needs a look, the laboratory's own first.
func worriesOf(h *shape.Health) (all []worry) {
	add := func(at, what, says string, args ...any) {
		all = append(all, worry{what, fmt.Sprintf(says, args...), at})
	}
	if h.NotReady != "" {
		add("#store", "Not ready", "%s", h.NotReady)
	}
	if h.House != nil {
		if h.Stream != nil && !h.Stream.Connected {
			add("#store", "Stream", "no server is connected: offers wait in memory, and are dropped when there is no room")
		}
		for _, f := range h.Machine.Findings {
			if f.State == "wrong" {
				add("#machine", f.What, "%s", f.Says)
			}
		}
		for _, b := range []struct {
			name string
			g    shape.Gauge
		}{{"candidate calls", h.House.Budgets.Calls}, {"trials waiting", h.House.Budgets.Waiting}, {"bytes held", h.House.Budgets.Bytes}} {
			if b.g.Share() >= nearlyFull {
				add("#budgets", "Budget", "%s of all %s are in use", percent(b.g.Share()), b.name)
			}
		}
	}
	for i := range h.Experiments {
		all = append(all, experimentWorries(&h.Experiments[i])...)
	}
	return all
}

func experimentWorries(e *shape.ExperimentHealth) (all []worry) {
	at := "#experiment-" + e.Name
	if e.Tripped != "" {
		all = append(all, worry{e.Name, "it has paused itself: the limit of " + e.Tripped + " was passed", at})
	}
	for _, b := range e.Breakers {
		if b.Open {
			all = append(all, worry{e.Name, "the breaker of " + b.Arm + " is open: it faults, and is left out", at})
		}
	}
	if dropped := ranked(e.Dropped); len(dropped) > 0 {
		all = append(all, worry{e.Name, count(sum(dropped)) + " sampled requests were dropped, most of them: " + dropped[0].Reason, at})
	}
	return all
}

// Drops lists what an experiment dropped, most first.
func (healthView) Drops(e shape.ExperimentHealth) []reasonCount { return ranked(e.Dropped) }

// LeftOut lists the candidates for which calls were left out.
func (healthView) LeftOut(e shape.ExperimentHealth) []reasonCount { return ranked(e.LeftOut) }

// Listens says where, one address after the other.
func (v healthView) Listens() []string {
	var all []string
	for name, at := range v.Addresses {
		all = append(all, name+" "+at)
	}
	slices.Sort(all)
	return all
}

// Findings are those that are not good, then the others.
func (v healthView) Findings() []shape.Finding {
	all := slices.Clone(v.Machine.Findings)
	rank := map[string]int{"wrong": 0, "lacking": 1, "good": 2}
	slices.SortStableFunc(all, func(a, b shape.Finding) int { return rank[a.State] - rank[b.State] })
	return all
}

// Revision is the version-control system's, short.
func (v healthView) Revision() string {
	text := short(v.Build["revision"])
	if v.Build["modified"] == "true" {
		text += ", with changes"
	}
	return strings.TrimPrefix(text, ", ")
}
