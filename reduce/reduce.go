// Package reduce finds the smallest request that still shows what a given one shows. In come a request and a
// test of requests; out goes a request of which no part that is known here can be left out: no header field,
// no parameter, no member or item of a JSON body, no digit. It is delta debugging (Zeller and Hildebrandt,
// "Simplifying and Isolating Failure-Inducing Input", 2002), from the top of the tree down (Misherghi and Su,
// "HDD: Hierarchical Delta Debugging", 2006). Pure, as far as the test is.
package reduce

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/assaylab/assay"
)

// Test tells whether a request shows what is looked for. An error ends the search.
type Test func(*assay.Request) (bool, error)

// Request returns the smallest request found that passes the test, as r itself must. Method and path stay.
// When the test fails with an error, the smallest so far comes with it.
func Request(r *assay.Request, test Test) (*assay.Request, error) {
	s := &search{best: r, test: test, failed: map[string]bool{}}
	for before := ""; before != keyOf(s.best) && s.err == nil; {
		before = keyOf(s.best)
		s.headers()
		s.query()
		s.body()
	}
	return s.best, s.err
}

// Payload returns the smallest payload found that passes the test, likewise.
func Payload(payload []byte, test func([]byte) (bool, error)) ([]byte, error) {
	r, err := Request(&assay.Request{Body: payload}, func(r *assay.Request) (bool, error) { return test(r.Body) })
	return r.Body, err
}

// search is one reduction under way.
type search struct {
	best   *assay.Request
	test   Test
	failed map[string]bool // by key: requests that did not pass
	err    error           // ends the search
}

// keyOf tells requests apart.
func keyOf(r *assay.Request) string {
	key, _ := json.Marshal([]any{r.Query, r.Header, r.Body}) // strings: always
	return string(key)
}

// try makes a request the best if it passes.
func (s *search) try(r assay.Request) bool {
	key := keyOf(&r)
	if s.err != nil || s.failed[key] {
		return false
	}
	passed, err := s.test(&r)
	switch {
	case err != nil:
		s.err = err
	case passed:
		s.best = &r
	default:
		s.failed[key] = true
	}
	return passed && err == nil
}

// headers leaves out header fields.
func (s *search) headers() {
	all := s.best.Header
	subset(slices.Sorted(maps.Keys(all)), func(names []string) bool {
		r := *s.best
		r.Header = assay.Header{}
		for _, name := range names {
			r.Header[name] = all[name]
		}
		return s.try(r)
	})
}

// query leaves out parameters, and shortens the values of those that remain.
func (s *search) query() {
	s.parameters(s.best.Query, func(query string) bool {
		r := *s.best
		r.Query = query
		return s.try(r)
	})
}

// parameters reduces what is written name=value&name=value.
func (s *search) parameters(text string, try func(string) bool) {
	if text == "" {
		return
	}
	parts := subset(strings.Split(text, "&"), func(parts []string) bool { return try(strings.Join(parts, "&")) })
	for i, part := range parts {
		name, raw, found := strings.Cut(part, "=")
		value, err := url.QueryUnescape(raw)
		if !found || err != nil {
			continue
		}
		shorten(value, func(shorter string) bool {
			changed := slices.Clone(parts)
			changed[i] = name + "=" + url.QueryEscape(shorter)
			if !try(strings.Join(changed, "&")) {
				return false
			}
			parts = changed
			return true
		})
	}
}

// body reduces a body by what it is: a JSON document, a form, or lines of text.
func (s *search) body() {
	body := s.best.Body
	if len(body) == 0 || s.tryBody(nil) {
		return
	}
	if doc, err := parse(body); err == nil {
		s.document(doc)
		return
	}
	if strings.HasPrefix(s.best.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		s.parameters(string(body), func(form string) bool { return s.tryBody([]byte(form)) })
		return
	}
	subset(bytes.SplitAfter(body, []byte("\n")), func(lines [][]byte) bool { return s.tryBody(bytes.Join(lines, nil)) })
	if len(s.best.Body) <= maxBytewise {
		subset([]rune(string(s.best.Body)), func(text []rune) bool { return s.tryBody([]byte(string(text))) })
	}
}

// maxBytewise is the longest text of which single characters are left out.
const maxBytewise = 4096

func (s *search) tryBody(body []byte) bool {
	r := *s.best
	r.Body, r.Header = body, r.Header.Clone()
	delete(r.Header, "Content-Length") // of another body
	return s.try(r)
}

// document reduces a JSON body from the top down.
func (s *search) document(doc *node) {
	doc.reduce(func() bool { return s.tryBody(doc.append(nil)) })
}
