package awsapi

import "github.com/assaylab/assay/lambda/control"

func createFunction(c *call, in control.CreateFunctionInput) (any, error) {
	ref, err := c.refer(in.FunctionName)
	if err != nil {
		return nil, err
	}
	in.FunctionName = ref.Name
	return c.opts.Plane.CreateFunction(c.r.Context(), in)
}

// getFunction has a link to the code that works for ten minutes, as AWS's does.
func getFunction(c *call, t target) (any, error) {
	out, err := c.opts.Plane.GetFunction(t.name, t.qualifier)
	if err != nil {
		return nil, err
	}
	out.Code.RepositoryType = "S3"
	out.Code.Location = c.link("functions", t.name, out.Configuration.Version)
	return out, nil
}

func getConfiguration(c *call, t target) (any, error) {
	return c.opts.Plane.GetFunctionConfiguration(t.name, t.qualifier)
}

func updateCode(c *call, t target, in control.UpdateFunctionCodeInput) (any, error) {
	return c.opts.Plane.UpdateFunctionCode(c.r.Context(), t.name, in)
}

func updateConfiguration(c *call, t target, in control.UpdateFunctionConfigurationInput) (any, error) {
	return c.opts.Plane.UpdateFunctionConfiguration(c.r.Context(), t.name, in)
}

func listFunctions(c *call) (any, error) {
	marker, max := c.page()
	return c.opts.Plane.ListFunctions(marker, max, c.query("FunctionVersion") == "ALL"), nil
}

func deleteFunction(c *call, t target) (any, error) {
	return nothing(c.opts.Plane.DeleteFunction(t.name, t.qualifier))
}

func publishVersion(c *call, t target, in control.PublishVersionInput) (any, error) {
	return c.opts.Plane.PublishVersion(t.name, in)
}

func listVersions(c *call, t target) (any, error) {
	marker, max := c.page()
	return c.opts.Plane.ListVersionsByFunction(t.name, marker, max)
}

func createAlias(c *call, t target, in control.CreateAliasInput) (any, error) {
	return c.opts.Plane.CreateAlias(t.name, in)
}

func getAlias(c *call, t target) (any, error) {
	return c.opts.Plane.GetAlias(t.name, c.r.PathValue("Name"))
}

func updateAlias(c *call, t target, in control.UpdateAliasInput) (any, error) {
	return c.opts.Plane.UpdateAlias(t.name, c.r.PathValue("Name"), in)
}

func deleteAlias(c *call, t target) (any, error) {
	return nothing(c.opts.Plane.DeleteAlias(t.name, c.r.PathValue("Name")))
}

func listAliases(c *call, t target) (any, error) {
	marker, max := c.page()
	return c.opts.Plane.ListAliases(t.name, c.query("FunctionVersion"), marker, max)
}
