package awsapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestRecorded replays testdata/recorded: what AWS was seen to answer, or what its published model says it
// does. Each file is a story told to a fresh engine; testdata/recorded/README.md has the format.
func TestRecorded(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	rows := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		story := readStory(t, file, string(text))
		rows += len(story)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			l := newLab(t, Options{})
			known := map[string]string{"HANDLER": handlerBase64(t), "ROLE": "arn:aws:iam::000000000000:role/r", "ARN": "arn:aws:lambda:us-east-1:000000000000"}
			for _, row := range story {
				row.play(t, l, known)
			}
		})
	}
	if rows < 120 {
		t.Errorf("%d rows", rows)
	}
}

func handlerBase64(t *testing.T) string {
	t.Helper()
	code, err := os.ReadFile(handlerZip(t))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(code)
}

// row is one request and its answer.
type row struct {
	where   string // file:line
	method  string
	path    string
	request string // header and body, as in HTTP
	status  int
	answer  string // header and body
}

// readStory parts a file into rows.
func readStory(t *testing.T, file, text string) []row {
	t.Helper()
	var story []row
	line := 1
	for block := range strings.SplitSeq(text, "\n===\n") {
		at := fmt.Sprintf("%s:%d", file, line)
		line += strings.Count(block, "\n") + 2
		var r row
		var ok bool
		for strings.HasPrefix(block, "#") {
			_, block, _ = strings.Cut(block, "\n")
		}
		if r.request, r.answer, ok = strings.Cut(block, "\n---\n"); !ok {
			t.Fatalf("%s: a row needs a request, ---, and an answer", at)
		}
		var first, code string
		first, r.request, _ = strings.Cut(r.request, "\n")
		r.method, r.path, _ = strings.Cut(first, " ")
		code, r.answer, _ = strings.Cut(r.answer, "\n")
		r.where = at + " " + first
		var err error
		if r.status, err = strconv.Atoi(strings.TrimSpace(code)); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		story = append(story, r)
	}
	return story
}

// play sends a row's request and compares the answer.
func (r row) play(t *testing.T, l *lab, known map[string]string) {
	t.Helper()
	header, body := parts(fill(r.request, known))
	request, err := http.NewRequest(r.method, l.server.URL+fill(r.path, known), strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", r.where, err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := l.http.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", r.where, err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", r.where, err)
	}
	if response.StatusCode != r.status {
		t.Errorf("%s: status %d, want %d\n%v\n%s", r.where, response.StatusCode, r.status, response.Header, got)
		return
	}
	wantHeader, want := parts(r.answer)
	for name, value := range wantHeader {
		if diff := like(fill(value, known), response.Header.Get(name), known); diff != "" {
			t.Errorf("%s: %s: %s", r.where, name, diff)
		}
	}
	if response.Header.Get("X-Amzn-RequestId") == "" {
		t.Errorf("%s: no request id", r.where)
	}
	if diff := compare(fill(want, known), got, known); diff != "" {
		t.Errorf("%s: %s\n%s", r.where, diff, got)
	}
}

// parts splits a header from a body, at an empty line.
func parts(s string) (map[string]string, string) {
	head, body, ok := strings.Cut("\n"+s, "\n\n")
	if !ok {
		head = s
	}
	header := map[string]string{}
	for line := range strings.Lines(head) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			header[name] = value
		}
	}
	return header, strings.TrimSpace(body)
}

var placeholder = regexp.MustCompile(`\{(zip:[^}]*|x:[0-9]+|[A-Z0-9_]+)\}`)

// fill puts in what is known: {NAME}, {zip:FILE=CONTENT} for a zip in base64, {x:N} for N letters.
func fill(s string, known map[string]string) string {
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		key := m[1 : len(m)-1]
		if of, ok := strings.CutPrefix(key, "zip:"); ok {
			name, content, _ := strings.Cut(of, "=")
			return base64.StdEncoding.EncodeToString(zipOf(map[string]string{name: content}))
		}
		if n, ok := strings.CutPrefix(key, "x:"); ok {
			count, _ := strconv.Atoi(n)
			return strings.Repeat("x", count)
		}
		if value, ok := known[key]; ok {
			return value
		}
		return m
	})
}

// compare compares bodies: as JSON if what is wanted is, else as text.
func compare(want string, got []byte, known map[string]string) string {
	var w, g any
	switch {
	case want == "*":
		return ""
	case json.Unmarshal([]byte(want), &w) != nil:
		return like(want, string(got), known)
	case json.Unmarshal(got, &g) != nil:
		return "the body is not JSON"
	}
	return differ("", w, g, known)
}

// differ names the first difference. An object with "...": true may have more members.
func differ(path string, want, got any, known map[string]string) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s: %v is no object", path, got)
		}
		return differObject(path, w, g, known)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s: %v, want %v", path, got, want)
		}
		for i := range w {
			if diff := differ(fmt.Sprintf("%s[%d]", path, i), w[i], g[i], known); diff != "" {
				return diff
			}
		}
		return ""
	case string:
		text, ok := got.(string)
		if !ok {
			text = fmt.Sprint(got)
		}
		if diff := like(w, text, known); diff != "" {
			return path + ": " + diff
		}
		return ""
	}
	if want != got {
		return fmt.Sprintf("%s: %v, want %v", path, got, want)
	}
	return ""
}

func differObject(path string, want, got map[string]any, known map[string]string) string {
	_, open := want["..."]
	for name := range got {
		if _, expected := want[name]; !expected && !open {
			return fmt.Sprintf("%s.%s is not expected: %v", path, name, got[name])
		}
	}
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value, there := got[name]
		switch {
		case name == "...":
		case want[name] == "<absent>":
			if there {
				return fmt.Sprintf("%s.%s is there: %v", path, name, value)
			}
		case !there:
			return fmt.Sprintf("%s.%s is missing", path, name)
		default:
			if diff := differ(path+"."+name, want[name], value, known); diff != "" {
				return diff
			}
		}
	}
	return ""
}

// patterns are what stands for values that differ each time.
var patterns = map[string]string{
	"uuid":    `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`,
	"date":    `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000`,
	"urldate": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`,
	"epoch":   `[0-9.e+]+`,
	"sha256":  `[A-Za-z0-9+/]{43}=`,
	"number":  `[0-9.]+`,
	"any":     `(?s:.+)`,
	"trace":   `Root=1-[0-9a-f]{8}-[0-9a-f]{24}.*`,
}

var pattern = regexp.MustCompile(`<([a-z0-9]+)(?::([A-Z0-9_]+))?>`)

// like compares a text with one that may have <pattern>s, also <pattern:NAME> to be known by that name.
func like(want, got string, known map[string]string) string {
	var names []string
	var re strings.Builder
	re.WriteString("^")
	rest := want
	for {
		at := pattern.FindStringSubmatchIndex(rest)
		if at == nil || patterns[rest[at[2]:at[3]]] == "" {
			break
		}
		re.WriteString(regexp.QuoteMeta(rest[:at[0]]) + "(" + patterns[rest[at[2]:at[3]]] + ")")
		name := ""
		if at[4] >= 0 {
			name = rest[at[4]:at[5]]
		}
		names, rest = append(names, name), rest[at[1]:]
	}
	re.WriteString(regexp.QuoteMeta(rest) + "$")
	found := regexp.MustCompile(re.String()).FindStringSubmatch(got)
	if found == nil {
		return fmt.Sprintf("%q, want %q", got, want)
	}
	for i, name := range names {
		if name != "" {
			known[name] = found[i+1]
		}
	}
	return ""
}
