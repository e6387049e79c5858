package pages

import (
	"mime"
	"net/http"
	"unicode/utf8"

	"github.com/assaylab/assay"
)

// body serves what was kept of an arm's answer.
func (p *Pages) body(w http.ResponseWriter, r *http.Request) error {
	t, err := p.opt.Store.Trial(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	name := r.PathValue("arm")
	o := observationOf(t, name)
	if o == nil {
		return errNoBody
	}
	return writeBody(w, o.Body, short(t.ID)+"-"+name)
}

// requestBody serves what was kept of the request's body.
func (p *Pages) requestBody(w http.ResponseWriter, r *http.Request) error {
	t, err := p.opt.Store.Trial(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	body := t.Invocation.Payload
	if t.Invocation.Request != nil {
		body = t.Invocation.Request.Body
	}
	return writeBody(w, body, short(t.ID)+"-request")
}

var errNoBody = &assay.Error{Code: assay.CodeNotFound, What: "No such body was kept"}

// writeBody serves a stranger's bytes so that a browser shows them as text, or saves them, and no more.
func writeBody(w http.ResponseWriter, body []byte, name string) error {
	if len(body) == 0 {
		return errNoBody
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if !utf8.Valid(body) {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	}
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, max-age=3600") // a trial never changes
	_, _ = w.Write(body)                            // the caller may have gone
	return nil
}
