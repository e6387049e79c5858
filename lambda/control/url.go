package control

import (
	"crypto/sha256"
	"encoding/base32"
	"maps"
	"slices"
	"strings"

	"github.com/assaylab/assay"
)

// FunctionURLConfig is AWS's FunctionUrlConfig. FunctionUrl is AWS's form; where the engine serves it is
// the door's to tell.
type FunctionURLConfig struct {
	FunctionUrl      string
	FunctionArn      string
	AuthType         string // NONE, AWS_IAM
	Cors             *Cors  `json:",omitempty"`
	CreationTime     string
	LastModifiedTime string
	InvokeMode       string // BUFFERED, RESPONSE_STREAM
}

// Cors is AWS's.
type Cors struct {
	AllowCredentials *bool    `json:",omitempty"`
	AllowHeaders     []string `json:",omitempty"`
	AllowMethods     []string `json:",omitempty"`
	AllowOrigins     []string `json:",omitempty"`
	ExposeHeaders    []string `json:",omitempty"`
	MaxAge           *int     `json:",omitempty"` // seconds
}

// FunctionURLConfigInput is AWS's, of Create and Update: what is "" or nil stays as it is.
type FunctionURLConfigInput struct {
	AuthType   string
	Cors       *Cors
	InvokeMode string
}

// ListFunctionURLConfigsOutput is AWS's.
type ListFunctionURLConfigsOutput struct {
	FunctionUrlConfigs []FunctionURLConfig
	NextMarker         string `json:",omitempty"`
}

// URLID is the label that begins the domain name of a function's or alias's URL. It is the same over
// restarts.
func URLID(name, qualifier string) string {
	sum := sha256.Sum256([]byte(name + ":" + qualifier))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20]))
}

const urlStamp = "2006-01-02T15:04:05.000000Z"

func (in FunctionURLConfigInput) check(qualifier string) error {
	switch {
	case qualifier != "" && !isAlias(qualifier):
		return unfit(qualifier, "qualifier", `Member must satisfy regular expression pattern: (^\$LATEST$)|((?!^\d+$)^[0-9a-zA-Z-_]+$)`)
	case in.AuthType != "" && in.AuthType != "NONE" && in.AuthType != "AWS_IAM":
		return unfit(in.AuthType, "authType", "Member must satisfy enum value set: [NONE, AWS_IAM]")
	case in.InvokeMode != "" && in.InvokeMode != "BUFFERED" && in.InvokeMode != "RESPONSE_STREAM":
		return unfit(in.InvokeMode, "invokeMode", "Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]")
	}
	return nil
}

// apply sets what in names.
func (c *FunctionURLConfig) apply(in FunctionURLConfigInput, now string) {
	if in.AuthType != "" {
		c.AuthType = in.AuthType
	}
	if in.InvokeMode != "" {
		c.InvokeMode = in.InvokeMode
	}
	if in.Cors != nil {
		c.Cors = in.Cors
	}
	c.LastModifiedTime = now
}

// CreateFunctionURLConfig is AWS's CreateFunctionUrlConfig.
func (p *Plane) CreateFunctionURLConfig(name, qualifier string, in FunctionURLConfigInput) (c FunctionURLConfig, err error) {
	if err := in.check(qualifier); err != nil {
		return c, err
	}
	if in.AuthType == "" {
		return c, unfit("null", "authType", "Member must not be null")
	}
	now := p.opts.Now().UTC().Format(urlStamp)
	err = p.change(name, func(r *record) error {
		if _, err := r.version(qualifier); err != nil {
			return noFunction(name, qualifier)
		}
		c = FunctionURLConfig{
			FunctionUrl: "https://" + URLID(name, qualifier) + ".lambda-url." + assay.EmbeddedRegion + ".on.aws/",
			FunctionArn: Reference{Name: name, Qualifier: qualifier}.ARN(), CreationTime: now, InvokeMode: "BUFFERED",
		}
		if _, taken := r.URLs[qualifier]; taken {
			return conflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", c.FunctionArn)
		}
		c.apply(in, now)
		r.URLs[qualifier] = c
		return nil
	})
	return c, err
}

// UpdateFunctionURLConfig is AWS's UpdateFunctionUrlConfig.
func (p *Plane) UpdateFunctionURLConfig(name, qualifier string, in FunctionURLConfigInput) (c FunctionURLConfig, err error) {
	if err := in.check(qualifier); err != nil {
		return c, err
	}
	err = p.change(name, func(r *record) error {
		var ok bool
		if c, ok = r.URLs[qualifier]; !ok {
			return gone()
		}
		c.apply(in, p.opts.Now().UTC().Format(urlStamp))
		r.URLs[qualifier] = c
		return nil
	})
	return c, err
}

// GetFunctionURLConfig is AWS's GetFunctionUrlConfig.
func (p *Plane) GetFunctionURLConfig(name, qualifier string) (FunctionURLConfig, error) {
	r, err := p.find(name, qualifier)
	if err != nil {
		return FunctionURLConfig{}, gone()
	}
	c, ok := r.URLs[qualifier]
	if !ok {
		return FunctionURLConfig{}, gone()
	}
	return c, nil
}

// DeleteFunctionURLConfig is AWS's DeleteFunctionUrlConfig.
func (p *Plane) DeleteFunctionURLConfig(name, qualifier string) error {
	return p.change(name, func(r *record) error {
		if _, ok := r.URLs[qualifier]; !ok {
			return gone()
		}
		delete(r.URLs, qualifier)
		return nil
	})
}

// ListFunctionURLConfigs is AWS's ListFunctionUrlConfigs.
func (p *Plane) ListFunctionURLConfigs(name, marker string, max int) (ListFunctionURLConfigsOutput, error) {
	r, err := p.find(name, "")
	if err != nil {
		return ListFunctionURLConfigsOutput{}, err
	}
	var list []FunctionURLConfig
	for _, key := range slices.Sorted(maps.Keys(r.URLs)) {
		list = append(list, r.URLs[key])
	}
	page, next := Page(list, marker, max, 50)
	return ListFunctionURLConfigsOutput{page, next}, nil
}

// FindURL is the function or alias with the URL that an id (see URLID) begins.
func (p *Plane) FindURL(id string) (Reference, FunctionURLConfig, bool) {
	for _, r := range p.records() {
		for qualifier, c := range r.URLs {
			if URLID(r.Name, qualifier) == id {
				return Reference{Name: r.Name, Qualifier: qualifier}, c, true
			}
		}
	}
	return Reference{}, FunctionURLConfig{}, false
}
