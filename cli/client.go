package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/certificates"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/serve"
)

// client talks to the console of a running laboratory.
type client struct {
	process *process.Process
	address string // of --console
	token   string // of --token
	files   certificates.Files
}

func (c *client) base() string {
	address := c.process.Setting(c.address, "ASSAY_CONSOLE", serve.DefaultConsole)
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return strings.TrimSuffix(address, "/")
}

// open makes a call and returns the body of its answer, which the caller closes.
func (c *client) open(ctx context.Context, method, path string, body []byte) (io.ReadCloser, error) {
	answer, err := c.send(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// send makes a call whose body may be a stream, with further header fields if any are set. The caller
// closes the answer's body.
func (c *client) send(ctx context.Context, method, path string, body io.Reader, set ...func(http.Header)) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base()+"/api/v1"+path, body)
	if err != nil {
		return nil, process.Invalid(fmt.Sprintf("%q is no address of a console", c.base()), "write host:port, for example "+serve.DefaultConsole)
	}
	if token := c.process.Setting(c.token, "ASSAY_TOKEN", ""); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, f := range set {
		f(req.Header)
	}
	caller, err := c.caller()
	if err != nil {
		return nil, err
	}
	resp, err := caller.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, c.refused(resp)
	}
	return resp, nil
}

func (c *client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &assay.Error{
		Code: assay.CodeUnreachable, What: "no laboratory answers", Where: c.base(), Err: err,
		Hint: "start one with `assay up`, or say where it is with --console or ASSAY_CONSOLE",
	}
}

// refused turns the console's answer into the error it stands for.
func (c *client) refused(resp *http.Response) error {
	var answer struct{ Error *assay.Error }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err == nil && answer.Error != nil {
		if resp.StatusCode == http.StatusUnauthorized {
			answer.Error.Hint = "give it with --token or ASSAY_TOKEN"
		}
		return answer.Error
	}
	return &assay.Error{
		Code: assay.CodeUnreachable, What: "this does not answer like a console of Assay: " + resp.Status, Where: c.base(),
		Hint: "check --console and ASSAY_CONSOLE",
	}
}

// call makes a call and decodes its JSON answer into out, unless out is nil.
func (c *client) call(ctx context.Context, method, path string, body []byte, out any) error {
	answer, err := c.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(answer).Decode(out); err != nil {
		return c.unreachable(ctx, err)
	}
	return nil
}

func (c *client) read(ctx context.Context, path string) ([]byte, error) {
	answer, err := c.open(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	return io.ReadAll(answer)
}

func experimentPath(name string) string { return "/experiments/" + url.PathEscape(name) }
func functionPath(name string) string   { return "/functions/" + url.PathEscape(name) }

// consoleFlags name the files with which commands speak TLS to a console.
func (c *client) consoleFlags(f *pflag.FlagSet) {
	f.StringVar(&c.files.CA, "console-ca", "", "authorities of the console's certificate, in PEM (default $ASSAY_CONSOLE_CA, or the system's)")
	f.StringVar(&c.files.Cert, "console-cert", "", "certificate to show the console (default $ASSAY_CONSOLE_CERT)")
	f.StringVar(&c.files.Key, "console-key", "", "its key (default $ASSAY_CONSOLE_KEY)")
}

// caller is what calls the console.
func (c *client) caller() (*http.Client, error) {
	files := certificates.Files{
		CA:   c.process.Setting(c.files.CA, "ASSAY_CONSOLE_CA", ""),
		Cert: c.process.Setting(c.files.Cert, "ASSAY_CONSOLE_CERT", ""),
		Key:  c.process.Setting(c.files.Key, "ASSAY_CONSOLE_KEY", ""),
	}
	if files == (certificates.Files{}) {
		return http.DefaultClient, nil
	}
	for _, path := range []*string{&files.CA, &files.Cert, &files.Key} {
		if *path != "" {
			*path = c.process.Absolute(*path)
		}
	}
	config, err := certificates.Client(files, "")
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return &http.Client{Transport: transport}, nil
}
