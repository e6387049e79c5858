// Package awslambda invokes functions on AWS Lambda, or on anything that speaks its Invoke API. In
// comes an invocation's payload, out goes an observation: the function's answer or its fault, and what
// the engine's report says of time, memory and cost.
//
// Each invocation is one call (RequestResponse), never retried: a retry would run the function twice.
package awslambda

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/assaylab/assay"
)

// Options say where a function is. Only ARN is needed.
type Options struct {
	ARN         string                  // of a function, a version or an alias
	Endpoint    string                  // instead of AWS's own, for example "http://127.0.0.1:4566"
	Region      string                  // instead of the ARN's
	Credentials aws.CredentialsProvider // nil: as every AWS tool finds them; account 000000000000 has none and needs none
	Prices      assay.Prices            // zero: those published for x86_64
	HTTPClient  *http.Client            // nil: one of its own, with AWS's settings
	Now         func() time.Time        // nil: time.Now
}

// maxAnswer bounds the bytes of an answer that are read. AWS's own limit is 6 MB and a little.
const maxAnswer = 32 << 20

// Function is one function on AWS Lambda. It is an assay.Invoker.
type Function struct {
	arn    string
	client *lambda.Client
	http   *http.Client
	prices assay.Prices
	now    func() time.Time
}

// New prepares to invoke a function; nothing is called yet. It fails with CodeInvalid for an ARN that is
// none, or AWS settings that cannot be read.
func New(ctx context.Context, o Options) (*Function, error) {
	id, err := arn.Parse(o.ARN)
	if err != nil || id.Service != "lambda" {
		return nil, &assay.Error{
			Code: assay.CodeInvalid, What: fmt.Sprintf("%q is not the ARN of a Lambda function", o.ARN),
			Hint: "write arn:aws:lambda:REGION:ACCOUNT:function:NAME", Err: err,
		}
	}
	f := &Function{arn: o.ARN, prices: o.Prices, now: o.Now}
	if f.prices == (assay.Prices{}) {
		f.prices = assay.PublishedPrices().X86
	}
	if f.now == nil {
		f.now = time.Now
	}
	cfg, err := settings(ctx, id, o)
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the settings of AWS cannot be read: " + err.Error(), Hint: "check ~/.aws/config and the variables AWS_…", Err: err}
	}
	f.http = bounded(o.HTTPClient, cfg.HTTPClient)
	f.client = lambda.NewFromConfig(cfg, func(lo *lambda.Options) {
		lo.Retryer = aws.NopRetryer{}
		lo.HTTPClient = f.http
		if o.Endpoint != "" {
			lo.BaseEndpoint = &o.Endpoint
		}
	})
	return f, nil
}

// settings are those that every AWS tool finds (environment, files, roles), for this function.
func settings(ctx context.Context, id arn.ARN, o Options) (aws.Config, error) {
	known := []func(*config.LoadOptions) error{config.WithRegion(id.Region)}
	if o.Region != "" {
		known = append(known, config.WithRegion(o.Region))
	}
	if o.Credentials == nil && id.AccountID == assay.EmbeddedAccount {
		o.Credentials = aws.CredentialsProviderFunc(embedded)
	}
	if o.Credentials != nil {
		known = append(known, config.WithCredentialsProvider(o.Credentials))
	}
	return config.LoadDefaultConfig(ctx, known...)
}

// embedded signs for the embedded engine, which does not look: no account of AWS is its own.
func embedded(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "assay", SecretAccessKey: "assay", Source: "assay"}, nil
}

// bounded is a client that reads no more than maxAnswer bytes of each answer: the one given, or a new
// one on the transport that AWS's settings ask for (certificates, proxies).
func bounded(given *http.Client, found aws.HTTPClient) *http.Client {
	var own http.Client
	if given != nil {
		own = *given
	} else if b, ok := found.(*awshttp.BuildableClient); ok {
		own.Transport = b.GetTransport()
	}
	own.Transport = &limit{next: cmp.Or(own.Transport, http.DefaultTransport)}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

type limit struct{ next http.RoundTripper }

func (l *limit) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
		if room := assay.RoomIn(r.Context()); room != nil {
			resp.Body = &asking{resp.Body, room}
		}
	}
	return resp, err
}

// asking is an answer that is read only as far as there is room for it.
type asking struct {
	io.ReadCloser
	room func(n int) bool
}

func (a *asking) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if n > 0 && !a.room(n) {
		return 0, errNoRoom
	}
	return n, err
}

var errNoRoom = errors.New("there is no room for the answer")

// CloseIdleConnections lets http.Client.CloseIdleConnections through.
func (l *limit) CloseIdleConnections() {
	if c, ok := l.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Close gives back idle connections. Invocations under way are not disturbed.
func (f *Function) Close() { f.http.CloseIdleConnections() }

// Invoke calls the function once. What goes wrong is in the observation's Fault; an error says that the
// invocation has a request, and no event was made of it.
func (f *Function) Invoke(ctx context.Context, inv *assay.Invocation) (*assay.Observation, error) {
	if inv.Payload == nil && inv.Request != nil {
		return nil, &assay.Error{Code: assay.CodeInternal, What: "the function takes events, and was given a request", Where: f.arn}
	}
	o := &assay.Observation{Started: f.now()}
	out, err := f.client.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: &f.arn, InvocationType: types.InvocationTypeRequestResponse, LogType: types.LogTypeTail, Payload: inv.Payload,
	})
	o.Duration = f.now().Sub(o.Started)
	if err != nil {
		o.Status, o.Fault = refused(ctx, err)
		return o, nil
	}
	o.Status, o.Body, o.BodySize = int(out.StatusCode), out.Payload, int64(len(out.Payload))
	o.Version = aws.ToString(out.ExecutedVersion)
	if out.FunctionError != nil {
		o.Fault = failed(out.Payload)
	}
	if log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult)); err == nil && len(log) > 0 {
		o.Log = log
		f.note(o)
	}
	return o, nil
}

// note takes over what the engine reports.
func (f *Function) note(o *assay.Observation) {
	r, ok := parseReport(o.Log)
	if !ok {
		return
	}
	o.Cold, o.Init, o.Billed, o.MemoryMB, o.MaxMemoryMB = r.init > 0, r.init, r.billed, r.memoryMB, r.maxMemoryMB
	o.CostUSD = f.prices.Cost(r.memoryMB, r.billed)
}

// refused is why there is no answer, with the status of the engine's own, 0 if there is none.
func refused(ctx context.Context, err error) (int, *assay.Fault) {
	fault := &assay.Fault{Kind: assay.FaultTransport, Message: err.Error()}
	status := 0
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
	}
	var api interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if errors.As(err, &api) {
		fault.Type, fault.Message = api.ErrorCode(), api.ErrorMessage()
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return status, &assay.Fault{Kind: assay.FaultTimeout, Message: "no whole answer before the deadline"}
	case ctx.Err() != nil:
		return status, &assay.Fault{Kind: assay.FaultCanceled, Message: "the caller went away"}
	case status == http.StatusTooManyRequests || fault.Type == "TooManyRequestsException":
		fault.Kind = assay.FaultThrottle
	}
	return status, fault
}

// failed reads the error that a function, or the platform in its place, answered with.
func failed(payload []byte) *assay.Fault {
	var e struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		e.Message = "the function failed, and its error is not in AWS's form"
	}
	return &assay.Fault{Kind: kindOf(e.Type, e.Message), Type: e.Type, Message: e.Message}
}

// kindOf tells the platform's own errors from those of handlers. Before it named them by type, only
// the message said that a function timed out or exited.
func kindOf(errorType, message string) assay.FaultKind {
	switch errorType {
	case "Sandbox.Timedout":
		return assay.FaultTimeout
	case "Runtime.ExitError", "Runtime.OutOfMemory", "Extension.Crash":
		return assay.FaultCrash
	case "":
		if strings.Contains(message, "Task timed out after ") {
			return assay.FaultTimeout
		}
		if strings.Contains(message, "Process exited before completing request") || strings.Contains(message, "Runtime exited ") {
			return assay.FaultCrash
		}
	}
	return assay.FaultFunction
}
