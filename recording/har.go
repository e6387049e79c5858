package recording

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

// harFile reads an HTTP Archive (HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/) entry by entry,
// without holding the whole of it.
type harFile struct {
	name   string
	dec    *json.Decoder
	number int
}

// harEntry is what of an entry makes a trial.
type harEntry struct {
	Started time.Time `json:"startedDateTime"`
	Time    float64   `json:"time"` // ms
	Request struct {
		Method  string      `json:"method"`
		URL     string      `json:"url"`
		Proto   string      `json:"httpVersion"`
		Headers []harHeader `json:"headers"`
		Post    *struct {
			Text     string `json:"text"`
			Encoding string `json:"encoding"` // not of the standard, but written by some for binary bodies
		} `json:"postData"`
	} `json:"request"`
	Response struct {
		Status  int         `json:"status"`
		Headers []harHeader `json:"headers"`
		Content struct {
			Size     int64  `json:"size"`
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"content"`
	} `json:"response"`
}

type harHeader struct{ Name, Value string }

// newHAR reads on to the first entry.
func newHAR(name string, in io.Reader) (*harFile, error) {
	in = skipMark(in)
	h := &harFile{name: name, dec: json.NewDecoder(in)}
	for _, member := range []string{"log", "entries"} {
		if err := h.enter(member); err != nil {
			return nil, h.flaw(err)
		}
	}
	if t, err := h.dec.Token(); err != nil || t != json.Delim('[') {
		return nil, h.flaw(errors.New("log.entries is not a list"))
	}
	return h, nil
}

// skipMark drops a byte order mark, which browsers' exports may begin with.
func skipMark(in io.Reader) io.Reader {
	var head [3]byte
	n, _ := io.ReadFull(in, head[:])
	return io.MultiReader(bytes.NewReader(bytes.TrimPrefix(head[:n], []byte("\ufeff"))), in)
}

// enter goes into an object, up to the value of a member.
func (h *harFile) enter(member string) error {
	if t, err := h.dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("there is no object with a member %q", member)
	}
	for h.dec.More() {
		key, err := h.dec.Token()
		if err != nil {
			return err
		}
		if key == member {
			return nil
		}
		var skipped json.RawMessage
		if err := h.dec.Decode(&skipped); err != nil {
			return err
		}
	}
	return fmt.Errorf("it has no member %q", member)
}

func (h *harFile) flaw(err error) error {
	where := h.name
	if h.number > 0 {
		where = fmt.Sprintf("%s: entry %d", h.name, h.number)
	}
	return &assay.Error{Code: assay.CodeInvalid, What: "this is no HAR file: " + err.Error(), Where: where, Hint: "export it anew, with contents", Err: err}
}

// Next skips what never left the browser: data: and blob: addresses.
func (h *harFile) Next() (*assay.Trial, error) {
	for h.dec.More() {
		h.number++
		var e harEntry
		if err := h.dec.Decode(&e); err != nil {
			return nil, h.flaw(err)
		}
		u, err := url.Parse(e.Request.URL)
		if err != nil {
			return nil, h.flaw(err)
		}
		if u.Scheme == "http" || u.Scheme == "https" {
			return e.trial(u)
		}
	}
	if _, err := h.dec.Token(); err != nil {
		return nil, h.flaw(errors.New("it ends in the middle"))
	}
	return nil, io.EOF
}

func (e *harEntry) trial(u *url.URL) (*assay.Trial, error) {
	r := &assay.Request{
		Method: strings.ToUpper(e.Request.Method), Scheme: u.Scheme, Host: u.Host, Path: rooted(u.EscapedPath()), Query: u.RawQuery,
		Proto: e.Request.Proto, Header: harHeaders(e.Request.Headers),
	}
	delete(r.Header, "Content-Length") // of the encoded body
	if p := e.Request.Post; p != nil {
		r.Body = harText(p.Text, p.Encoding)
	}
	return &assay.Trial{
		Time:       e.Started,
		Invocation: assay.Invocation{Received: e.Started, Request: r},
		Control:    e.control(),
	}, nil
}

// control is the answer as the file has it: contents are decoded in it.
func (e *harEntry) control() assay.Observation {
	if e.Response.Status <= 0 {
		return assay.Observation{} // the browser had no answer: blocked, or gone
	}
	body := harText(e.Response.Content.Text, e.Response.Content.Encoding)
	o := assay.Observation{
		Arm: string(assay.RoleControl), Role: assay.RoleControl, Started: e.Started, Duration: time.Duration(e.Time * float64(time.Millisecond)),
		Status: e.Response.Status, Header: harHeaders(e.Response.Headers), Body: body, BodySize: int64(len(body)),
	}
	delete(o.Header, "Content-Encoding")
	delete(o.Header, "Content-Length")
	return o
}

func harText(text, encoding string) []byte {
	if encoding == "base64" {
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			return b
		}
	}
	return []byte(text)
}

// harHeaders leaves out HTTP/2's pseudo fields, and what belongs to a connection.
func harHeaders(all []harHeader) assay.Header {
	h := assay.Header{}
	for _, f := range all {
		if f.Name != "" && !strings.HasPrefix(f.Name, ":") && !strings.EqualFold(f.Name, "host") {
			h.Add(f.Name, f.Value)
		}
	}
	h.DelHopByHop()
	return h
}

func rooted(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
