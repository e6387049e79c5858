package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/pdf"
	"github.com/assaylab/assay/compare/protobuf"
	"github.com/assaylab/assay/config"
)

// TestPageOfComparators loads every definition on the page, and looks for every option on it.
func TestPageOfComparators(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/comparators.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 8 {
		t.Errorf("%d definitions", len(blocks))
	}
	nothing := func(assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) { return nil, nil } // of the page's own, which is nowhere
	messages := protobuf.Format(nil)                                                           // nor is their descriptor
	messages.Build = func(assay.ComparatorSpec, format.Formats) (format.CompareFunc, []assay.Flaw) { return nil, nil }
	known := compare.Extra{
		Kinds:   map[string]compare.Builder{assay.CompareCommand: nothing, assay.CompareWasm: nothing},
		Formats: format.Formats{messages, pdf.Format(pdf.Text)},
	}
	for _, block := range blocks {
		text := "experiments:\n  e:\n    path: a\n    control: {url: \"http://127.0.0.1:1\"}\n    " + strings.ReplaceAll(block[1], "\n", "\n    ")
		doc, err := config.Parse("page", []byte(text), config.Options{})
		if err != nil {
			t.Errorf("%v\n%s", err, block[1])
			continue
		}
		if _, flaws := known.New(doc.Experiments[0].Comparators); len(flaws) > 0 {
			t.Errorf("%+v\n%s", flaws, block[1])
		}
	}
	_, schema, _ := strings.Cut(string(config.Schema()), `"comparator": {`)
	schema, _, _ = strings.Cut(schema, `"bodyKind": {`)
	for _, option := range regexp.MustCompile(`(?m)^ {20}"([a-z]+)": \{`).FindAllStringSubmatch(schema, -1) {
		if !strings.Contains(string(page), option[1]) {
			t.Errorf("nothing about %s", option[1])
		}
	}
}

// TestAComparatorOfOnesOwn: a program decides what counts; what it sees has no secrets; when it fails, nobody
// is refuted for it; when it changes, new evidence begins.
func TestAComparatorOfOnesOwn(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "own"), 0o755)
	const program = `import json, sys
both = json.load(sys.stdin)
control, candidate = (json.loads(both[arm]["body"]) for arm in ("control", "candidate"))
if "hunter2" in json.dumps(both):
    sys.exit("the secret is to be seen")
found = []
if round(control["total"]) != round(candidate["total"]):
    found = [{"path": "$.total", "control": str(control["total"]), "candidate": str(candidate["total"])}]
json.dump(found, sys.stdout)
`
	own := write(t, filepath.Join(dir, "own", "money.py"), program)
	file := write(t, filepath.Join(dir, "assay.yaml"), fmt.Sprintf(`experiments:
  money:
    path: /money
    comparators:
      - command: {name: money, code: own, run: [python3, money.py], timeout: 10s}
    control: {url: %q}
    candidates: {near: {url: %q}, far: {url: %q}}
`, serveText(t, `{"total": 10.1, "password": "hunter2"}`).URL, serveText(t, `{"total": 9.9, "password": "hunter2"}`).URL, serveText(t, `{"total": 12, "password": "hunter2"}`).URL))
	l := startLab(t, dir, "-f", file)
	visit := func(n int) {
		for range n {
			if got, err := send(t.Context(), "GET", l.gateway+"/money", nil, nil); err != nil || got.status != 200 {
				t.Fatalf("%v %+v", err, got)
			}
		}
	}
	visit(5)
	e := l.settled("money")
	near, far := arm(&e, "near"), arm(&e, "far")
	if near.Matches != 5 || far.Mismatches != 5 || len(far.Paths) != 1 || far.Paths[0].Path != "command:money:$.total" {
		t.Errorf("%+v\n%+v\n%s", near, far, l.logged())
	}
	write(t, own, "raise SystemExit(1)\n")
	eventually(t, 20*time.Second, func() error {
		if e = l.experiment("money"); e.Version == 1 {
			return fmt.Errorf("still version 1")
		}
		return nil
	})
	visit(3)
	e = l.settled("money")
	if e.Trials != 0 || e.Dropped["comparator"] != 3 || !strings.Contains(l.logged(), "command:money") {
		t.Errorf("%d trials, dropped %v\n%s", e.Trials, e.Dropped, l.logged())
	}
}

// TestPDFsAreReadInASandbox: printed at another moment a document is the same, with another total it is not, and one
// that cannot be read is told as such.
func TestPDFsAreReadInASandbox(t *testing.T) {
	t.Parallel()
	serve := func(body []byte) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/pdf")
			w.Write(body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	printed := func(name string) []byte { return mustRead(t, "../compare/pdf/testdata/"+name+".pdf") }
	dir := t.TempDir()
	l := startLab(t, dir, "-f", write(t, filepath.Join(dir, "assay.yaml"), fmt.Sprintf(`experiments:
  invoice:
    path: /invoice
    control: {url: %q}
    candidates: {again: {url: %q}, dearer: {url: %q}, broken: {url: %q}}
`, serve(printed("invoice")), serve(printed("invoice-printed-again")), serve(printed("invoice-other-total")), serve(printed("invoice")[:9000]))))
	for range 3 {
		if got, err := send(t.Context(), "GET", l.gateway+"/invoice", nil, nil); err != nil || got.status != 200 {
			t.Fatalf("%v %+v", err, got)
		}
	}
	e := l.settled("invoice")
	if again := arm(&e, "again"); again.Matches != 3 {
		t.Errorf("printed again: %+v", again)
	}
	for name, want := range map[string]string{"dearer": "body:$[*][*] value", "broken": "body malformed"} {
		got := arm(&e, name)
		if got.Mismatches != 3 || len(got.Paths) != 1 || got.Paths[0].Path+" "+string(got.Paths[0].Kind) != want {
			t.Errorf("%s: want %s, got %+v", name, want, got)
		}
	}
}
