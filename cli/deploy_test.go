package cli

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assaylab/assay/process"
)

// TestDeploy deploys applications of the usual kinds with the real binary, each to a laboratory of its own,
// and calls them over HTTP.
func TestDeploy(t *testing.T) {
	t.Parallel()
	runtimes := deployable(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/deploy",
		Setup: func(env *testscript.Env) error {
			l := startLab(t, env.WorkDir+"/.lab")
			for name, value := range runtimes {
				env.Setenv(name, value)
			}
			env.Setenv("ASSAY_CONSOLE", l.console)
			env.Setenv("ASSAY_CACHE", env.WorkDir+"/.cache")
			env.Setenv("GATEWAY", l.gateway)
			env.Setenv("AWS", l.aws)
			return nil
		},
		Condition: func(name string) (bool, error) {
			return exec.Command("python3", "-m", "pip", "--version").Run() == nil, nil // pip
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"http": scriptHTTP, "until": scriptUntil},
	})
}

// deployable names the runtimes of this machine, and where Go keeps what it needs.
func deployable(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, probe := range map[string][]string{
		"NODE_RUNTIME":   {"node", "-p", `"nodejs" + process.versions.node.split(".")[0] + ".x"`},
		"PYTHON_RUNTIME": {"python3", "-c", `import sys; print("python%d.%d" % sys.version_info[:2])`},
		"GOCACHE":        {"go", "env", "GOCACHE"},
		"GOMODCACHE":     {"go", "env", "GOMODCACHE"},
		"GOPATH":         {"go", "env", "GOPATH"},
	} {
		out, err := exec.Command(probe[0], probe[1:]...).Output()
		if err != nil && os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: %v", probe[0], err)
		} else if err != nil {
			t.Skipf("%s is missing: %v", probe[0], err)
		}
		all[name] = strings.TrimSpace(string(out))
	}
	all["PYENV_VERSION"], all["HOME"] = os.Getenv("PYENV_VERSION"), os.Getenv("HOME")
	return all
}

// askGateway asks the gateway, and returns status and body.
func askGateway(ts *testscript.TestScript, args []string) string {
	body := ""
	if len(args) > 2 {
		body = args[2]
	}
	req, err := http.NewRequest(args[0], ts.Getenv("GATEWAY")+args[1], strings.NewReader(body))
	ts.Check(err)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return fmt.Sprintf("%d\n%s\n", resp.StatusCode, text)
}

// scriptHTTP is `http METHOD PATH [BODY]`.
func scriptHTTP(ts *testscript.TestScript, _ bool, args []string) {
	fmt.Fprint(ts.Stdout(), askGateway(ts, args))
}

// scriptUntil is `until REGEXP METHOD PATH`: it asks until an answer matches.
func scriptUntil(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[0])
	for end := time.Now().Add(30 * time.Second); !want.MatchString(askGateway(ts, args[1:])); {
		if time.Now().After(end) {
			ts.Fatalf("no answer matches %s", args[0])
		}
	}
}

// TestRoutesStay restarts a laboratory: functions' own routes are served as before. An experiment for the
// same requests goes before them, and when it ends they are back.
func TestRoutesStay(t *testing.T) {
	dir, runtimes := t.TempDir(), deployable(t)
	write(t, dir+"/app/serverless.yml", "service: app\nprovider: {name: aws, runtime: "+runtimes["NODE_RUNTIME"]+"}\nfunctions:\n"+
		"  hello: {handler: index.handler, events: [{httpApi: 'GET /hello/{name}'}]}\n")
	write(t, dir+"/app/index.js", "exports.handler = async (e) => ({ statusCode: 200, body: e.routeKey + ' ' + e.pathParameters.name });\n")
	l := startLab(t, dir+"/data")
	t.Setenv("ASSAY_CACHE", dir+"/cache")
	l.must("deploy", dir+"/app")
	const want = "GET /hello/{name} Ada"
	if got := body(t, l.gateway+"/hello/Ada"); got != want {
		t.Fatalf("%q, want %q", got, want)
	}
	l.stop()
	l = startLab(t, dir+"/data")
	if got := body(t, l.gateway+"/hello/Ada"); got != want {
		t.Errorf("after a restart: %q, want %q", got, want)
	}
	answering := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the experiment's control") }))
	defer answering.Close()
	write(t, dir+"/e.yaml", "experiments:\n  e:\n    path: /hello/{name}\n    control: {url: \""+answering.URL+"\"}\n")
	l.must("apply", "-f", dir+"/e.yaml")
	if got := body(t, l.gateway+"/hello/Ada"); got != "the experiment's control" {
		t.Errorf("under an experiment: %q", got)
	}
	l.must("delete", "e")
	if got := body(t, l.gateway+"/hello/Ada"); got != want {
		t.Errorf("after the experiment: %q, want %q", got, want)
	}
	l.must("delete", "function/app-dev-hello")
	if got := body(t, l.gateway+"/hello/Ada"); !strings.Contains(got, "Not Found") {
		t.Errorf("after the function: %q", got)
	}
}

// TestDeployWatch deploys again when a file changes, once it can be built.
func TestDeployWatch(t *testing.T) {
	dir, runtimes := t.TempDir(), deployable(t)
	code := func(text string) { write(t, dir+"/app/index.js", "exports.handler = async () => "+text+"\n") }
	code("1")
	t.Setenv("ASSAY_CACHE", dir+"/cache")
	l := startLab(t, dir+"/data")
	cmd := exec.Command(assayBinary(t), "deploy", "--watch", "--runtime", runtimes["NODE_RUNTIME"], dir+"/app", "--console", l.console)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	until := func(words ...string) {
		t.Helper()
		for lines.Scan() {
			if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == words[0] && fields[1] == words[1] {
				return
			}
		}
		t.Fatalf("the output ended before %q", words)
	}
	until("app", "created")
	code("2")
	until("app", "configured")
	if got := l.must("invoke", "app"); got != "2\n" {
		t.Errorf("answers %q", got)
	}
	cmd.Process.Signal(os.Interrupt)
	if cmd.Wait(); cmd.ProcessState.ExitCode() != process.Interrupted {
		t.Errorf("exit code %d", cmd.ProcessState.ExitCode())
	}
}

// body is the answer to a GET, whatever its status.
func body(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
