package pages

import (
	"net/http"
)

func (p *Pages) functionsPage(w http.ResponseWriter, _ *http.Request) error {
	return p.show(w, http.StatusOK, "functions", page{
		Title: "Functions", Section: "/functions", Live: "functions", Body: p.opt.Functions.Deployments(),
	})
}
