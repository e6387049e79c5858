package control

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/assaylab/assay/lambda/code"
)

// layer is a name with its versions. Its lock guards it and is held while it changes.
type layer struct {
	mu       sync.RWMutex
	Name     string         `json:"name"`
	Last     int            `json:"last"` // the last number given to a version
	Versions []LayerVersion `json:"versions"`
}

// LayerVersion is AWS's, without the Content's Location, which is the door's to make: the zip is
// Plane.LayerZip's.
type LayerVersion struct {
	LayerArn                string `json:",omitempty"` // not in lists
	LayerVersionArn         string
	Version                 int64
	Description             string
	CreatedDate             string
	CompatibleRuntimes      []string     `json:",omitempty"`
	CompatibleArchitectures []string     `json:",omitempty"`
	LicenseInfo             string       `json:",omitempty"`
	Content                 LayerContent `json:",omitzero"` // not in lists

	Digest   string `json:"digest,omitempty"`   // hex SHA-256 of the zip; not AWS's
	Unzipped int64  `json:"unzipped,omitempty"` // bytes of its files; not AWS's
}

// LayerContent is AWS's LayerVersionContentOutput.
type LayerContent struct {
	Location   string `json:",omitempty"`
	CodeSha256 string
	CodeSize   int64
}

// PublishLayerVersionInput is AWS's.
type PublishLayerVersionInput struct {
	Description             string
	Content                 FunctionCode
	CompatibleRuntimes      []string
	CompatibleArchitectures []string
	LicenseInfo             string
}

// LayersListItem is AWS's.
type LayersListItem struct {
	LayerName             string
	LayerArn              string
	LatestMatchingVersion LayerVersion
}

// ListLayersOutput is AWS's.
type ListLayersOutput struct {
	Layers     []LayersListItem
	NextMarker string `json:",omitempty"`
}

// ListLayerVersionsOutput is AWS's.
type ListLayerVersionsOutput struct {
	LayerVersions []LayerVersion
	NextMarker    string `json:",omitempty"`
}

var (
	layerName       = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,140}$`)
	layerARN        = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:layer:([a-zA-Z0-9-_]+)$`)
	layerVersionARN = regexp.MustCompile(`^(arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:layer:([a-zA-Z0-9-_]+)):([0-9]+)$`)
)

// bareLayer is a layer's name, of a name or an ARN.
func bareLayer(s string) string {
	if m := layerARN.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return s
}

// public is what AWS tells of a version; in lists it tells less.
func (v LayerVersion) public(listed bool) LayerVersion {
	v.Digest, v.Unzipped = "", 0
	if listed {
		v.LayerArn, v.Content = "", LayerContent{}
	}
	return v
}

// PublishLayerVersion is AWS's.
func (p *Plane) PublishLayerVersion(ctx context.Context, name string, in PublishLayerVersionInput) (LayerVersion, error) {
	name = bareLayer(name)
	if !layerName.MatchString(name) {
		return LayerVersion{}, unfit(name, "layerName", "Member must satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+")
	}
	if len(in.Content.ZipFile) == 0 {
		return LayerVersion{}, invalid("Please provide the layer's content as ZipFile: the embedded engine has no S3.")
	}
	return p.publishLayer(ctx, name, in, bytes.NewReader(in.Content.ZipFile), code.MaxZip)
}

// DeployLayer publishes a version of a layer whose zip does not come in a request.
func (p *Plane) DeployLayer(ctx context.Context, name string, zip io.Reader) (LayerVersion, error) {
	return p.publishLayer(ctx, name, PublishLayerVersionInput{}, zip, code.MaxUnzipped)
}

func (p *Plane) publishLayer(ctx context.Context, name string, in PublishLayerVersionInput, zip io.Reader, limit int64) (LayerVersion, error) {
	defer p.sweep()
	defer p.code.Hold()()
	pack, err := p.code.Put(ctx, zip, limit)
	if err != nil {
		return LayerVersion{}, zipError(err)
	}
	v := LayerVersion{
		LayerArn: LayerARN(name), Description: in.Description, CreatedDate: stamp(p.opts.Now()),
		CompatibleRuntimes: in.CompatibleRuntimes, CompatibleArchitectures: in.CompatibleArchitectures, LicenseInfo: in.LicenseInfo,
		Content: LayerContent{CodeSha256: code.SHA256(pack.Digest), CodeSize: pack.Size}, Digest: pack.Digest, Unzipped: pack.Unzipped,
	}
	l := p.layer(name, true)
	l.mu.Lock()
	defer l.mu.Unlock()
	v.Version = int64(l.Last + 1)
	v.LayerVersionArn = fmt.Sprintf("%s:%d", v.LayerArn, v.Version)
	return v.public(false), p.saveLayer(l, l.Last+1, append(slices.Clone(l.Versions), v))
}

// layer finds a layer; with create it makes one that has no versions yet.
func (p *Plane) layer(name string, create bool) *layer {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.layers[name]
	if l == nil && create {
		l = &layer{Name: name}
		p.layers[name] = l
	}
	return l
}

// versions are a layer's, newest first, or none.
func (p *Plane) layerVersions(name string) []LayerVersion {
	l := p.layer(bareLayer(name), false)
	if l == nil {
		return nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	list := slices.Clone(l.Versions)
	slices.Reverse(list)
	return list
}

// layerVersion finds a version by its ARN.
func (p *Plane) layerVersion(arn string) (LayerVersion, error) {
	m := layerVersionARN.FindStringSubmatch(arn)
	if m == nil {
		return LayerVersion{}, unfit(arn, "layers", "Member must satisfy regular expression pattern: arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+")
	}
	for _, v := range p.layerVersions(m[2]) {
		if v.LayerVersionArn == arn {
			return v, nil
		}
	}
	return LayerVersion{}, invalid("Layer version %s does not exist.", arn)
}

// GetLayerVersion is AWS's.
func (p *Plane) GetLayerVersion(name string, version int64) (LayerVersion, error) {
	v, err := p.storedLayer(name, version)
	return v.public(false), err
}

func (p *Plane) storedLayer(name string, version int64) (LayerVersion, error) {
	for _, v := range p.layerVersions(name) {
		if v.Version == version {
			return v, nil
		}
	}
	return LayerVersion{}, gone()
}

// GetLayerVersionByArn is AWS's.
func (p *Plane) GetLayerVersionByArn(arn string) (LayerVersion, error) {
	m := layerVersionARN.FindStringSubmatch(arn)
	if m == nil {
		return LayerVersion{}, unfit(arn, "arn", "Member must satisfy regular expression pattern: arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+")
	}
	n, _ := strconv.ParseInt(m[3], 10, 64) // digits; too many are no version
	return p.GetLayerVersion(m[2], n)
}

// LayerZip is the path of a layer version's zip, for reading.
func (p *Plane) LayerZip(name string, version int64) (string, error) {
	v, err := p.storedLayer(name, version)
	if err != nil {
		return "", err
	}
	return p.code.ZipPath(v.Digest), nil
}

// DeleteLayerVersion is AWS's: functions that use the version go on using it.
func (p *Plane) DeleteLayerVersion(name string, version int64) error {
	l := p.layer(bareLayer(name), false)
	if l == nil {
		return nil
	}
	defer p.sweep()
	l.mu.Lock()
	defer l.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(l.Versions), func(v LayerVersion) bool { return v.Version == version })
	return p.saveLayer(l, l.Last, left)
}

// compatible tells whether a version says nothing, or names what is asked for. "" asks for nothing.
func (v LayerVersion) compatible(runtime, architecture string) bool {
	return (runtime == "" || slices.Contains(v.CompatibleRuntimes, runtime)) &&
		(architecture == "" || slices.Contains(v.CompatibleArchitectures, architecture))
}

// ListLayerVersions is AWS's, newest first.
func (p *Plane) ListLayerVersions(name, runtime, architecture, marker string, max int) ListLayerVersionsOutput {
	var list []LayerVersion
	for _, v := range p.layerVersions(name) {
		if v.compatible(runtime, architecture) {
			list = append(list, v.public(true))
		}
	}
	page, next := Page(list, marker, max, 50)
	return ListLayerVersionsOutput{page, next}
}

// ListLayers is AWS's, by name, each with its newest version that fits.
func (p *Plane) ListLayers(runtime, architecture, marker string, max int) ListLayersOutput {
	p.mu.RLock()
	names := slices.Sorted(maps.Keys(p.layers))
	p.mu.RUnlock()
	var list []LayersListItem
	for _, name := range names {
		if fitting := p.ListLayerVersions(name, runtime, architecture, "", 1).LayerVersions; len(fitting) > 0 {
			list = append(list, LayersListItem{name, LayerARN(name), fitting[0]})
		}
	}
	page, next := Page(list, marker, max, 50)
	return ListLayersOutput{page, next}
}

// setLayers gives a version the layers that are listed, in their order; nil leaves it those it has.
func (p *Plane) setLayers(v *Version, arns *[]string) error {
	if arns == nil {
		return nil
	}
	if len(*arns) > maxLayers {
		return invalid("Cannot reference more than %d layers.", maxLayers)
	}
	v.Layers, v.Opt = nil, nil
	byName := map[string]string{}
	for _, arn := range *arns {
		lv, err := p.layerVersion(arn)
		if err != nil {
			return err
		}
		if other, twice := byName[lv.LayerArn]; twice {
			return invalid("Two different versions of the same layer are not allowed to be referenced in the same function. %s and %s.", other, arn)
		}
		byName[lv.LayerArn] = arn
		v.Layers = append(v.Layers, Layer{Arn: arn, CodeSize: lv.Content.CodeSize})
		v.Opt = append(v.Opt, lv.Digest)
	}
	return nil
}
