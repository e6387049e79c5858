package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"io"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
)

func getRoutes(ctx context.Context, p *process.Process, c *client, output string) error {
	data, err := c.read(ctx, "/routes")
	if err != nil {
		return err
	}
	return print(p.Stdout, output, data, func(w io.Writer) error {
		var list struct{ Routes []assay.Route }
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		var lines [][]string
		for _, r := range list.Routes {
			lines = append(lines, []string{cmp.Or(r.Method, "ANY"), r.Path, r.Function, cmp.Or(r.Event, "v2")})
		}
		return process.Rows(w, "METHOD PATH FUNCTION EVENT", lines)
	})
}
