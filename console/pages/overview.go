package pages

import (
	"net/http"
)

// overviewView is what the overview shows.
type overviewView struct {
	Experiments []experimentView
	Address     string // of this console, for commands to copy
	Guarded     bool   // it asks for a token
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
	return p.show(w, http.StatusOK, "overview", page{Title: "Experiments", Section: "/", Live: "experiments", Body: view})
}
