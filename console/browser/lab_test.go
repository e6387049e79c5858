package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaylab/assay/cli"
	"github.com/assaylab/assay/process"
)

// definition is of experiments on services of the test, and on a function. %s is the services' address.
const definition = `functions:
  price: {runtime: python3, handler: main.handler, code: price, memory: 128}
experiments:
  orders:
    path: /orders/*
    secondary: 30%%
    control: {name: Orders in production, url: "%[1]s/control"}
    candidates:
      rewritten: {name: Rewritten, url: "%[1]s/same"}
      cheaper: {name: Cheaper host, url: "%[1]s/wrong"}
    comparators:
    - statuscode:
    - headers: [content-type]
    - body: {as: json, ignore: ["$.request"]}
    hypothesis: {mismatch: "<= 5%%", latency: {p99: "<= 150%%"}}
  pictures:
    path: /pictures/*
    control: {url: "%[1]s/control"}
    candidates:
      redrawn: {name: Redrawn, url: "%[1]s/wrong"}
    comparators:
    - statuscode:
    - body: {as: image}
  price:
    path: /price
    control: {function: price}
    candidates:
      again: {function: price}
    comparators:
    - statuscode:
    - body: {as: json}
    hypothesis: {mismatch: "<= 5%%"}
  letters:
    path: /letters/*
    control: {url: "%[1]s/control"}
    candidates:
      retyped: {name: Retyped, url: "%[1]s/wrong"}
    comparators:
    - statuscode:
    - body: {as: text}
  events:
    path: /events
    secondary: 100%%
    control: {url: "%[1]s/control"}
    candidates:
      rewritten: {url: "%[1]s/same"}
    comparators:
    - statuscode:
    - body: {as: json}
  quiet:
    path: /quiet
    sample: 10%%
    control: {url: "%[1]s/control"}
    candidates:
      rewritten: {url: "%[1]s/same"}
    comparators:
    - statuscode:
    - body:
    hypothesis: {mismatch: "<= 1%%"}
`

const function = `import json
def handler(event, context):
    print("priced")
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"price": 1250})}
`

// services answer as the arms of the experiments do.
func services() http.Handler {
	var requests atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/{arm}/orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.Atoi(r.PathValue("id"))
		total := 10 * id
		if r.PathValue("arm") == "wrong" && id%4 == 0 {
			total++
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id": %d, "total": %d, "request": "r-%d", "lines": [{"sku": "a-%d", "count": 1}, {"sku": "b", "count": 2}]}`, id, total, requests.Add(1), id)
	})
	mux.HandleFunc("/{arm}/pictures/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_ = png.Encode(w, picture(r.PathValue("arm") == "wrong"))
	})
	mux.HandleFunc("/{arm}/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"at": time.Now(), "kind": "created", "note": r.URL.Query().Get("note")})
	})
	mux.HandleFunc("/{arm}/catalogue/{id}", func(w http.ResponseWriter, r *http.Request) {
		items := make([]map[string]any, 60)
		for i := range items {
			items[i] = map[string]any{"sku": fmt.Sprint("item-", i), "price": 100 * i}
		}
		if r.PathValue("arm") == "wrong" && r.URL.Query().Has("gift") {
			items[30]["price"] = 1
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items})
	})
	mux.HandleFunc("/{arm}/letters/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		for i := range 200 {
			if r.PathValue("arm") == "wrong" && i%70 == 30 {
				fmt.Fprintf(w, "%3d  It was agreed that nothing is delivered before it's payed.\n", i)
				continue
			}
			fmt.Fprintf(w, "%3d  It was agreed that nothing is delivered before it is paid.\n", i)
			if r.PathValue("arm") == "wrong" && i == 110 {
				fmt.Fprint(w, "     Signed twice.\n")
			}
		}
	})
	mux.HandleFunc("/{arm}/long/{rest...}", func(w http.ResponseWriter, r *http.Request) {
		key := "theNameOfAMemberThatSomebodyThoughtWouldExplainItself"
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{key: map[string]any{key + "Again": []any{map[string]any{key + "InAnArray": r.PathValue("arm") + strings.Repeat(" and so on", 40)}}}})
	})
	mux.HandleFunc("/{arm}/shop/{experiment}/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("arm") == "failing" && r.URL.Query().Has("busy") {
			http.Error(w, "out of stock", http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, "sold ", r.PathValue("id"))
	})
	mux.HandleFunc("/{arm}/quiet", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "quiet") })
	return mux
}

func picture(wrong bool) image.Image {
	img := image.NewGray(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 64 {
			if (x/8+y/8)%2 == 0 || wrong && x/8 == 4 && y/8 == 3 {
				img.SetGray(x, y, color.Gray{Y: 230})
			}
		}
	}
	return img
}

// lab is a laboratory that runs in this process, as the command does.
type lab struct {
	gateway, console string
	mu               sync.Mutex
	log              bytes.Buffer
	ready            chan struct{}
}

var readyLine = regexp.MustCompile(`msg=ready gateway=(\S+) aws=(\S+) console=(\S+)`)

// Write takes what the laboratory logs.
func (l *lab) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log.Write(p)
	if found := readyLine.FindStringSubmatch(l.log.String()); found != nil && l.console == "" {
		l.gateway, l.console = found[1], found[3]
		close(l.ready)
	}
	return len(p), nil
}

func (l *lab) logged() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.String()
}

// startLab runs a laboratory with the definition above, until the test ends.
func startLab(t *testing.T) *lab {
	t.Helper()
	needed(t)
	server := httptest.NewServer(services())
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "assay.yaml"), fmt.Sprintf(definition, server.URL))
	write(t, filepath.Join(dir, "price", "main.py"), function)
	return runLab(t, "-f", dir)
}

// runLab runs `assay up` on free ports with these arguments.
func runLab(t *testing.T, args ...string) *lab {
	t.Helper()
	l := &lab{ready: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, &process.Process{
			Args: append([]string{"up", "--data", t.TempDir(), "--gateway", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--console", "127.0.0.1:0"}, args...),
			Env:  os.LookupEnv, Dir: t.TempDir(), Stdin: strings.NewReader(""), Stdout: l, Stderr: l,
		})
	}()
	t.Cleanup(func() { stop(); <-ended })
	select {
	case <-l.ready:
	case code := <-ended:
		ended <- code
		t.Fatalf("the laboratory ended with %d: %s", code, l.logged())
	case <-time.After(time.Minute):
		t.Fatalf("the laboratory is not ready: %s", l.logged())
	}
	return l
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// traffic sends so many requests to the orders, and fewer to the others, and waits until their trials are kept.
func (l *lab) traffic(t *testing.T, requests int) {
	t.Helper()
	paths := []string{}
	for i := range requests {
		paths = append(paths, fmt.Sprint("/orders/", i))
		if i%20 == 0 {
			paths = append(paths, fmt.Sprint("/pictures/", i), fmt.Sprint("/letters/", i), "/price", "/events")
		}
	}
	l.send(t, paths)
}

// send makes a request for each path, and waits until the trials of all are kept.
func (l *lab) send(t *testing.T, paths []string) {
	t.Helper()
	for _, path := range paths {
		answer, err := http.Get("http://" + l.gateway + path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	for deadline := time.Now().Add(2 * time.Minute); !l.settled(t); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("trials are still in flight: %s", l.logged())
		}
	}
}

// settled tells whether no trial is in flight, and those that were counted can be read.
func (l *lab) settled(t *testing.T) bool {
	t.Helper()
	var all struct {
		Experiments []struct {
			Name     string
			Trials   int
			InFlight int `json:"in_flight"`
		}
	}
	l.read(t, "experiments", &all)
	for _, e := range all.Experiments {
		var kept struct{ Trials []struct{} }
		if l.read(t, "experiments/"+e.Name+"/trials?limit=1", &kept); e.InFlight > 0 || e.Trials > 0 && len(kept.Trials) == 0 {
			return false
		}
	}
	return true
}

// read takes what the console's API answers.
func (l *lab) read(t *testing.T, path string, into any) {
	t.Helper()
	answer, err := http.Get("http://" + l.console + "/api/v1/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
