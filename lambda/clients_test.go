package lambda

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// deps finds what scripts/setup brought for a language. A test that needs more than there is, is skipped
// by name, and fails in CI.
func deps(t testing.TB, pattern string) string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join("..", ".deps", pattern))
	if len(found) == 1 {
		path, err := filepath.Abs(found[0])
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf(".deps/%s is missing: run scripts/setup test", pattern)
	}
	t.Skipf(".deps/%s is missing: run scripts/setup test", pattern)
	return ""
}

// folderOf makes a folder of files: paths there, and their contents.
func folderOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// take copies a file or a folder of .deps into a function's code.
func take(t testing.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-rL", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// The functions with AWS's own runtime clients. Each answers {"id": event.ID, "request": its request id},
// and can fail, exit with 9 and sleep.

func officialPython(t testing.TB) assay.Function {
	need(t, "python3")
	code := folderOf(t, map[string]string{
		"wrapper": "#!/bin/sh\nexec \"$1\" -m awslambdaric \"$_HANDLER\"\n",
		"app.py": `import os, time

def handler(event, context):
    do = event.get("do")
    if do == "fail":
        raise ValueError("it failed")
    if do == "exit":
        os._exit(9)
    if do == "sleep":
        time.sleep(60)
    return {"id": event.get("ID"), "request": context.aws_request_id}
`,
	})
	for _, name := range []string{"awslambdaric", "simplejson", "snapshot_restore_py*.py", "runtime_client*.so"} {
		from := deps(t, "python/lib/python3*/site-packages/"+name)
		take(t, from, filepath.Join(code, filepath.Base(from)))
	}
	return assay.Function{
		Name: "awslambdaric", Runtime: "python3", Handler: "app.handler", Code: code, Timeout: 20 * time.Second,
		Environment: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"},
	}
}

func officialNode(t testing.TB) assay.Function {
	need(t, "node")
	code := folderOf(t, map[string]string{
		"wrapper": "#!/bin/sh\nexec \"$1\" node_modules/aws-lambda-ric/index.mjs \"$_HANDLER\"\n",
		"index.js": `exports.handler = async (event, context) => {
  if (event.do === 'fail') throw new Error('it failed');
  if (event.do === 'exit') process.exit(9);
  if (event.do === 'sleep') await new Promise((r) => setTimeout(r, 60000));
  return { id: event.ID, request: context.awsRequestId };
};
if (globalThis.awslambda) exports.stream = awslambda.streamifyResponse(async (event, stream) => {
  for (const part of ['one', 'two', 'three']) stream.write(part);
  stream.end();
});
`,
	})
	for _, name := range []string{"index.mjs", "package.json", "rapid-client.node"} {
		take(t, deps(t, "node/node_modules/aws-lambda-ric/"+name), filepath.Join(code, "node_modules/aws-lambda-ric", name))
	}
	return assay.Function{
		Name: "aws-lambda-ric", Runtime: "nodejs", Handler: "index.handler", Code: code, Timeout: 20 * time.Second,
		Environment: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"},
	}
}

func officialJava(t testing.TB) assay.Function {
	need(t, "javac")
	lib := deps(t, "java/lib")
	code := t.TempDir()
	take(t, lib, filepath.Join(code, "lib"))
	compile := exec.Command("javac", "-cp", filepath.Join(lib, "*"), "-d", code, "testdata/clients/java/Handler.java")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return assay.Function{Name: "java", Runtime: "java", Handler: "Handler::handleRequest", Code: code, Timeout: 20 * time.Second, MemoryMB: 512}
}

func officialRust(t testing.TB) assay.Function {
	code := t.TempDir()
	take(t, deps(t, "rust/bootstrap"), filepath.Join(code, "bootstrap"))
	return assay.Function{Name: "rust", Runtime: "provided.al2023", Handler: "handle", Code: code, Timeout: 20 * time.Second}
}

func officialGo(t testing.TB) assay.Function { return goFn(t) }

func TestOfficialClients(t *testing.T) {
	for name, client := range map[string]struct {
		function func(testing.TB) assay.Function
		failure  string // its type
		key      string // of the event's "do", which Go's handler reads in upper case
	}{
		"awslambdaric":   {officialPython, "ValueError", "do"},
		"aws-lambda-ric": {officialNode, "Error", "do"},
		"java":           {officialJava, "java.lang.IllegalStateException", "do"},
		"rust":           {officialRust, "…", "do"},
		"aws-lambda-go":  {officialGo, "errorString", "Do"},
	} {
		t.Run(name, func(t *testing.T) {
			fn := client.function(t)
			l := newLab(t, Options{Concurrency: 2}, fn)
			o := l.call(fn.Name, m{"ID": 7})
			if o.Fault != nil || fields(t, o)["id"] != 7.0 {
				t.Fatalf("answer %s, fault %+v, log %s", o.Body, o.Fault, o.Log)
			}
			if o := l.call(fn.Name, m{client.key: "fail"}); o.Fault == nil || o.Fault.Kind != assay.FaultFunction || !like(o.Fault.Type, client.failure) || !strings.Contains(o.Fault.Message, "it failed") {
				t.Errorf("failure: fault %+v, body %s", o.Fault, o.Body)
			}
			var wg sync.WaitGroup
			for caller := range 8 {
				wg.Go(func() {
					for i := range 5 {
						id := float64(caller*100 + i)
						if o := l.call(fn.Name, m{"ID": id}); o.Fault != nil || fields(t, o)["id"] != id {
							t.Errorf("caller %v got %s, fault %+v", id, o.Body, o.Fault)
						}
					}
				})
			}
			wg.Wait()
			if o := l.call(fn.Name, m{client.key: "exit", "ID": 9}); o.Fault == nil || o.Fault.Type != "Runtime.ExitError" || !strings.HasSuffix(o.Fault.Message, "exit status 9") {
				t.Errorf("crash: fault %+v", o.Fault)
			}
			if o := l.call(fn.Name, m{"ID": 8}); o.Fault != nil || fields(t, o)["id"] != 8.0 {
				t.Errorf("after: answer %s, fault %+v", o.Body, o.Fault)
			}
		})
	}
}

func TestOfficialClientsAreTimedOut(t *testing.T) {
	for name, function := range map[string]func(testing.TB) assay.Function{"awslambdaric": officialPython, "aws-lambda-ric": officialNode, "rust": officialRust} {
		t.Run(name, func(t *testing.T) {
			fn := function(t)
			l := newLab(t, Options{}, fn)
			fn.Timeout = time.Second
			l.deploy(fn)
			if o := l.call(fn.Name, m{"do": "sleep"}); o.Fault == nil || o.Fault.Kind != assay.FaultTimeout {
				t.Errorf("fault %+v", o.Fault)
			}
		})
	}
}

func TestOfficialClientsStream(t *testing.T) {
	for name, client := range map[string]struct {
		function func(testing.TB) assay.Function
		handler  string
	}{
		"aws-lambda-ric": {officialNode, "index.stream"}, "rust": {officialRust, "stream"},
	} {
		t.Run(name, func(t *testing.T) {
			fn := client.function(t)
			fn.Handler = client.handler
			l := newLab(t, Options{}, fn)
			var sink tape
			if r := l.stream(t.Context(), fn.Name, m{}, &sink); r.Fault != nil || !strings.HasSuffix(sink.String(), "onetwothree") || r.Streamed == 0 {
				t.Errorf("streamed %q, %+v, fault %+v", &sink, r, r.Fault)
			}
		})
	}
}

// An extension made with AWS's Rust library subscribes to events and telemetry.
func TestOfficialExtensionLibrary(t *testing.T) {
	content, err := os.ReadFile(deps(t, "rust/extension"))
	if err != nil {
		t.Fatal(err)
	}
	fn := goFn(t)
	l := layered{newLab(t, Options{}, fn), fn.Name}
	l.layer(fn.Name, map[string]string{"extensions/official": string(content)})
	for range 2 { // what is told of the first one may come when it is thawed for the second
		if o := l.call("go", m{"Do": "print", "Sleep": 200}); o.Fault != nil {
			t.Fatalf("fault %+v", o.Fault)
		}
	}
	for _, want := range []string{"init\n", "INVOKE\n", "function hello from go\n", "done Success\n", "report 128\n"} {
		l.await(want)
	}
	l.close()
	l.await("SHUTDOWN spindown\n")
}

// What is not installed, says how to get it.
func TestMissingLanguages(t *testing.T) {
	l := newLab(t, Options{LookPath: func(string) (string, error) { return "", exec.ErrNotFound }})
	for runtime, hint := range map[string]string{"ruby3.3": "Debian package ruby", "java21": "Debian package default-jre-headless"} {
		_, err := l.Deploy(t.Context(), assay.Function{Name: "f", Runtime: runtime, Handler: "x.y", Code: t.TempDir()}, "")
		var told *assay.Error
		if !errors.As(err, &told) || told.What != "function f: runtime "+runtime+" is not installed" || !strings.Contains(told.Hint, hint) {
			t.Errorf("%s: %+v", runtime, told)
		}
	}
	if got := javaVersion("openjdk 17.0.15 2025-04-15"); got != "java17" {
		t.Errorf("version %q", got)
	}
}

// A wrapper that is not there ends the runtime as the shell does on AWS.
func TestMissingWrapper(t *testing.T) {
	fn := pythonFn(t, "app.handler")
	fn.Environment = map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/opt/nonesuch"}
	l := newLab(t, Options{}, fn)
	if o := l.call("python", m{}); o.Fault == nil || o.Fault.Type != "Runtime.ExitError" || !strings.HasSuffix(o.Fault.Message, fmt.Sprintf("exit status %d", 127)) {
		t.Errorf("fault %+v", o.Fault)
	}
}
