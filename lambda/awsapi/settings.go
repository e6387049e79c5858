package awsapi

import (
	"net/http"

	"github.com/assaylab/assay/lambda/control"
)

type concurrencyInput struct{ ReservedConcurrentExecutions int }

func putConcurrency(c *call, t target, in concurrencyInput) (any, error) {
	return c.opts.Plane.PutFunctionConcurrency(t.name, in.ReservedConcurrentExecutions)
}

func getConcurrency(c *call, t target) (any, error) {
	return c.opts.Plane.GetFunctionConcurrency(t.name)
}

func deleteConcurrency(c *call, t target) (any, error) {
	return nothing(c.opts.Plane.DeleteFunctionConcurrency(t.name))
}

type provisionedInput struct{ ProvisionedConcurrentExecutions int }

func putProvisioned(c *call, t target, in provisionedInput) (any, error) {
	return c.opts.Plane.PutProvisionedConcurrencyConfig(t.name, t.qualifier, in.ProvisionedConcurrentExecutions)
}

func getProvisioned(c *call, t target) (any, error) {
	return c.opts.Plane.GetProvisionedConcurrencyConfig(t.name, t.qualifier)
}

func deleteProvisioned(c *call, t target) (any, error) {
	return nothing(c.opts.Plane.DeleteProvisionedConcurrencyConfig(t.name, t.qualifier))
}

func listProvisioned(c *call, t target) (any, error) {
	marker, max := c.page()
	return c.opts.Plane.ListProvisionedConcurrencyConfigs(t.name, marker, max)
}

func putEvents(c *call, t target, in control.EventInvokeConfigInput) (any, error) {
	return c.opts.Plane.PutFunctionEventInvokeConfig(t.name, t.qualifier, in)
}

func updateEvents(c *call, t target, in control.EventInvokeConfigInput) (any, error) {
	return c.opts.Plane.UpdateFunctionEventInvokeConfig(t.name, t.qualifier, in)
}

func getEvents(c *call, t target) (any, error) {
	return c.opts.Plane.GetFunctionEventInvokeConfig(t.name, t.qualifier)
}

func deleteEvents(c *call, t target) (any, error) {
	return nothing(c.opts.Plane.DeleteFunctionEventInvokeConfig(t.name, t.qualifier))
}

func listEvents(c *call, t target) (any, error) {
	marker, max := c.page()
	return c.opts.Plane.ListFunctionEventInvokeConfigs(t.name, marker, max)
}

func createURL(c *call, t target, in control.FunctionURLConfigInput) (any, error) {
	u, err := c.opts.Plane.CreateFunctionURLConfig(t.name, t.qualifier, in)
	return c.here(u), err
}

func getURL(c *call, t target) (any, error) {
	u, err := c.opts.Plane.GetFunctionURLConfig(t.name, t.qualifier)
	return c.here(u), err
}

func updateURL(c *call, t target, in control.FunctionURLConfigInput) (any, error) {
	u, err := c.opts.Plane.UpdateFunctionURLConfig(t.name, t.qualifier, in)
	return c.here(u), err
}

func deleteURL(c *call, t target) (any, error) {
	return nothing(c.opts.Plane.DeleteFunctionURLConfig(t.name, t.qualifier))
}

func listURLs(c *call, t target) (any, error) {
	marker, max := c.page()
	out, err := c.opts.Plane.ListFunctionURLConfigs(t.name, marker, max)
	for i, u := range out.FunctionUrlConfigs {
		out.FunctionUrlConfigs[i] = c.here(u)
	}
	return out, err
}

func createMapping(c *call, in control.EventSourceMappingInput) (any, error) {
	return c.mapped(in, func(in control.EventSourceMappingInput) (any, error) {
		return c.opts.Plane.CreateEventSourceMapping(in)
	})
}

func updateMapping(c *call, in control.EventSourceMappingInput) (any, error) {
	return c.mapped(in, func(in control.EventSourceMappingInput) (any, error) {
		return c.opts.Plane.UpdateEventSourceMapping(c.r.PathValue("UUID"), in)
	})
}

// mapped checks the region of the function that a mapping names.
func (c *call) mapped(in control.EventSourceMappingInput, then func(control.EventSourceMappingInput) (any, error)) (any, error) {
	if in.FunctionName != "" {
		if _, err := c.refer(in.FunctionName); err != nil {
			return nil, err
		}
	}
	return then(in)
}

func getMapping(c *call) (any, error) {
	return c.opts.Plane.GetEventSourceMapping(c.r.PathValue("UUID"))
}

func deleteMapping(c *call) (any, error) {
	return c.opts.Plane.DeleteEventSourceMapping(c.r.PathValue("UUID"))
}

func listMappings(c *call) (any, error) {
	marker, max := c.page()
	return c.opts.Plane.ListEventSourceMappings(c.query("EventSourceArn"), c.query("FunctionName"), marker, max)
}

// accepted is InvokeAsync's answer.
type accepted struct{ Status int }

func (a accepted) write(c *call) { writeJSON(c.w, http.StatusAccepted, a) }
