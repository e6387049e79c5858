package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const monitoring = "../monitoring"

// TestRulesKeepTheirWord runs the tests of the alerts and recording rules, as anybody can.
func TestRulesKeepTheirWord(t *testing.T) {
	t.Parallel()
	needs(t, "promtool")
	rules, tests := matching(t, "prometheus/*.yml"), matching(t, "prometheus/tests/*.yml")
	for _, args := range [][]string{
		append([]string{"check", "rules", "--lint-fatal"}, filter(rules, "prometheus.yml")...),
		{"check", "config", filepath.Join(monitoring, "prometheus", "prometheus.yml")},
		append([]string{"test", "rules"}, tests...),
	} {
		if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	tested, err := os.ReadFile(filepath.Join(monitoring, "prometheus", "tests", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t, "alerts.yml", "alert") {
		if !strings.Contains(string(tested), "alertname: "+name+"\n") {
			t.Errorf("no test has alert %s ring", name)
		}
	}
}

// TestDashboardsShowWhatIsThere asks a real Prometheus, which scrapes a laboratory under traffic, everything that the
// dashboards and recording rules ask.
func TestDashboardsShowWhatIsThere(t *testing.T) {
	t.Parallel()
	needs(t, "prometheus", "promtool", "python3")
	l := observed(t)
	lint(t, l)
	prometheus := startPrometheus(t, l)
	asked := map[string]bool{}
	for _, file := range matching(t, "grafana/dashboards/*.json") {
		for _, q := range queriesOf(t, file) {
			asked[q] = true
		}
	}
	if len(asked) < 60 {
		t.Errorf("the dashboards ask %d queries only", len(asked))
	}
	for _, name := range names(t, "recording.yml", "record") {
		asked[name] = true
	}
	eventually(t, 90*time.Second, func() error {
		for q := range asked {
			if n, err := prometheus.ask(q); err != nil || n == 0 {
				return fmt.Errorf("%d series, %v: %s", n, err, q)
			}
			delete(asked, q)
		}
		return nil
	})
	prometheus.healthy()
}

// observed is a laboratory in which there is something of everything to see.
func observed(t *testing.T) *lab {
	control := serveText(t, `{"n": 1}`)
	differs := serveText(t, `{"n": 2}`)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	dir := t.TempDir()
	write(t, dir+"/f/main.py", "def handler(event, context):\n    return {'statusCode': 200, 'body': 'f'}\n")
	file := write(t, dir+"/assay.yaml", fmt.Sprintf(`
functions:
  f: {runtime: python3, handler: main.handler, code: f}
experiments:
  shop:
    path: shop
    holdout: 50%%
    secondary: 100%%
    control: {url: %[1]q}
    candidates: {differs: {url: %[2]q}, gone: {url: %[3]q}}
  rolled:
    path: rolled
    control: {url: %[1]q}
    candidates: {same: {url: %[1]q}}
    hypothesis: {mismatch: "<= 20%%"}
    rollout: {canary: 50%%, requests: 1000000}
  function:
    path: function
    control: {function: f}
    candidates: {same: {function: f}}
`, control.URL, differs.URL, gone.URL))
	l := startLab(t, dir+"/data", "-f", file)
	ctx, stop := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	for _, path := range []string{"/shop", "/shop", "/rolled", "/function"} {
		clients.Go(func() {
			for ctx.Err() == nil {
				if got, err := send(ctx, "GET", l.gateway+path, nil, nil); ctx.Err() == nil && (err != nil || got.status != http.StatusOK) {
					t.Errorf("%s: %v %+v", path, err, got)
					return
				}
				time.Sleep(5 * time.Millisecond) // there are enough; others need the processors
			}
		})
	}
	t.Cleanup(func() { stop(); clients.Wait() })
	return l
}

// lint has promtool look at the metrics as they are served.
func lint(t *testing.T, l *lab) {
	t.Helper()
	res, err := http.Get("http://" + strings.TrimPrefix(l.console, "http://") + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = res.Body
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// scraper is a Prometheus that runs.
type scraper struct {
	t   *testing.T
	url string
}

// startPrometheus runs the configuration that users are given, at a test's pace.
func startPrometheus(t *testing.T, l *lab) scraper {
	dir := t.TempDir()
	for _, file := range matching(t, "prometheus/*.yml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		said := strings.NewReplacer("15s", "1s", "127.0.0.1:8090", strings.TrimPrefix(l.console, "http://")).Replace(string(text))
		write(t, filepath.Join(dir, filepath.Base(file)), said)
	}
	cmd := exec.Command("prometheus", "--config.file="+dir+"/prometheus.yml", "--storage.tsdb.path="+dir+"/data", "--web.listen-address=127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var log strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		fmt.Fprintln(&log, lines.Text())
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, stderr)
			return scraper{t, "http://" + m[1]}
		}
	}
	t.Fatalf("prometheus ended:\n%s", &log)
	return scraper{}
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// ask returns of how many series an answer has a value that can be drawn.
func (s scraper) ask(query string) (int, error) {
	var answer struct {
		Error string
		Data  struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := s.get("/api/v1/query?query="+url.QueryEscape(query), &answer); err != nil || answer.Error != "" {
		return 0, fmt.Errorf("%w %s", err, answer.Error)
	}
	n := 0
	for _, r := range answer.Data.Result {
		if r.Value[1] != "NaN" {
			n++
		}
	}
	return n, nil
}

// healthy looks whether all rules could be evaluated.
func (s scraper) healthy() {
	s.t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := s.get("/api/v1/rules", &answer); err != nil {
		s.t.Fatal(err)
	}
	seen := 0
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			if seen++; r.Health != "ok" {
				s.t.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if want := len(names(s.t, "recording.yml", "record")) + len(names(s.t, "alerts.yml", "alert")); seen != want {
		s.t.Errorf("%d rules, want %d", seen, want)
	}
}

func (s scraper) get(path string, into any) error {
	res, err := http.Get(s.url + path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into)
}

// queriesOf are the queries of a dashboard's panels and variables, with the variables as when all is chosen.
func queriesOf(t *testing.T, file string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Type, Definition string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	chosen := strings.NewReplacer("$instance", ".*", "$experiment", ".*", "$__rate_interval", "10s")
	for _, p := range board.Panels {
		if len(p.Targets) == 0 && p.Type != "row" {
			t.Errorf("%s: %q asks nothing", file, p.Title)
		}
		for _, target := range p.Targets {
			all = append(all, chosen.Replace(target.Expr))
		}
	}
	for _, v := range board.Templating.List {
		if m := labelValues.FindStringSubmatch(v.Definition); m != nil {
			all = append(all, fmt.Sprintf("count by (%s) (%s)", m[2], chosen.Replace(m[1])))
		} else if v.Type == "query" {
			t.Errorf("%s: a variable asks %q", file, v.Definition)
		}
	}
	for _, q := range all {
		if strings.Contains(q, "$") {
			t.Errorf("%s: a variable that is not known: %s", file, q)
		}
	}
	return all
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

func matching(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(monitoring, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files
}

func filter(files []string, without string) (rest []string) {
	for _, f := range files {
		if filepath.Base(f) != without {
			rest = append(rest, f)
		}
	}
	return rest
}

// names are those of the rules in a file, of one kind.
func names(t *testing.T, file, kind string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(monitoring, "prometheus", file))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^ +- `+kind+`: (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	return all
}
