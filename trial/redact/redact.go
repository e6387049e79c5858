// Package redact takes secrets out of trials before they are kept. In come what a definition names and a key, and a trial;
// out goes the trial with keyed hashes where secrets were: what the store never got, it cannot leak.
package redact

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/spec"

	"github.com/assaylab/assay"
)

// Redactor removes secrets from trials before they are kept. A removed value leaves a keyed hash: equal
// values stay recognisable as equal, and nothing else of them remains.
type Redactor struct {
	key     []byte
	headers map[string]bool // lower case
	query   map[string]bool
	paths   []*jsonpath.Path
}

// New builds the redactor of a definition: "header:NAME", "query:NAME", or a JSONPath into
// bodies. The key, of 32 random bytes, must be the same for as long as hashes are to be comparable.
func New(rules []string, key []byte) (*Redactor, []assay.Flaw) {
	r := &Redactor{key: key, headers: map[string]bool{}, query: map[string]bool{}}
	var flaws []assay.Flaw
	for i, rule := range rules {
		if flaw := r.add(rule); flaw != nil {
			flaw.Path = []string{strconv.Itoa(i)}
			flaws = append(flaws, *flaw)
		}
	}
	return r, flaws
}

func (r *Redactor) add(rule string) *assay.Flaw {
	kind, name, _ := strings.Cut(rule, ":")
	switch {
	case kind == "header" && name != "":
		r.headers[strings.ToLower(name)] = true
	case kind == "query" && name != "":
		r.query[name] = true
	case strings.Contains(rule, "match(") || strings.Contains(rule, "search("):
		// The library panics where their argument is absent from a body.
		return &assay.Flaw{What: fmt.Sprintf("%q uses match or search, which redaction does not", rule), Hint: "name what is to be redacted by its path"}
	case strings.HasPrefix(rule, "$"):
		path, err := jsonpath.Parse(rule)
		if err != nil {
			return &assay.Flaw{What: fmt.Sprintf("%q is not a JSONPath: %v", rule, err), Hint: `write it as RFC 9535 has it, for example "$.card.number" or "$..iban"`}
		}
		r.paths = append(r.paths, path)
	default:
		return &assay.Flaw{What: fmt.Sprintf("%q says nothing that can be redacted", rule), Hint: `write "header:NAME", "query:NAME", or a JSONPath into bodies such as "$.card.number"`}
	}
	return nil
}

// Trial redacts a trial in place. What the trial shares with anyone else (headers, bodies, the
// request) is replaced, not changed.
func (r *Redactor) Trial(t *assay.Trial) {
	if t.Invocation.Request != nil {
		req := r.request(*t.Invocation.Request)
		t.Invocation.Request = &req
	}
	t.Invocation.Payload = r.body(t.Invocation.Payload)
	compared := make([]*assay.Comparison, 0, len(t.Candidates)+1)
	if t.Secondary != nil {
		compared = append(compared, t.Secondary)
	}
	for i := range t.Candidates {
		compared = append(compared, &t.Candidates[i])
	}
	for _, c := range compared {
		r.comparison(&t.Control, c) // the bodies are still whole
	}
	r.observation(&t.Control)
	for _, c := range compared {
		r.observation(&c.Observation)
	}
}

func (r *Redactor) request(q assay.Request) assay.Request {
	q.Header = r.header(q.Header)
	q.Query = r.rawQuery(q.Query)
	q.Body = r.body(q.Body)
	q.RemoteAddr = ""
	return q
}

// Observation is a redacted copy.
func (r *Redactor) Observation(o *assay.Observation) *assay.Observation {
	c := *o
	r.observation(&c)
	return &c
}

func (r *Redactor) observation(o *assay.Observation) {
	o.Header, o.Trailer = r.header(o.Header), r.header(o.Trailer)
	o.Body = r.body(o.Body)
	o.Log = r.text(o.Log)
	if o.Fault != nil {
		f := *o.Fault
		f.Message = string(r.text([]byte(f.Message)))
		o.Fault = &f
	}
}

func (r *Redactor) secretHeader(name string) bool {
	return r.headers[strings.ToLower(name)] || secretName(name)
}

func (r *Redactor) header(h assay.Header) assay.Header {
	if h == nil {
		return nil
	}
	clean := make(assay.Header, len(h))
	for name, values := range h {
		redact := r.hash
		if !r.secretHeader(name) {
			redact = func(v string) string { return string(r.text([]byte(v))) }
		}
		for _, v := range values {
			clean[name] = append(clean[name], redact(v))
		}
	}
	return clean
}

// rawQuery redacts values and leaves the rest of the text as the client wrote it.
func (r *Redactor) rawQuery(q string) string {
	parts := strings.Split(q, "&")
	for i, part := range parts {
		name, value, ok := strings.Cut(part, "=")
		if ok && (r.secretQuery(name) || r.holdsSecret(value)) {
			parts[i] = name + "=" + r.hash(value)
		}
	}
	return strings.Join(parts, "&")
}

func (r *Redactor) secretQuery(name string) bool {
	plain := unescaped(name)
	return r.query[plain] || secretName(plain)
}

// holdsSecret tells whether an escaped value, a link perhaps, holds a secret of its own.
func (r *Redactor) holdsSecret(value string) bool {
	plain := []byte(unescaped(value))
	return !bytes.Equal(r.text(plain), plain)
}

func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// comparison redacts what differences quote. The list is the trial's own.
func (r *Redactor) comparison(control *assay.Observation, c *assay.Comparison) {
	if len(c.Differences) == 0 {
		return
	}
	docs := r.documents(control.Body, c.Observation.Body)
	for i := range c.Differences {
		d := &c.Differences[i]
		if r.secretPath(d.Path, docs) {
			d.Control, d.Candidate, d.Detail = r.hashIfAny(d.Control), r.hashIfAny(d.Candidate), ""
			continue
		}
		d.Control = string(r.text([]byte(d.Control)))
		d.Candidate = string(r.text([]byte(d.Candidate)))
		d.Detail = string(r.text([]byte(d.Detail)))
	}
}

// secretPath tells whether what stands at a difference's path may not be kept.
func (r *Redactor) secretPath(path string, docs []document) bool {
	part, rest, _ := strings.Cut(path, ":")
	switch part {
	case "header", "trailer":
		name, _, _ := strings.Cut(rest, ":") // what follows is a part of it
		return r.secretHeader(name)
	case "body":
		return secretMember(rest) || len(r.paths) > 0 && !cleared(rest, docs)
	}
	return false
}

// document is a JSON body with the normalized paths that the definition's JSONPaths choose in it.
type document struct {
	root   any
	chosen map[string]bool
}

func (r *Redactor) documents(bodies ...[]byte) []document {
	if len(r.paths) == 0 {
		return nil
	}
	var docs []document
	for _, b := range bodies {
		var root any
		if json.Unmarshal(b, &root) == nil {
			docs = append(docs, document{root, r.selected(root)})
		}
	}
	return docs
}

// cleared tells whether a path is known to lie neither in, nor around, anything the definition redacts.
// What cannot be looked up is not cleared.
func cleared(path string, docs []document) bool {
	p, err := jsonpath.Parse(path)
	if err != nil {
		return false
	}
	found := false
	for _, doc := range docs {
		for _, node := range p.SelectLocated(doc.root) {
			found = true
			for chosen := range doc.chosen {
				if within(node.Path.String(), chosen) || within(chosen, node.Path.String()) {
					return false
				}
			}
		}
	}
	return found
}

// within tells whether a normalized path lies in, or is, another.
func within(inner, outer string) bool {
	return inner == outer || strings.HasPrefix(inner, outer+"[")
}

// secretMember tells whether a member's name on a JSON path is a secret's.
func secretMember(path string) bool {
	for _, step := range strings.FieldsFunc(path, func(c rune) bool { return strings.ContainsRune(".[]'\"", c) }) {
		if secretName(step) {
			return true
		}
	}
	return false
}

// byteOrderMark may stand before a JSON text; JSON's parsers do not like it.
var byteOrderMark = []byte("\ufeff")

// body redacts a body: JSON exactly, by member; anything else by what looks like a secret. Where the
// definition names JSONPaths and the body only looks like JSON, or has a member twice, it is withheld:
// nobody can say where in it they point.
func (r *Redactor) body(b []byte) []byte {
	text := bytes.TrimPrefix(b, byteOrderMark)
	if !looksLikeJSON(text) {
		return r.text(b)
	}
	clean, err := r.json(text)
	switch {
	case err == nil:
		return clean
	case len(r.paths) > 0:
		return []byte("[withheld: not plain JSON, and this experiment redacts by JSONPath]")
	default:
		return r.text(b)
	}
}

func looksLikeJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[')
}

// text redacts what looks like a secret in bytes of any kind. This is best effort, where json is exact.
func (r *Redactor) text(b []byte) []byte {
	return r.without(r.without(b, passwordIn), secretIn)
}

// without puts hashes in the place of what find finds: the next b[from:to] at or after a place, and where to go
// on, which is negative at the end.
func (r *Redactor) without(b []byte, find func(b []byte, at int) (from, to, next int)) []byte {
	var out []byte
	copied := 0
	for at := 0; ; {
		from, to, next := find(b, at)
		if next < 0 {
			break
		}
		at = next
		if from < to {
			out = append(append(out, b[copied:from]...), r.hash(string(b[from:to]))...)
			copied = to
		}
	}
	if copied == 0 {
		return b
	}
	return append(out, b[copied:]...)
}

func (r *Redactor) hashIfAny(s string) string {
	if s == "" {
		return ""
	}
	return r.hash(s)
}

// hash stands for a secret: 48 bits of its HMAC-SHA256. What is a hash already, in a recording that is made
// into trials again, stays as it is.
func (r *Redactor) hash(s string) string {
	if isHash(s) {
		return s
	}
	mac := hmac.New(sha256.New, r.key)
	io.WriteString(mac, s)
	return "[redacted " + hex.EncodeToString(mac.Sum(nil)[:6]) + "]"
}

func isHash(s string) bool {
	digits, begins := strings.CutPrefix(s, "[redacted ")
	digits, ends := strings.CutSuffix(digits, "]")
	_, err := hex.DecodeString(digits)
	return begins && ends && len(digits) == 12 && err == nil
}

// json replaces the secret values in a JSON text and leaves every other byte as it is.
func (r *Redactor) json(b []byte) ([]byte, error) {
	chosen, err := r.choose(b)
	if err != nil {
		return nil, err
	}
	w := walker{dec: json.NewDecoder(bytes.NewReader(b)), src: b, redactor: r, chosen: chosen}
	if err := w.value("$", false); err != nil {
		return nil, err
	}
	return append(w.out, b[w.copied:]...), nil
}

// choose lists the normalized paths that the definition's JSONPaths choose in a JSON text. Without any the text is not
// held as values, which take many times its size.
func (r *Redactor) choose(b []byte) (map[string]bool, error) {
	if len(r.paths) == 0 {
		if !json.Valid(b) {
			return nil, errNotJSON
		}
		return nil, nil
	}
	var doc any
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	return r.selected(doc), nil
}

var errNotJSON = errors.New("not JSON")

// selected lists the normalized paths that the definition's JSONPaths choose in a document.
func (r *Redactor) selected(doc any) map[string]bool {
	chosen := map[string]bool{}
	for _, p := range r.paths {
		for _, node := range p.SelectLocated(doc) {
			chosen[node.Path.String()] = true
		}
	}
	return chosen
}

// walker goes through a JSON text token by token, with the normalized path of where it is.
type walker struct {
	dec      *json.Decoder
	src      []byte
	redactor *Redactor
	chosen   map[string]bool
	out      []byte
	copied   int // bytes of src that are in out already
}

// value walks one value, or replaces it.
func (w *walker) value(path string, secret bool) error {
	from := w.start()
	tok, err := w.dec.Token()
	if err != nil {
		return err
	}
	if secret || w.chosen[path] {
		return w.replace(tok, from)
	}
	switch tok {
	case json.Delim('{'):
		return w.object(path)
	case json.Delim('['):
		return w.array(path)
	}
	if _, ok := tok.(string); ok {
		w.text(from)
	}
	return nil
}

// text redacts within the string that was just read: a link, or JSON in JSON.
func (w *walker) text(from int) {
	to := int(w.dec.InputOffset())
	if clean := w.redactor.text(w.src[from:to]); !bytes.Equal(clean, w.src[from:to]) {
		w.put(from, to, clean)
	}
}

// put writes something in the place of src[from:to].
func (w *walker) put(from, to int, what []byte) {
	w.out = append(append(w.out, w.src[w.copied:from]...), what...)
	w.copied = to
}

// start is where the next token begins: past white space, commas and colons.
func (w *walker) start() int {
	i := int(w.dec.InputOffset())
	for i < len(w.src) && strings.IndexByte(" \t\r\n,:", w.src[i]) >= 0 {
		i++
	}
	return i
}

func (w *walker) object(path string) error {
	var seen map[string]bool // of no use without JSONPaths
	if len(w.redactor.paths) > 0 {
		seen = map[string]bool{}
	}
	for w.dec.More() {
		key, err := w.dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if seen[name] {
			return fmt.Errorf("the member %q stands twice", name)
		}
		if seen != nil {
			seen[name] = true
		}
		if err := w.value(path+spec.Normalized(spec.Name(name)).String()[1:], secretName(name)); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return err
}

func (w *walker) array(path string) error {
	for i := 0; w.dec.More(); i++ {
		if err := w.value(path+"["+strconv.Itoa(i)+"]", false); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return err
}

// replace skips the rest of the value that begins with tok and writes its hash in its place. null
// holds no secret and stays.
func (w *walker) replace(tok json.Token, from int) error {
	for depth := nesting(tok); depth > 0; {
		next, err := w.dec.Token()
		if err != nil {
			return err
		}
		depth += nesting(next)
	}
	if tok == nil {
		return nil
	}
	to := int(w.dec.InputOffset())
	if text, ok := tok.(string); ok && isHash(text) {
		return nil
	}
	w.put(from, to, []byte(strconv.Quote(w.redactor.hash(string(w.src[from:to])))))
	return nil
}

func nesting(tok json.Token) int {
	switch tok {
	case json.Delim('{'), json.Delim('['):
		return 1
	case json.Delim('}'), json.Delim(']'):
		return -1
	}
	return 0
}
