package lambda

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// files makes a folder of files.
func files(t testing.TB, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDeployRefuses(t *testing.T) {
	plain := files(t, map[string]string{"bootstrap": "#!/bin/sh"}) // as it comes out of an archive
	good := pythonFn(t, "app.handler")
	for _, tt := range []struct {
		change func(*assay.Function)
		what   string
		hint   string
	}{
		{func(f *assay.Function) { f.Name = "a b" }, `"a b" cannot be a function's name`, "letters"},
		{func(f *assay.Function) { f.Name = "" }, `"" cannot be a function's name`, "letters"},
		{func(f *assay.Function) { f.MemoryMB = 64 }, "memory of 64 MB", "128 to 10240"},
		{func(f *assay.Function) { f.Timeout = time.Hour }, "timeout of 1h", "15m"},
		{func(f *assay.Function) { f.Timeout = -1 }, "timeout of -1ns", "15m"},
		{func(f *assay.Function) { f.Concurrency = -1 }, "concurrency of -1", "default"},
		{func(f *assay.Function) { f.Handler = "" }, "has no handler", "file.function"},
		{func(f *assay.Function) { f.Handler = "nonesuch.handler" }, "names a file that is not there", "file.function"},
		{func(f *assay.Function) { f.Handler = "nodot" }, "names a file that is not there", "file.function"},
		{func(f *assay.Function) { f.Runtime = "cobol" }, `: the embedded engine does not run "cobol" yet`, "it runs python3, "},
		{func(f *assay.Function) { f.Runtime = "python3.99" }, ": runtime python3.99 is not installed", "or python3 for whatever is installed"},
		{func(f *assay.Function) { f.Runtime = "provided.al2023" }, "no executable file bootstrap", "go build"},
		{func(f *assay.Function) { f.Runtime, f.Code = "provided.al2023", plain }, "bootstrap is not executable", "chmod +x bootstrap"},
		{func(f *assay.Function) { f.Environment = map[string]string{"A": strings.Repeat("x", 5000)} }, "measure 5008 bytes", "4 KB"},
		{func(f *assay.Function) { f.Environment = map[string]string{"AWS_REGION": "mars-1"} }, "Reserved keys used in this request: AWS_REGION", ""},
		{func(f *assay.Function) { f.Environment = map[string]string{"A=B": ""} }, "cannot be an environment variable", ""},
	} {
		fn := good
		tt.change(&fn)
		l := newLab(t, Options{})
		_, err := l.Deploy(t.Context(), fn, packed(t, fn))
		var e *assay.Error
		if !errors.As(err, &e) || e.Code != assay.CodeInvalid || !strings.Contains(e.What, tt.what) || !strings.Contains(e.Hint, tt.hint) || e.Where == "" {
			t.Errorf("error %#v\nwant %s\n%s", err, tt.what, tt.hint)
		}
		if len(l.Deployments()) != 0 {
			t.Error("it was deployed")
		}
	}
}

func TestMissingRuntimeNamesItsPackage(t *testing.T) {
	l := newLab(t, Options{LookPath: func(string) (string, error) { return "", exec.ErrNotFound }})
	for runtime, hint := range map[string]string{"python3": "the Debian package python3 brings one", "nodejs": "the Debian package nodejs brings one", "nodejs20.x": "the Debian package nodejs brings one"} {
		fn := assay.Function{Name: "f", Runtime: runtime, Handler: "app.handler", Code: absolute(t, "python")}
		_, err := l.Deploy(t.Context(), fn, packed(t, fn))
		var e *assay.Error
		if !errors.As(err, &e) || e.What != "function f: runtime "+runtime+" is not installed" || !strings.HasPrefix(e.Hint, hint) {
			t.Errorf("%s: %v", runtime, err)
		}
	}
}

func TestOtherVersionOfARuntime(t *testing.T) {
	shim := filepath.Join(files(t, map[string]string{"python3": "#!/bin/sh\nprintf '/opt/python\\npython3.4\\n'\n"}), "python3")
	if err := os.Chmod(shim, 0o755); err != nil {
		t.Fatal(err)
	}
	finder := runtimeFinder{look: func(command string) (string, error) {
		if command == "python3" {
			return shim, nil
		}
		return "", exec.ErrNotFound
	}}
	want := interpreter{Path: "/opt/python", Version: "python3.4"}
	for _, runtime := range []string{"python3", "python3.4"} {
		if got, err := finder.find(t.Context(), runtime); got != want || err != nil {
			t.Errorf("%s: %v, %v", runtime, got, err)
		}
	}
	_, err := finder.find(t.Context(), "python3.12")
	var e *assay.Error
	if !errors.As(err, &e) || e.Hint != "this machine has python3.4: write runtime: python3.4, or python3 for whatever is installed" {
		t.Errorf("error %v", err)
	}
}

func TestClosedEngineChangesNothing(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	l.close()
	if _, err := l.Deploy(t.Context(), pythonFn(t, "app.handler"), packed(t, pythonFn(t, "app.handler"))); !hasCode(err, assay.CodeUnreachable) {
		t.Errorf("deploy: %v", err)
	}
	if err := l.Remove(t.Context(), "go"); !hasCode(err, assay.CodeUnreachable) {
		t.Errorf("remove: %v", err)
	}
	if kept, _ := os.ReadDir(filepath.Join(l.opts.Dir, "functions")); len(kept) != 1 {
		t.Errorf("definitions: %v", kept)
	}
}

func TestAnotherSourceKeepsEnvironments(t *testing.T) {
	dir := t.TempDir()
	fn := goFn(t)
	fn.Source = "a.yaml:1:1"
	l := newLab(t, Options{Dir: dir}, fn)
	before, _ := l.Deployment("go")
	l.call("go", m{})
	l.awaitIdle("go", 1)
	fn.Source, fn.Build = "b.yaml:2:2", "true"
	after := l.deploy(fn)
	if after.Source != fn.Source || after.Build != fn.Build || !after.LastModified.Equal(before.LastModified) {
		t.Errorf("deployment %+v", after)
	}
	for range 2 {
		if o := l.call("go", m{}); o.Cold || o.Fault != nil {
			t.Errorf("cold %v, fault %v", o.Cold, o.Fault)
		}
		l.awaitIdle("go", 1)
	}
	l.close()
	again, err := newLab(t, Options{Dir: dir}).Deployment("go")
	if err != nil || again.Source != fn.Source || again.Build != fn.Build {
		t.Errorf("after a restart: %+v, %v", again, err)
	}
}

func TestStateSurvivesRestarts(t *testing.T) {
	dir := t.TempDir()
	first := newLab(t, Options{Dir: dir})
	fn := goFn(t)
	fn.Environment, fn.Concurrency, fn.Source = map[string]string{"A": "b"}, 3, "assay.yaml:3:1"
	before := first.deploy(fn)
	gone := fn
	gone.Name = "removed"
	first.deploy(gone)
	if err := first.Remove(t.Context(), "removed"); err != nil {
		t.Error(err)
	}
	first.close()

	if err := os.WriteFile(filepath.Join(dir, "functions", "broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := newLab(t, Options{Dir: dir})
	after := second.Deployments()
	if len(after) != 1 || fmt.Sprint(after[0]) != fmt.Sprint(before) {
		t.Fatalf("%+v\nwant %+v", after, before)
	}
	if o := second.call("go", m{"ID": 1}); o.Fault != nil {
		t.Errorf("fault %+v", o.Fault)
	}
	if again := second.deploy(fn); !again.LastModified.Equal(before.LastModified) {
		t.Error("the same deployment again changed the function")
	}
	second.close()

	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "code")), os.RemoveAll(filepath.Join(dir, "zips"))); err != nil {
		t.Fatal(err)
	}
	third := newLab(t, Options{Dir: dir})
	if d, _ := third.Deployment("go"); d.State != "Failed" || d.Reason == "" {
		t.Errorf("deployment without code: %+v", d)
	}
	if o := third.call("go", m{}); o.Fault == nil || o.Fault.Type != "Runtime.InvalidEntrypoint" {
		t.Errorf("fault %+v", o.Fault)
	}
	third.deploy(fn)
	if o := third.call("go", m{}); o.Fault != nil {
		t.Errorf("deployed again: %+v", o.Fault)
	}
}

func TestOneEngineAFolder(t *testing.T) {
	l := newLab(t, Options{})
	if _, err := New(Options{Dir: l.opts.Dir}); !hasCode(err, assay.CodeConflict) {
		t.Errorf("error %v", err)
	}
}

func TestRemove(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	done := make(chan *assay.Observation)
	go func() { done <- l.call("go", m{"Sleep": 200}) }()
	l.await(func(d assay.Deployment) bool { return d.Busy == 1 }, "go")
	if err := l.Remove(t.Context(), "go"); err != nil {
		t.Error(err)
	}
	if o := <-done; o.Fault != nil {
		t.Errorf("call under way: %+v", o.Fault)
	}
	if _, err := l.Invoker("go").Invoke(t.Context(), &assay.Invocation{}); !hasCode(err, assay.CodeNotFound) {
		t.Errorf("error %v", err)
	}
	if err := l.Remove(t.Context(), "go"); !hasCode(err, assay.CodeNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestRemovedFunctionSaysSoToCallersThatWait(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	l.call("go", m{})
	l.awaitIdle("go", 1)
	p := l.functions["go"].pools[latest]
	v := newEnvironment(l.Engine, p)
	v.discounted = true // it never counted
	x := newExchange(t.Context(), Call{})
	v.calls <- x
	if err := l.Remove(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	l.ended(v)
	if a := <-x.answers; a.status != 404 || a.Fault.Type != "ResourceNotFoundException" {
		t.Errorf("answer %+v, fault %+v", a, a.Fault)
	}
}

// TestKilledEngineLeavesNothing runs the test binary again as a laboratory, and kills it.
func TestKilledEngineLeavesNothing(t *testing.T) {
	const variable = "ASSAY_LAMBDA_HELPER"
	if dir := os.Getenv(variable); dir != "" {
		e, err := New(Options{Dir: dir})
		if err == nil {
			fn := assay.Function{Name: "f", Runtime: "python3", Handler: "app.handler", Code: absolute(t, "python"), Timeout: time.Minute}
			_, err = e.Deploy(t.Context(), fn, packed(t, fn))
		}
		if err != nil {
			t.Fatal(err)
		}
		o, _ := e.Invoker("f").Invoke(t.Context(), &assay.Invocation{Payload: fmt.Appendf(nil, `{"do": "spawn", "seconds": %q}`, os.Getenv("SECONDS"))})
		fmt.Printf("SPAWNED %v\n", o.Fault)
		select {}
	}
	need(t, "python3")
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	seconds := mark()
	cmd.Env = append(os.Environ(), variable+"="+dir, "SECONDS="+seconds)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	spawned := false
	for lines := bufio.NewScanner(out); !spawned && lines.Scan(); {
		spawned = strings.HasPrefix(lines.Text(), "SPAWNED")
	}
	awaitCount(t, seconds, 1) // it may be on its way to its program still
	cmd.Process.Kill()
	cmd.Wait()
	l := newLab(t, Options{Dir: dir})
	awaitEnd(t, seconds)
	if o := l.call("f", m{}); o.Fault != nil {
		t.Errorf("fault %+v", o.Fault)
	}
}

// TestDetachedChildrenEnd is about children that left the process group.
func TestDetachedChildrenEnd(t *testing.T) {
	for _, fn := range []assay.Function{pythonFn(t, "app.handler"), nodeFn(t, "index.handler")} {
		for name, seconds := range map[string]int{"at the timeout": 60, "at Close": 0} {
			t.Run(fn.Name+" "+name, func(t *testing.T) {
				fn.Timeout = 2 * time.Second
				l := newLab(t, Options{}, fn)
				child := mark()
				o := l.call(fn.Name, m{"do": "detach", "child": child, "seconds": seconds})
				if timedOut := o.Fault != nil; timedOut != (seconds > 0) {
					t.Fatalf("fault %v, log %s", o.Fault, o.Log)
				}
				if seconds == 0 {
					l.close()
				}
				awaitEnd(t, child)
			})
		}
	}
}

// mark is a number of seconds to sleep that no other process is given.
func mark() string { return fmt.Sprintf("60.%09d", rand.IntN(1e9)) }

// withArgument lists the processes with an argument.
func withArgument(mark string) (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), "\x00"+mark+"\x00") {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

// awaitEnd waits until no process has an argument.
func awaitEnd(t *testing.T, mark string) {
	t.Helper()
	awaitCount(t, mark, 0)
}

// awaitCount waits until so many processes have an argument.
func awaitCount(t *testing.T, mark string, n int) {
	t.Helper()
	var alive []string
	for range 5000 {
		if alive = withArgument(mark); len(alive) == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("processes %v are alive, %d should be", alive, n)
}
