package cli

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/postgres/postgrestest"
	"github.com/assaylab/assay/stream/natstest"
)

// mark stands in every secret of TestNoSecretIsKept, and in nothing else.
const mark = "s3cr3tmark"

// leaky answers with secrets, and with something of its own.
func leaky(t *testing.T, own string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "session="+mark+"-set-cookie; HttpOnly")
		w.Header().Set("X-Auth-Token", mark+"-answer-header")
		fmt.Fprintf(w, `{"own": %q, "access_token": "%s-answer", "link": "https://u:%[2]s-link@example.com/?token=%[2]s-link"}`, own, mark)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// secretRequest carries a secret in each place that has room for one.
func secretRequest(suffix string) request {
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + mark + suffix))
	return request{
		method: "POST", path: "/e?api_key=" + mark + suffix + "&page=1",
		header: http.Header{
			"Authorization": {"Bearer " + mark + suffix}, "Proxy-Authorization": {"Basic " + basic}, "Cookie": {"a=" + mark + suffix},
			"X-Api-Key": {mark + suffix}, "X-Amz-Security-Token": {mark + suffix}, "X-Mine": {mark + suffix}, "Content-Type": {"application/json"},
		},
		body: fmt.Appendf(nil, `{"password": "%s%s", "deep": [{"client_secret": {"v": "%[1]s%[2]s"}}], "card": {"number": "%[1]s%[2]s"}}`, mark, suffix),
	}
}

// TestNoSecretIsKept sends secrets through a laboratory, each wherever one can stand, and looks for them in what
// it logs, keeps, shows and exports. Equal secrets stay recognisable as equal.
func TestNoSecretIsKept(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA"+mark)
	t.Setenv("AWS_SECRET_ACCESS_KEY", mark+"-aws")
	t.Setenv("AWS_SESSION_TOKEN", mark+"-aws-session")
	token := mark + "-console"
	file := write(t, dir+"/assay.yaml", fmt.Sprintf(`
experiments:
  e:
    path: e
    unsafe: true
    control: {url: %q}
    candidates:
      other: {url: %q}
      down: {arn: "arn:aws:lambda:eu-west-1:123456789012:function:f", endpoint: "http://127.0.0.1:1"}
    redact: ["header:x-mine", "$.card.number"]
`, leaky(t, "control"), leaky(t, "candidate")))
	t.Setenv("ASSAY_TOKEN", token)
	l := startLab(t, dir+"/data", "-f", file)
	for _, suffix := range []string{"-one", "-one", "-two"} {
		mustSend(t, l.gateway, secretRequest(suffix))
	}
	l.settled("e")
	bad := write(t, dir+"/bad.yaml", fmt.Sprintf("experiments:\n  f: {path: f, control: {url: \"http://u:%s@127.0.0.1:1\"}}\n", mark))
	_, refusal, code := l.assay("apply", "-f", bad)
	if code == 0 {
		t.Error("a URL with a password is accepted")
	}
	seen := map[string]string{"refusal": refusal, "export": ""}
	l.must("export", "-o", dir+"/export.jsonl")
	seen["export"] = string(mustRead(t, dir+"/export.jsonl"))
	ids := shown(t, l, token, seen)
	equalHashes(t, l, token, ids)
	l.stop()
	seen["log"] = l.logged()
	seen["store refused"] = refusedStore(t)
	kept(t, dir+"/data", seen)
	nowhere(t, seen)
}

// TestNoSecretOfManyMachinesIsKept looks for the password of the stream, that of the database, and the key that machines
// share, in all that a gateway and a worker log, keep and show: when they work, and when they are refused.
func TestNoSecretOfManyMachinesIsKept(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, fmt.Sprintf("authorization { user: assay, password: %q }", mark+"-stream"))
	host := strings.TrimPrefix(server.URL, "nats://")
	database, err := url.Parse(postgrestest.Start(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	database.User = url.UserPassword(database.User.Username(), mark+"-database") // it trusts this machine
	f := &fleet{t: t, dir: t.TempDir()}
	keyFile := write(t, f.dir+"/key", (mark + strings.Repeat("k", 32))[:32])
	flags := func(password string) []string {
		return []string{"--stream", "nats://assay:" + password + "@" + host, "--store", database.String(), "--key", keyFile}
	}
	f.flags = flags(mark + "-stream")
	f.gateways = []*lab{f.gateway(0)}
	l, w := f.gateways[0], f.worker()
	text := serveText(t, "control")
	l.must("apply", "-f", write(t, f.dir+"/e.yaml", fmt.Sprintf(fleetExperiment, text.URL, text.URL)))
	f.send(l, 3)
	f.addsUp()
	server.Kill() // which is said
	l.says("the stream went away")
	server.Run()
	seen := map[string]string{}
	shown(t, l, "", seen)
	l.stop()
	w.end()
	refused := launch(t, f.dir+"/refused", flags(mark+"-wrong")...)
	<-refused.ended
	seen["log"], seen["worker's log"], seen["refusal"] = l.logged(), w.logged(), refused.logged()
	if !strings.Contains(seen["refusal"], "--stream-creds") {
		t.Errorf("a wrong password is answered with %s", seen["refusal"])
	}
	kept(t, l.data, seen)
	nowhere(t, seen)
}

// nowhere looks for the mark in all that was seen.
func nowhere(t *testing.T, seen map[string]string) {
	t.Helper()
	for where, text := range seen {
		for _, form := range marks() {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("%s has a secret: ...%s...", where, text[max(0, i-80):min(len(text), i+40)])
			}
		}
	}
}

// marks are the mark, and what it is in base64 wherever it begins: bodies are shown and exported so.
func marks() []string {
	all := []string{mark}
	for before := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + mark))
		all = append(all, text[(before*8+5)/6:len(text)-1]) // but for digits that hold bits of what stands around
	}
	return all
}

// shown adds what pages and API show, and returns the ids of the trials.
func shown(t *testing.T, l *lab, token string, seen map[string]string) (ids []string) {
	t.Helper()
	var page struct{ Trials []struct{ ID string } }
	decode(t, get(t, l, token, "/api/v1/experiments/e/trials"), &page)
	paths := []string{"/", "/experiments/e", "/metrics", "/api/v1/experiments", "/api/v1/experiments/e", "/api/v1/experiments/e/definition",
		"/api/v1/experiments/e/trials", "/api/v1/experiments/e/clusters", "/api/v1/experiments/e/rules", "/api/v1/version"}
	for _, trial := range page.Trials {
		ids = append(ids, trial.ID)
		paths = append(paths, "/trials/"+trial.ID, "/api/v1/trials/"+trial.ID)
	}
	for _, path := range paths {
		seen[path] = get(t, l, token, path)
	}
	if len(ids) != 3 {
		t.Fatalf("%d trials", len(ids))
	}
	return ids
}

func get(t *testing.T, l *lab, token, path string) string {
	t.Helper()
	got, err := send(context.Background(), "GET", "http://"+l.console+path, http.Header{"Authorization": {"Bearer " + token}}, nil)
	if err != nil || got.status != http.StatusOK {
		t.Errorf("%s: %v %d %s", path, err, got.status, got.body)
	}
	return got.body
}

// equalHashes compares what is left of the secrets of three requests, of which the first two had the same.
func equalHashes(t *testing.T, l *lab, token string, ids []string) {
	t.Helper()
	left := map[string]int{}
	for _, id := range ids {
		var trial assay.Trial
		decode(t, get(t, l, token, "/api/v1/trials/"+id), &trial)
		r := trial.Invocation.Request
		left[fmt.Sprint(r.Header["Authorization"], r.Header["X-Mine"], r.Query, string(r.Body))]++
	}
	if len(left) != 2 {
		t.Errorf("equal secrets leave %d different traces, of 2: %v", len(left), left)
	}
	for trace := range left {
		if strings.Count(trace, "[redacted ") != 6 {
			t.Errorf("not every secret left its hash: %s", trace)
		}
	}
}

// refusedStore is what is said when a database whose address has a password cannot be reached.
func refusedStore(t *testing.T) string {
	t.Helper()
	l := launch(t, t.TempDir(), "--store", "postgres://u:"+mark+"@127.0.0.1:1/db?connect_timeout=1")
	<-l.ended
	if l.cmd.ProcessState.ExitCode() == 0 {
		t.Error("a store that is not there is opened")
	}
	return l.logged()
}

// kept adds the files of a data folder, each of which is its owner's alone.
func kept(t *testing.T, data string, seen map[string]string) {
	t.Helper()
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		seen[strings.TrimPrefix(path, data)] = string(text)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(data); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder is open to others: %v %v", info.Mode(), err)
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
