package console

import (
	"net/http"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/charts"
)

// inventoryCalls are the API's calls about what the engine has of a function.
func (c *Console) inventoryCalls() map[string]operation {
	return map[string]operation{
		"GET /api/v1/functions/{name}/versions": c.inventory(func(i assay.Inventory) any {
			return map[string]any{"versions": append([]assay.FunctionVersion{}, i.Versions...)}
		}),
		"GET /api/v1/functions/{name}/aliases": c.inventory(func(i assay.Inventory) any {
			return map[string]any{"aliases": append([]assay.Alias{}, i.Aliases...)}
		}),
		"GET /api/v1/functions/{name}/environments": c.inventory(func(i assay.Inventory) any {
			return map[string]any{"environments": append([]assay.FunctionEnvironment{}, i.Environments...)}
		}),
		"GET /api/v1/functions/{name}/charts/{chart}": c.functionChart,
	}
}

// inventory answers with a part of a function's inventory.
func (c *Console) inventory(part func(assay.Inventory) any) operation {
	return func(w http.ResponseWriter, r *http.Request) error {
		all, err := c.opt.Functions.Inventory(r.PathValue("name"))
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, part(all))
	}
}

// functionCharts are those that a function has, by their names in addresses.
var functionCharts = map[string]func([]assay.FunctionMinute) charts.Chart{
	"invocations": charts.Invocations, "durations": charts.Durations,
}

func (c *Console) functionChart(w http.ResponseWriter, r *http.Request) error {
	all, err := c.opt.Functions.Inventory(r.PathValue("name"))
	if err != nil {
		return err
	}
	draw, known := functionCharts[r.PathValue("chart")]
	if !known {
		return &assay.Error{Code: assay.CodeNotFound, What: "no such chart", Where: r.PathValue("chart"), Hint: "there are invocations and durations"}
	}
	chart := draw(all.Minutes)
	return writeChart(w, r, &chart)
}
