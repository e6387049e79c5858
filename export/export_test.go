package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

func picture(shade uint8, level png.CompressionLevel) []byte {
	img := image.NewGray(image.Rect(0, 0, 8, 8))
	img.SetGray(3, 3, color.Gray{Y: shade})
	var out bytes.Buffer
	_ = (&png.Encoder{CompressionLevel: level}).Encode(&out, img)
	return out.Bytes()
}

// scene is a case with the answer that mends it, and the one that does not.
type scene struct {
	name         string
	c            Case
	mended, sick http.HandlerFunc
}

// says answers in the way of an HTTP service, if the request is the one expected.
func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.RequestURI() != "/round?number=0.5" || r.Header.Get("X-Mode") != "it's \"beta\"" || string(sent) != "{\"a\": \"é'\"}" {
			http.Error(w, fmt.Sprintf("another request: %s %s %v %q", r.Method, r.URL.RequestURI(), r.Header, sent), http.StatusTeapot)
			return
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// returns answers in the way of the Lambda API.
func returns(payload any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.RequestURI() != "/2015-03-31/functions/round/invocations?Qualifier=live" || string(sent) != `{"rawPath": "/round"}` {
			http.Error(w, "another invocation", http.StatusTeapot)
			return
		}
		_ = json.NewEncoder(w).Encode(payload)
	}
}

func scenes() []scene {
	request := &assay.Request{Method: "POST", Path: "/round", Query: "number=0.5", Body: []byte("{\"a\": \"é'\"}"),
		Header: assay.Header{"X-Mode": {`it's "beta"`}, "Content-Length": {"99"}}}
	differ := func(path string, kind assay.Kind) []assay.Difference {
		ignored := assay.Difference{Path: "body:$.id", Kind: assay.KindValue, Ignored: "a rule"}
		return []assay.Difference{ignored, {Path: path, Kind: kind, Control: "1\n\"x\"", Candidate: "0 */"}}
	}
	http := func(control Arm, differences []assay.Difference) Case {
		return Case{Experiment: "e", Request: request, Control: control, Candidate: Arm{Name: "new"}, Differences: differences, Header: assay.Header{"X-A": {"1", "2"}}}
	}
	function := func(control Arm, differences []assay.Difference) Case {
		c := http(control, differences)
		c.Event, c.Candidate.Function = []byte(`{"rawPath": "/round"}`), "round:live"
		return c
	}
	type object = map[string]any
	return []scene{
		{"json", http(Arm{Status: 200, Body: []byte(`{"a": [{"b c": 1.0}]}`)}, differ("body:$.a[0]['b c']", assay.KindValue)),
			says(200, `{"a": [{"b c": 1}], "more": 1}`), says(200, `{"a": [{"b c": 0}]}`)},
		{"extra", http(Arm{Status: 200, Body: []byte(`{}`)}, differ("body:$.a", assay.KindExtra)), says(200, `{}`), says(200, `{"a": null}`)},
		{"missing", http(Arm{Status: 200, Body: []byte(`{"a": null}`)}, differ("body:$.a", assay.KindMissing)), says(200, `{"a": null}`), says(200, `{}`)},
		{"status", http(Arm{Status: 302}, differ("status", assay.KindValue)), says(302, "", "Location", "/round"), says(500, "")},
		{"header", http(Arm{Status: 200}, differ("header:x-a", assay.KindValue)), says(200, "", "X-A", "1, 2"), says(200, "", "X-A", "1")},
		{"bytes", http(Arm{Status: 200, Body: []byte("\xff\x00")}, differ("body", assay.KindValue)), says(200, "\xff\x00"), says(200, "\xff")},
		{"function", function(Arm{Status: 200, Body: []byte(`{"a": "x"}`)}, differ("body:$.a", assay.KindValue)),
			returns(object{"statusCode": 200, "body": `{"a": "x"}`}), returns(object{"statusCode": 200, "body": `{"a": "y"}`})},
		{"image", function(Arm{Status: 200, Body: picture(9, png.BestSpeed)}, differ("body", assay.KindPixels)),
			returns(object{"statusCode": 200, "isBase64Encoded": true, "body": picture(9, png.NoCompression)}),
			returns(object{"statusCode": 200, "isBase64Encoded": true, "body": picture(8, png.BestSpeed)})},
	}
}

// TestWrittenTestsTell runs what is written against a candidate that was mended and one that was not.
func TestWrittenTestsTell(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module reproduction\n\ngo 1.24\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, s := range scenes() {
		for _, state := range []struct {
			name    string
			handler http.HandlerFunc
			passes  bool
		}{{"mended", s.mended, true}, {"sick", s.sick, false}} {
			t.Run(s.name+"/"+state.name, func(t *testing.T) {
				server := httptest.NewServer(state.handler)
				defer server.Close()
				c := s.c
				c.Candidate.URL = server.URL
				tell(t, &c, dir, s.name+"_"+state.name, state.passes)
			})
		}
	}
}

// tell writes both tests of a case and runs them. To compile takes long, so not every case's Go test is run.
func tell(t *testing.T, c *Case, dir, name string, passes bool) {
	place := filepath.Join(dir, name)
	write(t, c, Go, filepath.Join(place, "a_test.go"))
	kind, _, _ := strings.Cut(name, "_")
	if slices.Contains([]string{"json", "function", "image"}, kind) {
		if got := run(t, dir, "go", "test", "-vet=off", "./"+name); got != passes {
			t.Errorf("the Go test passes: %v", got)
		}
	}
	write(t, c, Pytest, filepath.Join(place, "test_a.py"))
	if _, err := exec.LookPath("python3"); err != nil || kind == "image" { // which wants pytest and Pillow
		return
	}
	if got := run(t, place, "python3", "-c", "import test_a; test_a.test_candidate_answers_as_the_control()"); got != passes {
		t.Errorf("the pytest passes: %v", got)
	}
}

func write(t *testing.T, c *Case, form, path string) {
	t.Helper()
	text, err := c.Write(form)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run tells whether a command passes; one that fails for another reason than its assertion is an error.
func run(t *testing.T, dir, name string, args ...string) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "CANDIDATE_URL=")
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "--- FAIL") && !strings.Contains(string(out), "AssertionError") {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	if err != nil && strings.Contains(string(out), "another") {
		t.Errorf("it sent another request: %s", out)
	}
	return err == nil
}

func TestCurlCallsBoth(t *testing.T) {
	for _, s := range scenes() {
		if s.name != "json" && s.name != "function" {
			continue
		}
		server := httptest.NewServer(s.sick)
		defer server.Close()
		s.c.Candidate.URL, s.c.Control.URL = server.URL, server.URL
		s.c.Control.Function = s.c.Candidate.Function
		text, err := s.c.Write(Curl)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := exec.LookPath("curl"); err != nil {
			t.Skip("curl is missing")
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", text).CombinedOutput()
		if err != nil || strings.Contains(string(out), "another") || strings.Count(string(out), "{") < 2 {
			t.Errorf("%s: %v\n%s\n%s", s.name, err, text, out)
		}
	}
}

func TestOtherForms(t *testing.T) {
	c := scenes()[6].c
	if got, err := c.Write(Event); err != nil || got != "{\n  \"rawPath\": \"/round\"\n}\n" {
		t.Errorf("%q, %v", got, err)
	}
	c.Event = []byte("no")
	if _, err := c.Write(Event); err == nil {
		t.Error("what is not JSON became an event")
	}
	if _, err := c.Write("cobol"); err == nil {
		t.Error("an unknown form was written")
	}
	binary := Case{Request: &assay.Request{Method: "PUT", Path: "/a", Body: []byte("\x00\x01")}}
	if got, _ := binary.Write(Curl); !strings.Contains(got, "echo AAE= | base64 -d | curl -sS -X 'PUT' '/a' --data-binary @-") {
		t.Error(got)
	}
}

func TestStepsOf(t *testing.T) {
	for path, want := range map[string][]any{
		"$": nil, "$.a.b": {"a", "b"}, "$[0][12].c": {0, 12, "c"}, `$['a b']['it\'s'].c`: {"a b", "it's", "c"}, `$['a\nb']`: {"a\nb"}, `$['say "x"']`: {`say "x"`},
	} {
		if got, ok := stepsOf(path); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %v", path, got, ok)
		}
	}
	for _, path := range []string{"", "a", "$[", "$['a", "$[x]", "$a"} {
		if got, ok := stepsOf(path); ok {
			t.Errorf("%s became %v", path, got)
		}
	}
}

func FuzzStepsOf(f *testing.F) {
	f.Add(`$['a\'b'][0].c`)
	f.Add(`$['\`)
	f.Fuzz(func(_ *testing.T, path string) { stepsOf(path) })
}
