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

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/certificates"
	"github.com/assaylab/assay/process"
)

const defaultConsole = "127.0.0.1:8090"

// client talks to the console of a running laboratory.
type client struct {
	process *process.Process
	address string // of --console
	token   string // of --token
	files   certificates.Files
}

func (c *client) setting(flag, variable, fallback string) string {
	if flag != "" {
		return flag
	}
	if v, ok := c.process.Env(variable); ok && v != "" {
		return v
	}
	return fallback
}

func (c *client) base() string {
	address := c.setting(c.address, "ASSAY_CONSOLE", defaultConsole)
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
		return nil, process.Invalid(fmt.Sprintf("%q is no address of a console", c.base()), "write host:port, for example "+defaultConsole)
	}
	if token := c.setting(c.token, "ASSAY_TOKEN", ""); token != "" {
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
