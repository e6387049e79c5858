package control

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/code"
)

// CreateFunction is AWS's. It answers with State Pending; unless the Plane has a Transition, the next
// who reads finds the function Active.
func (p *Plane) CreateFunction(ctx context.Context, in CreateFunctionInput) (FunctionConfiguration, error) {
	if !plainName.MatchString(in.FunctionName) {
		return FunctionConfiguration{}, unfit(in.FunctionName, "functionName", "Member must satisfy regular expression pattern: "+NamePattern)
	}
	if _, err := p.find(in.FunctionName, ""); err == nil {
		return FunctionConfiguration{}, conflict("Function already exist: %s", in.FunctionName)
	}
	if in.Handler == "" && in.PackageType != "Image" {
		return FunctionConfiguration{}, invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	defer p.sweep()
	defer p.code.Hold()()
	v, err := p.first(ctx, in)
	if err != nil {
		return FunctionConfiguration{}, err
	}
	if err := p.load(ctx, v, in.Code); err != nil {
		return FunctionConfiguration{}, err
	}
	p.stamp(v)
	r := (&record{Format: format, Name: in.FunctionName, Latest: v}).clone()
	maps.Copy(r.Tags, in.Tags)
	if err := p.add(r); err != nil {
		return FunctionConfiguration{}, err
	}
	if in.Publish {
		return p.publish(in.FunctionName, PublishVersionInput{})
	}
	return v.at(false), nil
}

// first is the configuration that CreateFunction makes, without code.
func (p *Plane) first(ctx context.Context, in CreateFunctionInput) (*Version, error) {
	if in.PackageType == "Image" || in.Code.ImageUri != "" {
		return nil, invalid("The embedded engine runs zip files, not container images.")
	}
	v := &Version{FunctionConfiguration: p.fresh(in), Extra: Extra{Created: true}}
	return v, p.configure(ctx, v, UpdateFunctionConfigurationInput{
		Timeout: in.Timeout, MemorySize: in.MemorySize, Environment: in.Environment, TracingConfig: in.TracingConfig,
		Layers: &in.Layers, EphemeralStorage: in.EphemeralStorage, SnapStart: in.SnapStart, Runtime: &in.Runtime,
		LoggingConfig: in.LoggingConfig, DeadLetterConfig: in.DeadLetterConfig,
	})
}

// fresh has AWS's defaults, and what is taken as it is given.
func (p *Plane) fresh(in CreateFunctionInput) FunctionConfiguration {
	c := FunctionConfiguration{
		FunctionName: in.FunctionName, FunctionArn: FunctionARN(in.FunctionName), Version: Latest,
		Runtime: in.Runtime, Role: in.Role, Handler: in.Handler, Description: in.Description,
		Timeout: int(assay.DefaultTimeout / time.Second), MemorySize: assay.DefaultMemoryMB,
		VpcConfig: in.VpcConfig, KMSKeyArn: in.KMSKeyArn, FileSystemConfigs: in.FileSystemConfigs,
		TracingConfig: &TracingConfig{"PassThrough"}, PackageType: "Zip", Architectures: in.Architectures,
		EphemeralStorage: &EphemeralStorage{defaultTmpMB}, SnapStart: &SnapStart{ApplyOn: "None", OptimizationStatus: "Off"},
	}
	if c.Architectures == nil {
		c.Architectures = []string{Architecture()}
	}
	return c
}

// defaultTmpMB is the size of /tmp.
const defaultTmpMB = 512

// Architecture is this machine's architecture in AWS's words.
func Architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// stamp gives a new version its date and its RevisionIds: one while it settles, and one after.
func (p *Plane) stamp(v *Version) {
	now := p.opts.Now()
	v.LastModified, v.RevisionId, v.Settled, v.Settles = stamp(now), uuid.NewString(), uuid.NewString(), now.Add(p.opts.Transition)
}

// load puts code into the store and into a version. The caller holds the store.
func (p *Plane) load(ctx context.Context, v *Version, c FunctionCode) error {
	switch {
	case c.S3Bucket != "" || c.S3Key != "":
		return invalid("Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The embedded engine has no S3: send the code as ZipFile")
	case c.ImageUri != "":
		return invalid("The embedded engine runs zip files, not container images.")
	case len(c.ZipFile) == 0:
		return invalid("Please provide a source for function code.")
	}
	return p.loadZip(ctx, v, bytes.NewReader(c.ZipFile), code.MaxZip)
}

func (p *Plane) loadZip(ctx context.Context, v *Version, zip io.Reader, limit int64) error {
	pack, err := p.code.Put(ctx, zip, limit)
	if err != nil {
		return zipError(err)
	}
	if err := p.fits(v, pack); err != nil {
		return err
	}
	if v.Function != nil { // it is no longer what the file says
		fn := *v.Function
		fn.Code, fn.Build, fn.Source = "", "", "api"
		v.Function = &fn
	}
	v.Digest, v.CodeSize, v.CodeSha256, v.Unzipped = pack.Digest, pack.Size, code.SHA256(pack.Digest), pack.Unzipped
	return nil
}

// zipError is AWS's word for what is wrong with a zip. Why stays to be unwrapped.
func zipError(err error) error {
	var bad *code.BadZipError
	switch {
	case errors.As(err, &bad):
		e := invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
		e.Err = err
		return e
	case errors.Is(err, code.ErrTooLarge):
		e := invalid("Unzipped size must be smaller than %d bytes", code.MaxUnzipped)
		e.Err = err
		return e
	}
	return &APIError{Status: http.StatusInternalServerError, Code: "ServiceException", Message: "The code could not be kept: " + err.Error(), Err: err}
}

// fits checks code and layers together against AWS's limit.
func (p *Plane) fits(v *Version, pack code.Package) error {
	sum := pack.Unzipped
	for _, l := range v.Layers {
		lv, err := p.layerVersion(l.Arn)
		if err != nil {
			continue // deleted since; the function goes on with what it has
		}
		sum += lv.Unzipped
	}
	if sum > code.MaxUnzipped {
		return invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", code.MaxUnzipped, sum)
	}
	return nil
}

// add puts a new function in force.
func (p *Plane) add(r *record) error {
	f := &function{}
	f.changing.Lock()
	defer f.changing.Unlock()
	p.mu.Lock()
	if other := p.functions[r.Name]; other != nil {
		p.mu.Unlock()
		return conflict("Function already exist: %s", r.Name)
	}
	p.functions[r.Name] = f
	p.mu.Unlock()
	if err := p.save(r); err != nil {
		p.drop(r.Name)
		return err
	}
	f.now.Store(r)
	p.opts.Changed(r.Name)
	return nil
}

func (p *Plane) drop(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.functions, name)
}

// DeleteFunction is AWS's: without a qualifier the function with all that belongs to it, else one
// published version.
func (p *Plane) DeleteFunction(name, qualifier string) error {
	defer p.sweep()
	switch {
	case qualifier == "":
		return p.deleteAll(name)
	case qualifier == Latest:
		if _, err := p.find(name, ""); err != nil {
			return err
		}
		return invalid("$LATEST version cannot be deleted without deleting the function.")
	case isAlias(qualifier):
		return invalid("Deletion of aliases is not currently supported.")
	}
	return p.change(name, func(r *record) error {
		if r.published(qualifier) == nil {
			return nil // AWS says nothing either
		}
		for _, a := range r.Aliases {
			if a.FunctionVersion == qualifier || a.RoutingConfig != nil && a.RoutingConfig.AdditionalVersionWeights[qualifier] > 0 {
				return conflict("Function version %s cannot be deleted because it is referenced by alias: %s", qualifier, a.Name)
			}
		}
		r.Versions = slices.DeleteFunc(r.Versions, func(v *Version) bool { return v.Version == qualifier })
		delete(r.Provisioned, qualifier)
		delete(r.Events, qualifier)
		delete(r.Policies, qualifier)
		delete(r.Runtimes, qualifier)
		return nil
	})
}

func (p *Plane) deleteAll(name string) error {
	f := p.function(name)
	if f == nil {
		return noFunction(name, "")
	}
	f.changing.Lock()
	defer f.changing.Unlock()
	if f.now.Load() == nil {
		return noFunction(name, "")
	}
	if err := p.erase(name); err != nil {
		return err
	}
	f.now.Store(nil)
	p.drop(name)
	p.opts.Changed(name)
	return nil
}

// UpdateFunctionCode is AWS's: published versions keep their code, and what is under way finishes on
// the old.
func (p *Plane) UpdateFunctionCode(ctx context.Context, name string, in UpdateFunctionCodeInput) (FunctionConfiguration, error) {
	end, err := p.updating(name)
	if err != nil {
		return FunctionConfiguration{}, err
	}
	defer p.sweep()
	defer p.code.Hold()()
	defer end()
	var v *Version
	r, err := p.find(name, "")
	if err != nil {
		return FunctionConfiguration{}, err
	}
	if err := r.Latest.matches(in.RevisionId, p.settled(r.Latest)); err != nil {
		return FunctionConfiguration{}, err
	}
	v = r.Latest.next()
	if len(in.Architectures) > 0 {
		v.Architectures = in.Architectures
	}
	if err := checkArchitectures(v.Architectures); err != nil {
		return FunctionConfiguration{}, err
	}
	if err := p.load(ctx, v, in.FunctionCode); err != nil {
		return FunctionConfiguration{}, err
	}
	if in.DryRun {
		return v.at(true), nil
	}
	if err := p.replace(name, v); err != nil {
		return FunctionConfiguration{}, err
	}
	if in.Publish {
		return p.publish(name, PublishVersionInput{})
	}
	return v.at(false), nil
}

// next is a version's successor to be: a copy that was updated and not created.
func (v *Version) next() *Version {
	n := *v
	n.Created = false
	return &n
}

// replace makes a version the function's $LATEST.
func (p *Plane) replace(name string, v *Version) error {
	p.stamp(v)
	return p.change(name, func(r *record) error { r.Latest = v; return nil })
}

// matches checks a RevisionId that the caller may have given.
func (v *Version) matches(revision string, settled bool) error {
	if revision != "" && revision != v.at(settled).RevisionId {
		return stale("GetFunction/GetAlias")
	}
	return nil
}

// UpdateFunctionConfiguration is AWS's.
func (p *Plane) UpdateFunctionConfiguration(ctx context.Context, name string, in UpdateFunctionConfigurationInput) (FunctionConfiguration, error) {
	end, err := p.updating(name)
	if err != nil {
		return FunctionConfiguration{}, err
	}
	defer p.sweep()
	defer end()
	r, err := p.find(name, "")
	if err != nil {
		return FunctionConfiguration{}, err
	}
	if err := r.Latest.matches(in.RevisionId, p.settled(r.Latest)); err != nil {
		return FunctionConfiguration{}, err
	}
	v := r.Latest.next()
	if err := p.configure(ctx, v, in); err != nil {
		return FunctionConfiguration{}, err
	}
	if err := p.fits(v, code.Package{Unzipped: v.Unzipped}); err != nil {
		return FunctionConfiguration{}, err
	}
	if err := p.replace(name, v); err != nil {
		return FunctionConfiguration{}, err
	}
	return v.at(false), nil
}

// PublishVersion is AWS's: with nothing changed since the last version, it is that version again.
func (p *Plane) PublishVersion(name string, in PublishVersionInput) (FunctionConfiguration, error) {
	end, err := p.updating(name)
	if err != nil {
		return FunctionConfiguration{}, err
	}
	defer end()
	return p.publish(name, in)
}

func (p *Plane) publish(name string, in PublishVersionInput) (out FunctionConfiguration, err error) {
	err = p.change(name, func(r *record) error {
		if err := r.Latest.matches(in.RevisionId, p.settled(r.Latest)); err != nil {
			return err
		}
		if in.CodeSha256 != "" && in.CodeSha256 != r.Latest.CodeSha256 {
			return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", in.CodeSha256, r.Latest.CodeSha256)
		}
		origin := r.Latest.digest()
		if n := len(r.Versions); n > 0 && r.Versions[n-1].Origin == origin {
			out = p.describe(r.Versions[n-1], r.Versions[n-1].Version)
			return nil
		}
		r.Last++
		v := *r.Latest
		v.Version = strconv.Itoa(r.Last)
		v.FunctionArn = Reference{Name: name, Qualifier: v.Version}.ARN()
		v.Description = *cmp.Or(in.Description, &v.Description)
		v.RevisionId, v.Settled, v.Created, v.Origin = uuid.NewString(), uuid.NewString(), false, origin
		r.Versions = append(r.Versions, &v)
		out = p.describe(&v, v.Version)
		return nil
	})
	return out, err
}
