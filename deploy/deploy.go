// Package deploy brings functions into an engine that speaks AWS Lambda's API: the embedded one, or AWS. In
// come functions and layers with their zips, out goes what was done: it creates, updates only what differs,
// publishes, and moves aliases, so that the same again changes nothing and sends nothing.
package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/assaylab/assay"
)

// Options of a Client. With none it talks to AWS as every AWS tool on this machine does.
type Options struct {
	Endpoint    string                  // of the engine; AWS's own if empty
	Region      string                  // AWS's settings if empty
	Credentials aws.CredentialsProvider // AWS's settings if nil
	Role        string                  // ARN of the role of functions that name none
	Plan        bool                    // only tell what would be done

	// Progress is told of each step that changes something, in a few words.
	Progress func(string)
	// Pace is how often an update under way is looked at; 200 ms if zero.
	Pace time.Duration
}

// Function is a function to deploy.
type Function struct {
	assay.Function
	Zip          string // path of the package; nothing is read from Code
	CodeSHA256   string // of the zip, base64
	Description  string
	Architecture string   // "x86_64" or "arm64"; AWS's default if empty
	Role         string   // ARN; that of the Options if empty
	Layers       []string // ARNs of layer versions
	Tags         map[string]string
	URL          *URL
	Aliases      []Alias
}

// URL is a function URL.
type URL struct {
	Public  bool // without AWS_IAM authorization
	Streams bool // InvokeMode RESPONSE_STREAM
}

// Alias is a name for versions of a function. "" is the version that is deployed now.
type Alias struct {
	Name    string
	Version string
	Weights map[string]float64 // shares of further versions
	// Share, if set, is that of the version deployed now while the alias stays at the one it has: a canary.
	Share float64
}

// Layer is a layer to deploy.
type Layer struct {
	Name        string
	Zip         string
	CodeSHA256  string
	Description string
	Runtimes    []string
}

// Action says what deploying did, in the words of assay.Change.
type Action string

// The actions.
const (
	Created    Action = "created"
	Configured Action = "configured"
	Unchanged  Action = "unchanged"
)

// Result says what was done with a function or a layer.
type Result struct {
	Name    string   `json:"name"`
	Action  Action   `json:"action"`
	ARN     string   `json:"arn,omitempty"`     // none when it would be created only
	Version string   `json:"version,omitempty"` // that aliases were moved to
	Aliases []string `json:"aliases,omitempty"`
	URL     string   `json:"url,omitempty"`
}

// change notes that something was done.
func (r *Result) change() {
	if r.Action == Unchanged {
		r.Action = Configured
	}
}

// Client deploys. It is safe for concurrent use, but one function at a time.
type Client struct {
	opts   Options
	lambda *lambda.Client
}

// New returns a client. It sends nothing yet.
func New(ctx context.Context, o Options) (*Client, error) {
	o.Pace = cmp.Or(o.Pace, 200*time.Millisecond)
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	var known []func(*config.LoadOptions) error
	if o.Region != "" {
		known = append(known, config.WithRegion(o.Region))
	}
	if o.Credentials != nil {
		known = append(known, config.WithCredentialsProvider(o.Credentials))
	}
	cfg, err := config.LoadDefaultConfig(ctx, known...)
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the settings of AWS cannot be read: " + err.Error(), Hint: "check ~/.aws/config and the variables AWS_…", Err: err}
	}
	if cfg.Region == "" {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "no region is set", Hint: "give --region or AWS_REGION"}
	}
	return &Client{opts: o, lambda: lambda.NewFromConfig(cfg, func(lo *lambda.Options) {
		if o.Endpoint != "" {
			lo.BaseEndpoint = &o.Endpoint
		}
	})}, nil
}

// Has returns the ARN of a function that is there; "" if none is. One that is being made is waited for.
func (c *Client) Has(ctx context.Context, function string) (arn string, err error) {
	now, err := c.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	if err == nil {
		err = c.settled(ctx, function)
	}
	if missing(err) {
		return "", nil
	}
	if err != nil {
		return "", c.failed(err, "function "+function)
	}
	return aws.ToString(now.FunctionArn), nil
}

// HasLayer returns the ARN of the newest version of a layer; "" if there is none.
func (c *Client) HasLayer(ctx context.Context, name string) (arn string, err error) {
	last, err := c.lastLayer(ctx, name)
	if err != nil {
		return "", c.failed(err, "layer "+name)
	}
	if last == nil {
		return "", nil
	}
	return aws.ToString(last.LayerVersionArn), nil
}

// Layer publishes a version of a layer, unless the newest one holds the same.
func (c *Client) Layer(ctx context.Context, l Layer) (Result, error) {
	r := Result{Name: l.Name, Action: Created}
	last, err := c.lastLayer(ctx, l.Name)
	if err != nil {
		return Result{}, c.failed(err, "layer "+l.Name)
	}
	if last != nil {
		r.Action, r.ARN = Unchanged, aws.ToString(last.LayerVersionArn)
		if aws.ToString(last.Content.CodeSha256) == l.CodeSHA256 {
			return r, nil
		}
		r.change()
	}
	if c.opts.Plan {
		return r, nil
	}
	c.opts.Progress("layer " + l.Name + ": publish a version")
	zip, err := os.ReadFile(l.Zip)
	if err != nil {
		return Result{}, err
	}
	in := &lambda.PublishLayerVersionInput{LayerName: &l.Name, Content: &types.LayerVersionContentInput{ZipFile: zip}, Description: text(l.Description)}
	for _, runtime := range l.Runtimes {
		in.CompatibleRuntimes = append(in.CompatibleRuntimes, types.Runtime(runtime))
	}
	out, err := c.lambda.PublishLayerVersion(ctx, in)
	if err != nil {
		return Result{}, c.failed(err, "layer "+l.Name)
	}
	r.ARN = aws.ToString(out.LayerVersionArn)
	return r, nil
}

// lastLayer is the newest version of a layer, nil if there is none.
func (c *Client) lastLayer(ctx context.Context, name string) (*lambda.GetLayerVersionOutput, error) {
	list, err := c.lambda.ListLayerVersions(ctx, &lambda.ListLayerVersionsInput{LayerName: &name})
	if missing(err) || err == nil && len(list.LayerVersions) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.lambda.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: &name, VersionNumber: &list.LayerVersions[0].Version})
}

// missing tells whether an error says that something is not there.
func missing(err error) bool {
	var none *types.ResourceNotFoundException
	return errors.As(err, &none)
}

// failed tells people what the engine said.
func (c *Client) failed(err error, where string) error {
	var told *assay.Error
	if errors.As(err, &told) || errors.Is(err, context.Canceled) {
		return err
	}
	e := &assay.Error{Code: assay.CodeInvalid, What: err.Error(), Where: where, Err: err}
	var api smithy.APIError
	var dial *net.OpError
	switch {
	case errors.As(err, &dial):
		e.Code, e.What, e.Hint = assay.CodeUnreachable, "the engine does not answer", "start a laboratory with `assay up`, or check the network"
		e.Where = cmp.Or(c.opts.Endpoint, "AWS")
	case errors.As(err, &api):
		if api.ErrorCode() == "ResourceConflictException" {
			e.Code = assay.CodeConflict
		}
		message, hint, _ := strings.Cut(api.ErrorMessage(), "\n  hint: ") // the embedded engine's say what to do
		e.What = fmt.Sprintf("%s: %s", api.ErrorCode(), message)
		e.Hint = cmp.Or(hint, hints[api.ErrorCode()])
	}
	return e
}

// hints are what to do about errors that users meet.
var hints = map[string]string{
	"AccessDeniedException":               "your AWS identity needs permission for this, and iam:PassRole for the function's role",
	"UnrecognizedClientException":         "check your AWS credentials",
	"ExpiredTokenException":               "renew your AWS credentials",
	"InvalidParameterValueException":      "change it in the template, or with the flags",
	"ValidationException":                 "change it in the template, or with the flags",
	"CodeStorageExceededException":        "delete old versions of functions and layers",
	"RequestEntityTooLargeException":      "leave things out of the package, or move them to a layer",
	"ResourceConflictException":           "another deployment is under way; try again",
	"TooManyRequestsException":            "try again later",
	"InvalidSignatureException":           "check your AWS credentials, or --token",
	"MissingAuthenticationTokenException": "give the token of the laboratory with --token",
}

// text is nil for nothing, as AWS wants it.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
