package awsapi

import (
	"strconv"

	"github.com/assaylab/assay/lambda/control"
)

func publishLayer(c *call, in control.PublishLayerVersionInput) (any, error) {
	v, err := c.opts.Plane.PublishLayerVersion(c.r.Context(), c.r.PathValue("LayerName"), in)
	return c.linked(v), err
}

func getLayer(c *call) (any, error) {
	v, err := c.opts.Plane.GetLayerVersion(c.r.PathValue("LayerName"), c.layerVersion())
	return c.linked(v), err
}

func getLayerByARN(c *call) (any, error) {
	v, err := c.opts.Plane.GetLayerVersionByArn(c.query("Arn"))
	return c.linked(v), err
}

func deleteLayer(c *call) (any, error) {
	return nothing(c.opts.Plane.DeleteLayerVersion(c.r.PathValue("LayerName"), c.layerVersion()))
}

func listLayerVersions(c *call) (any, error) {
	marker, max := c.page()
	return c.opts.Plane.ListLayerVersions(c.r.PathValue("LayerName"), c.query("CompatibleRuntime"), c.query("CompatibleArchitecture"), marker, max), nil
}

func listLayers(c *call) (any, error) {
	marker, max := c.page()
	return c.opts.Plane.ListLayers(c.query("CompatibleRuntime"), c.query("CompatibleArchitecture"), marker, max), nil
}

func (c *call) layerVersion() int64 {
	n, _ := strconv.ParseInt(c.r.PathValue("VersionNumber"), 10, 64) // a number, the model says
	return n
}

// linked adds a link to a layer's zip.
func (c *call) linked(v control.LayerVersion) control.LayerVersion {
	v.Content.Location = c.link("layers", v.LayerArn, strconv.FormatInt(v.Version, 10))
	return v
}
