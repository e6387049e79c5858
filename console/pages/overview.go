package pages

import (
	"net/http"

	"github.com/assaylab/assay"
)

// overviewView is what the overview shows.
type overviewView struct {
	Experiments []experimentView
	Address     string // of this console, for commands to copy
	Guarded     bool   // it asks for a token
	Tally       []tally
}

// tally is the experiments that came to one conclusion.
type tally struct {
	Outcome assay.Conclusion
	Names   []string
}

// tallied groups experiments by what they came to, what asks for something first.
func tallied(all []experimentView) (groups []tally) {
	for _, outcome := range []assay.Conclusion{assay.Refuted, assay.Inconclusive, assay.Holds} {
		t := tally{Outcome: outcome}
		for i := range all {
			if all[i].Outcome == outcome {
				t.Names = append(t.Names, all[i].Name)
			}
		}
		if len(t.Names) > 0 {
			groups = append(groups, t)
		}
	}
	return groups
}

func (p *Pages) overviewPage(w http.ResponseWriter, r *http.Request) error {
	reports, err := p.opt.Laboratory.Reports(r.Context())
	if err != nil {
		return err
	}
	view, fns := overviewView{Address: r.Host, Guarded: p.opt.Guarded}, p.deployed()
	for i := range reports {
		view.Experiments = append(view.Experiments, viewExperiment(&reports[i], fns))
	}
	view.Tally = tallied(view.Experiments)
	return p.show(w, http.StatusOK, "overview", page{Title: "Overview", Section: "/", Live: "experiments", Body: view})
}
