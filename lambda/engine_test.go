package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/runtimeapi"
	"github.com/assaylab/assay/pack"
)

// binaries holds what the tests build once: programs of testdata, each in a folder of its own.
var binaries struct {
	sync.Mutex
	dir string
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(binaries.dir)
		if left := children(); len(left) > 0 {
			fmt.Println("processes left behind:", left)
			code = 1
		}
		os.Exit(code)
	}))
}

// built returns the folder with a bootstrap made from a folder of testdata.
func built(t testing.TB, program string) string {
	t.Helper()
	binaries.Lock()
	defer binaries.Unlock()
	if binaries.dir == "" {
		var err error
		if binaries.dir, err = os.MkdirTemp("", "assay-lambda-test"); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(binaries.dir, program)
	if exists(folder) {
		return folder
	}
	cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", filepath.Join(folder, "bootstrap"), "./testdata/"+program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return folder
}

// goFunction returns a folder with a bootstrap made with aws-lambda-go.
func goFunction(t testing.TB) string { return built(t, "go") }

// need skips a test by name when a runtime is missing; in CI it fails.
func need(t testing.TB, command string) {
	t.Helper()
	if _, err := exec.LookPath(command); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", command)
	}
	t.Skipf("%s is not installed", command)
}

func absolute(t testing.TB, folder string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", folder))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The functions of most tests.

func goFn(t testing.TB) assay.Function {
	return assay.Function{Name: "go", Runtime: "provided.al2023", Handler: "bootstrap", Code: goFunction(t), Timeout: 20 * time.Second}
}

func pythonFn(t testing.TB, handler string) assay.Function {
	need(t, "python3")
	return assay.Function{Name: "python", Runtime: "python3", Handler: handler, Code: absolute(t, "python"), Timeout: 20 * time.Second}
}

func nodeFn(t testing.TB, handler string) assay.Function {
	need(t, "node")
	return assay.Function{Name: "node", Runtime: "nodejs", Handler: handler, Code: absolute(t, "node"), Timeout: 20 * time.Second}
}

// lab is an engine under test.
type lab struct {
	*Engine
	t testing.TB
}

// newLab starts an engine, deploys functions, and checks at the end that it leaves nothing behind.
func newLab(t testing.TB, opts Options, functions ...assay.Function) lab {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	e, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	l := lab{e, t}
	t.Cleanup(l.close)
	for _, fn := range functions {
		l.deploy(fn)
	}
	return l
}

func (l lab) close() {
	if err := l.Close(context.Background()); err != nil {
		l.t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Join(l.opts.Dir, "run")); len(left) > 0 {
		l.t.Errorf("temporary folders left behind: %v", left)
	}
}

// packed is a zip of a function's folder as it is.
func packed(t testing.TB, fn assay.Function) string {
	t.Helper()
	p, err := pack.Open(pack.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.Pack(context.Background(), pack.Source{Name: fn.Name, Path: fn.Code})
	if err != nil {
		t.Fatal(err)
	}
	return made.Zip
}

func (l lab) deploy(fn assay.Function) assay.Deployment {
	l.t.Helper()
	d, err := l.Deploy(context.Background(), fn, packed(l.t, fn))
	if err != nil {
		l.t.Fatal(err)
	}
	return d
}

// call invokes a function with an event that is any JSON value.
func (l lab) call(name string, event any) *assay.Observation {
	l.t.Helper()
	return l.callCtx(context.Background(), name, event)
}

func (l lab) callCtx(ctx context.Context, name string, event any) *assay.Observation {
	l.t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		l.t.Fatal(err)
	}
	o, err := l.Invoker(name).Invoke(ctx, &assay.Invocation{ID: uuid.NewString(), Payload: payload})
	if err != nil {
		l.t.Fatal(err)
	}
	return o
}

// children lists the processes of this one, but for zombies. What they start is in their namespaces.
func children() (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		_, rest, _ := strings.Cut(string(text), ") ") // state and parent follow
		if f := strings.Fields(rest); len(f) > 1 && f[0] != "Z" && f[1] == strconv.Itoa(os.Getpid()) {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

// hostPID finds the child that has a number in its own namespace.
func hostPID(t testing.TB, pid int) int {
	t.Helper()
	for _, child := range children() {
		text, _ := os.ReadFile("/proc/" + child + "/status")
		_, rest, _ := strings.Cut(string(text), "\nNSpid:")
		line, _, _ := strings.Cut(rest, "\n")
		if f := strings.Fields(line); len(f) > 0 && f[len(f)-1] == strconv.Itoa(pid) {
			n, _ := strconv.Atoi(child)
			return n
		}
	}
	t.Fatalf("no child has the number %d", pid)
	return 0
}

// outside is where a file of the only environment is on this machine.
func (l lab) outside(path string) string {
	if !l.host.Enforced().Mounts {
		return path
	}
	return filepath.Join("/proc", strconv.Itoa(hostPID(l.t, 2)), "root", path)
}

// fields decodes an answer that is an object.
func fields(t testing.TB, o *assay.Observation) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(o.Body, &m); err != nil {
		t.Fatalf("answer %q (fault %v): %v", o.Body, o.Fault, err)
	}
	return m
}

type m = map[string]any

func TestHello(t *testing.T) {
	for _, fn := range []assay.Function{goFn(t), pythonFn(t, "app.handler"), nodeFn(t, "index.handler")} {
		t.Run(fn.Name, func(t *testing.T) {
			l := newLab(t, Options{}, fn)
			first := l.call(fn.Name, m{"ID": 7})
			if first.Fault != nil || first.Status != 200 || !first.Cold || first.Init <= 0 || first.Duration < first.Init {
				t.Fatalf("first: %+v, log %s", first, first.Log)
			}
			if first.MaxMemoryMB < 3 || first.MemoryMB != 128 || first.Version != "$LATEST" || first.CostUSD <= 0 || first.BodySize != int64(len(first.Body)) {
				t.Errorf("first: %+v", first)
			}
			if first.Billed < first.Init || first.Billed%time.Millisecond != 0 {
				t.Errorf("billed %v with an init of %v", first.Billed, first.Init)
			}
			second := l.call(fn.Name, m{"ID": 8})
			if second.Cold || second.Init != 0 || second.Fault != nil {
				t.Errorf("second: %+v", second)
			}
			if fields(t, first)["pid"] != fields(t, second)["pid"] {
				t.Error("the second call ran in another process")
			}
			d, _ := l.Deployment(fn.Name)
			if d.Invocations != 2 || d.ColdStarts != 1 || d.Errors != 0 || d.Environments != 1 {
				t.Errorf("deployment: %+v", d)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	type want struct {
		body  string // the whole payload, or with … a part of it
		kind  assay.FaultKind
		fault string // Type
	}
	python, node := pythonFn(t, ""), nodeFn(t, "")
	tests := []struct {
		fn      assay.Function
		handler string
		event   any
		want    want
	}{
		{python, "app.handler", m{"do": "text"}, want{body: `…"…`}},
		{python, "app.handler", []int{1}, want{body: `…"event": [1]…`}},
		{python, "app.handler", m{"do": "decimal"}, want{body: `[12345678901234567890, 1.5, 0.1]`}},
		{python, "pkg/nested.handler", m{}, want{body: `"nested"`}},
		{python, "pkg.nested.handler", m{}, want{body: `"nested"`}},
		{python, "app.handler", m{"do": "fail"}, want{`…"errorMessage": "no such luck", "errorType": "ValueError", "requestId": "…`, assay.FaultFunction, "ValueError"}},
		{python, "app.handler", m{"do": "fail"}, want{`…app.py\", line 1…raise ValueError…`, assay.FaultFunction, "ValueError"}},
		{python, "app.handler", m{"do": "set"}, want{`…Unable to marshal response: Object of type set is not JSON serializable…`, assay.FaultFunction, "Runtime.MarshalError"}},
		{python, "app.handler", m{"do": "exit", "status": 3}, want{`…Error: Runtime exited with error: exit status 3…`, assay.FaultCrash, "Runtime.ExitError"}},
		{python, "app.handler", m{"do": "exit", "status": 0}, want{`…Error: Runtime exited without providing a reason…`, assay.FaultCrash, "Runtime.ExitError"}},
		{python, "app.handler", m{"do": "odd name"}, want{`…"errorMessage": "odd", "errorType": "Odd\r\nName"…`, assay.FaultFunction, "Odd\r\nName"}},
		{python, "app.handler", m{"do": "no words"}, want{`…"errorMessage": "<exception str() failed>", "errorType": "NoWords"…`, assay.FaultFunction, "NoWords"}},
		{python, "app.handler", m{"do": "surrogate"}, want{`…"errorMessage": "\ud800"…`, assay.FaultFunction, "ValueError"}},
		{python, "app.nonesuch", m{}, want{`…Handler 'nonesuch' missing on module 'app'…`, assay.FaultFunction, "Runtime.HandlerNotFound"}},
		{python, "app.answer_twice", m{}, want{body: `"first"`}},
		{python, "app.streaming", m{}, want{body: `abcdef`}},
		{python, "app.streaming", m{"fail": true}, want{`{"errorMessage":"half-way","errorType":"StreamError"}`, assay.FaultFunction, "StreamError"}},
		{python, "app.streaming", m{"mode": "trickling"}, want{`…`, assay.FaultFunction, "Runtime.InvalidResponseModeHeader"}},
		{python, "app.handler", m{"do": "large", "size": runtimeapi.MaxPayload - 2}, want{body: `"xxx…`}},
		{python, "app.handler", m{"do": "large", "size": runtimeapi.MaxPayload}, want{`{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`, assay.FaultFunction, "Function.ResponseSizeTooLarge"}},

		{node, "index.handler", m{"do": "undefined"}, want{body: `null`}},
		{node, "index.handler", m{"do": "length", "text": strings.Repeat("é", 1<<20)}, want{body: `1048576`}},
		{node, "index.nested.deep.handler", m{}, want{body: `"deep"`}},
		{node, "lib/sub.handler", m{}, want{body: `"from lib"`}},
		{node, "index.callback", m{}, want{body: `{"later":true}`}},
		{node, "index.callback", m{"do": "now"}, want{body: `{"later":false}`}},
		{node, "index.callback", m{"do": "fail"}, want{`…"errorMessage":"called back"…`, assay.FaultFunction, "Error"}},
		{node, "index.nothing", m{}, want{body: `null`}},
		{node, "index.succeed", m{}, want{body: `"succeeded"`}},
		{node, "index.handler", m{"do": "fail"}, want{`{"errorType":"TypeError","errorMessage":"no such luck","trace":["TypeError: no such luck","    at …index.js:…`, assay.FaultFunction, "TypeError"}},
		{node, "index.handler", m{"do": "fail with a string"}, want{`{"errorType":"string","errorMessage":"just a string","trace":[]}`, assay.FaultFunction, "string"}},
		{node, "index.handler", m{"do": "name", "name": "Odd\r\nName"}, want{`{"errorType":"Odd\r\nName","errorMessage":"odd",…`, assay.FaultFunction, "Odd\r\nName"}},
		{node, "index.handler", m{"do": "name", "name": 42}, want{`{"errorType":"42","errorMessage":"odd",…`, assay.FaultFunction, "42"}},
		{node, "index.handler", m{"do": "circular"}, want{`…"errorMessage":"Unable to stringify response body"…`, assay.FaultFunction, "Error"}},
		{node, "index.handler", m{"do": "never"}, want{`…Promise that was never settled…`, assay.FaultFunction, "Runtime.NodeJsExit"}},
		{node, "index.handler", m{"do": "uncaught"}, want{`…"errorMessage":"later"…`, assay.FaultFunction, "RangeError"}},
		{node, "index.handler", m{"do": "rejection"}, want{`…Error: nobody cares…`, assay.FaultFunction, "Runtime.UnhandledPromiseRejection"}},
		{node, "index.handler", m{"do": "exit", "status": 4}, want{`…exit status 4…`, assay.FaultCrash, "Runtime.ExitError"}},
		{node, "index.nonesuch", m{}, want{`…index.nonesuch is undefined or not exported…`, assay.FaultFunction, "Runtime.HandlerNotFound"}},
		{node, "index.notAFunction", m{}, want{`…index.notAFunction is not a function…`, assay.FaultFunction, "Runtime.HandlerNotFound"}},
		{node, "index.handler", m{"do": "large", "size": runtimeapi.MaxPayload}, want{`…`, assay.FaultFunction, "Function.ResponseSizeTooLarge"}},

		{goFn(t), "bootstrap", m{"Do": "fail"}, want{`{"errorMessage":"it failed","errorType":"errorString"}`, assay.FaultFunction, "errorString"}},
		{goFn(t), "bootstrap", m{"Do": "panic"}, want{`…"errorMessage":"it panicked","errorType":"string","stackTrace":[…`, assay.FaultFunction, "string"}},
		{goFn(t), "bootstrap", m{"Do": "exit", "ID": 9}, want{`…exit status 9…`, assay.FaultCrash, "Runtime.ExitError"}},
		{goFn(t), "bootstrap", m{"Do": "broken stream"}, want{`{"errorMessage":"the stream broke","errorType":"errorString"}`, assay.FaultFunction, "errorString"}},
		{goFn(t), "bootstrap", m{"Do": "large", "ID": runtimeapi.MaxPayload}, want{`…`, assay.FaultFunction, "Function.ResponseSizeTooLarge"}},
	}
	labs := map[string]lab{}
	for _, tt := range tests {
		fn := tt.fn
		fn.Handler = tt.handler
		fn.Name += "_" + strings.NewReplacer(".", "_", "/", "-").Replace(tt.handler)
		name := fmt.Sprintf("%s %.60v", fn.Name, tt.event)
		if _, ok := labs[fn.Name]; !ok {
			labs[fn.Name] = newLab(t, Options{}, fn)
		}
		l := labs[fn.Name]
		o := l.call(fn.Name, tt.event)
		if !like(string(o.Body), tt.want.body) {
			t.Errorf("%s: answer %.500s\nwant %s", name, o.Body, tt.want.body)
		}
		if o.Status != 200 {
			t.Errorf("%s: status %d", name, o.Status)
		}
		var kind assay.FaultKind
		var errorType string
		if o.Fault != nil {
			kind, errorType = o.Fault.Kind, o.Fault.Type
		}
		if kind != tt.want.kind || errorType != tt.want.fault {
			t.Errorf("%s: fault %+v, want %s %s", name, o.Fault, tt.want.kind, tt.want.fault)
		}
	}
}

// like compares with a pattern in which … stands for anything.
func like(s, pattern string) bool {
	parts := strings.Split(pattern, "…")
	if !strings.HasPrefix(s, parts[0]) || !strings.HasSuffix(s, parts[len(parts)-1]) {
		return false
	}
	for _, part := range parts {
		_, rest, ok := strings.Cut(s, part)
		if !ok {
			return false
		}
		s = rest
	}
	return s == "" || len(parts) > 1
}

func TestInitErrors(t *testing.T) {
	python, node := pythonFn(t, ""), nodeFn(t, "")
	python.Code, node.Code = absolute(t, "python-broken"), absolute(t, "node-broken")
	for _, tt := range []struct {
		fn      assay.Function
		handler string
		kind    assay.FaultKind
		fault   string
		message string
	}{
		{python, "missing.handler", assay.FaultFunction, "Runtime.ImportModuleError", "Unable to import module 'missing': No module named 'nonesuch'"},
		{python, "syntax.handler", assay.FaultFunction, "Runtime.UserCodeSyntaxError", "Syntax error in module 'syntax': …"},
		{python, "raises.handler", assay.FaultFunction, "KeyError", "'config'"},
		{python, "dies.handler", assay.FaultCrash, "Runtime.ExitError", "RequestId: … Error: Runtime exited with error: exit status 3"},
		{node, "missing.handler", assay.FaultFunction, "Runtime.ImportModuleError", "Error: Cannot find module 'nonesuch'…"},
		{node, "syntax.handler", assay.FaultFunction, "Runtime.UserCodeSyntaxError", "SyntaxError: …"},
		{node, "raises.handler", assay.FaultFunction, "Error", "at the top"},
		{node, "dies.handler", assay.FaultCrash, "Runtime.ExitError", "RequestId: … Error: Runtime exited with error: exit status 3"},
	} {
		t.Run(tt.fn.Name+" "+tt.handler, func(t *testing.T) {
			fn := tt.fn
			fn.Handler = tt.handler
			l := newLab(t, Options{}, fn)
			o := l.call(fn.Name, m{})
			if o.Fault == nil || o.Fault.Kind != tt.kind || o.Fault.Type != tt.fault || !like(o.Fault.Message, tt.message) {
				t.Errorf("fault %+v, want %s %s %s", o.Fault, tt.kind, tt.fault, tt.message)
			}
			if !o.Cold {
				t.Error("not cold")
			}
			if body := fields(t, o); body["errorType"] != tt.fault {
				t.Errorf("answer %s", o.Body)
			}
			var log bytes.Buffer
			l.Logs(t.Context(), fn.Name, assay.LogQuery{}, &log)
			if n := strings.Count(log.String(), "INIT_REPORT"); n != 2 {
				t.Errorf("%d attempts to initialize, want 2:\n%s", n, &log)
			}
		})
	}
}

func TestInitThatHangsTimesOut(t *testing.T) {
	fn := pythonFn(t, "hangs.handler")
	fn.Code = absolute(t, "python-broken")
	l := newLab(t, Options{}, fn)
	cv, err := l.Version(fn.Name, "")
	if err != nil {
		t.Fatal(err)
	}
	l.load(t.Context(), cv)
	v := newEnvironment(l.Engine, l.functions[fn.Name].pools[latest])
	if err := v.open(); err != nil {
		t.Fatal(err)
	}
	defer v.box.Close()
	x := newExchange(t.Context(), Call{})
	if f := v.initialize(x, 200*time.Millisecond, "init"); f == nil || f.Fault.Type != "Sandbox.Timedout" || v.inst != nil {
		t.Errorf("failure %+v", f)
	}
}

func TestContext(t *testing.T) {
	for _, fn := range []assay.Function{pythonFn(t, "app.handler"), nodeFn(t, "index.handler")} {
		t.Run(fn.Name, func(t *testing.T) {
			l := newLab(t, Options{}, fn)
			id := uuid.NewString()
			o, err := l.Invoker(fn.Name+":$LATEST").Invoke(t.Context(), &assay.Invocation{ID: id, Payload: []byte(`{"do": "context"}`)})
			if err != nil {
				t.Fatal(err)
			}
			got := fields(t, o)
			left, _ := got["left"].(float64)
			if left <= 10_000 || left > 20_000 {
				t.Errorf("%v ms left of 20 s", got["left"])
			}
			want := m{
				"id": id, "name": fn.Name, "version": "$LATEST", "memory": "128", "root": true,
				"arn": "arn:aws:lambda:us-east-1:000000000000:function:" + fn.Name + ":$LATEST", "group": "/aws/lambda/" + fn.Name,
			}
			for key, want := range want {
				if got[key] != want {
					t.Errorf("%s is %v, want %v", key, got[key], want)
				}
			}
			if !like(fmt.Sprint(got["stream"]), "20…/…/…/[$LATEST]…") {
				t.Errorf("stream %v", got["stream"])
			}
		})
	}
}

func TestEnvironmentVariables(t *testing.T) {
	t.Setenv("ASSAY_SECRET", "do not leak")
	fn := goFn(t)
	fn.Environment = map[string]string{"GREETING": "hello", "_OWN": "x", "TZ": "Mars"}
	l := newLab(t, Options{}, fn)
	var list []string
	if err := json.Unmarshal(l.call("go", m{"Do": "environment"}).Body, &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, pair := range list {
		key, value, _ := strings.Cut(pair, "=")
		got[key] = value
	}
	for key, want := range map[string]string{
		"GREETING": "hello", "TZ": "Mars", "AWS_REGION": "us-east-1", "_HANDLER": "bootstrap", "_OWN": "", "ASSAY_SECRET": "",
		"AWS_EXECUTION_ENV": "", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_ACCESS_KEY_ID": "", "HOME": "",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if own := strings.HasPrefix(got["TMPDIR"], l.opts.Dir); own == l.host.Enforced().Mounts {
		t.Errorf("TMPDIR is %q", got["TMPDIR"])
	}
}

func TestTimeoutReplacesTheProcess(t *testing.T) {
	fn := pythonFn(t, "app.handler")
	l := newLab(t, Options{}, fn)
	l.call("python", m{})
	fn.Timeout = 2 * time.Second // another init, on its share of the processors, is a part of it
	l.deploy(fn)
	o := l.call("python", m{"do": "sleep", "seconds": 60})
	if o.Fault == nil || o.Fault.Kind != assay.FaultTimeout || o.Fault.Type != "Sandbox.Timedout" {
		t.Fatalf("fault %+v", o.Fault)
	}
	if !like(string(o.Body), `{"errorMessage":"RequestId: … Error: Task timed out after 2.00 seconds","errorType":"Sandbox.Timedout"}`) {
		t.Errorf("answer %s", o.Body)
	}
	if want := assay.Billed(o.Init, fn.Timeout); o.Billed != want {
		t.Errorf("billed %v, want %v", o.Billed, want)
	}
	if !strings.Contains(string(o.Log), "Task timed out after 2.00 seconds") {
		t.Errorf("log %s", o.Log)
	}
	after := l.call("python", m{})
	if !after.Cold || after.Fault != nil {
		t.Errorf("after: %+v", after)
	}
}

func TestCrashReplacesTheProcess(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	l.call("go", m{})
	o := l.call("go", m{"Do": "exit", "ID": 1})
	if o.Cold || o.Fault.Kind != assay.FaultCrash || !strings.Contains(string(o.Log), "last words") || o.MaxMemoryMB == 0 {
		t.Errorf("crash: %+v %s", o, o.Log)
	}
	if o := l.call("go", m{}); !o.Cold || o.Fault != nil {
		t.Errorf("after: %+v", o)
	}
	if d, _ := l.Deployment("go"); d.Errors != 1 || d.ColdStarts != 2 {
		t.Errorf("deployment %+v", d)
	}
}

func TestProcessThatDiesIdleIsReplaced(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	pid := fields(t, l.call("go", m{}))["pid"].(float64)
	l.awaitIdle("go", 1)
	process, _ := os.FindProcess(hostPID(t, int(pid)))
	process.Kill()
	o := l.call("go", m{})
	if o.Fault != nil && o.Fault.Kind == assay.FaultCrash { // version 1 of control groups lets it die only when it is thawed
		o = l.call("go", m{})
	}
	if !o.Cold || o.Fault != nil || fields(t, o)["pid"] == nil {
		t.Errorf("after: %+v", o)
	}
}

// await polls a deployment, which changes in real time.
func (l lab) await(done func(assay.Deployment) bool, name string) {
	l.t.Helper()
	for range 5000 {
		if d, err := l.Deployment(name); err != nil || done(d) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	d, _ := l.Deployment(name)
	l.t.Fatalf("it does not happen: %+v", d)
}

func (l lab) awaitIdle(name string, environments int) {
	l.t.Helper()
	l.await(func(d assay.Deployment) bool { return d.Environments == environments && d.Busy == 0 }, name)
}

func TestConcurrentCallersGetTheirOwnAnswers(t *testing.T) {
	for _, fn := range []assay.Function{goFn(t), pythonFn(t, "app.handler"), nodeFn(t, "index.handler")} {
		t.Run(fn.Name, func(t *testing.T) {
			l := newLab(t, Options{Concurrency: 4}, fn)
			var wg sync.WaitGroup
			for caller := range 16 {
				wg.Go(func() {
					for i := range 20 {
						id := float64(caller*1000 + i)
						o := l.call(fn.Name, m{"ID": id})
						if o.Fault != nil {
							t.Errorf("fault %+v", o.Fault)
							return
						}
						got := fields(t, o)
						if event, ok := got["event"].(map[string]any); ok {
							got = m{"id": event["ID"]}
						}
						if got["id"] != id {
							t.Errorf("caller %v got %s", id, o.Body)
						}
					}
				})
			}
			wg.Wait()
			if d, _ := l.Deployment(fn.Name); d.Environments > 4 || d.Invocations != 320 || d.ColdStarts > 4 {
				t.Errorf("deployment %+v", d)
			}
		})
	}
}

func TestOneSequentialClientNeedsOneEnvironment(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	for range 200 {
		l.call("go", m{})
	}
	if d, _ := l.Deployment("go"); d.ColdStarts != 1 {
		t.Errorf("%d cold starts", d.ColdStarts)
	}
}

func TestReservedConcurrencyThrottlesAtOnce(t *testing.T) {
	fn := goFn(t)
	fn.Concurrency = 1
	l := newLab(t, Options{}, fn)
	done := make(chan *assay.Observation)
	go func() { done <- l.call("go", m{"Sleep": 500}) }()
	l.await(func(d assay.Deployment) bool { return d.Busy == 1 }, "go")
	o := l.call("go", m{})
	if o.Fault == nil || o.Fault.Kind != assay.FaultThrottle || o.Status != 429 || o.Fault.Type != "TooManyRequestsException" {
		t.Errorf("second: %+v", o)
	}
	if o := <-done; o.Fault != nil {
		t.Errorf("first: %+v", o.Fault)
	}
	if o := l.call("go", m{}); o.Fault != nil || o.Cold {
		t.Errorf("third: %+v", o)
	}
}

func TestCallersWaitForAnEnvironment(t *testing.T) {
	l := newLab(t, Options{Concurrency: 1}, goFn(t))
	done := make(chan *assay.Observation)
	go func() { done <- l.call("go", m{"Sleep": 300}) }()
	l.await(func(d assay.Deployment) bool { return d.Busy == 1 }, "go")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if o := l.callCtx(ctx, "go", m{}); o.Fault == nil || o.Fault.Kind != assay.FaultThrottle {
		t.Errorf("impatient: %+v", o.Fault)
	}
	if o := l.call("go", m{}); o.Fault != nil || o.Cold {
		t.Errorf("patient: %+v", o)
	}
	<-done
}

func TestCallerThatLeavesDoesNotStopTheFunction(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	pid := fields(t, l.call("go", m{}))["pid"]
	l.awaitIdle("go", 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan *assay.Observation)
	go func() { done <- l.callCtx(ctx, "go", m{"Sleep": 200}) }()
	l.await(func(d assay.Deployment) bool { return d.Busy == 1 }, "go")
	cancel()
	if o := <-done; o.Fault == nil || o.Fault.Kind != assay.FaultCanceled {
		t.Errorf("fault %+v", o.Fault)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	l.awaitIdle("go", 1)
	if o := l.callCtx(ctx, "go", m{"Sleep": 200}); o.Fault == nil || o.Fault.Kind != assay.FaultTimeout {
		t.Errorf("fault %+v", o.Fault)
	}
	l.awaitIdle("go", 1)
	if o := l.call("go", m{}); o.Cold || fields(t, o)["pid"] != pid {
		t.Errorf("after: %+v", o)
	}
}

func TestFullEngineMakesRoom(t *testing.T) {
	a, b := goFn(t), goFn(t)
	a.Name, b.Name = "a", "b"
	l := newLab(t, Options{MaxEnvironments: 1}, a, b)
	for range 3 { // by evicting an idle environment
		if o := l.call("a", m{}); !o.Cold || o.Fault != nil {
			t.Fatalf("a: %+v", o)
		}
		l.awaitIdle("a", 1)
		if o := l.call("b", m{}); !o.Cold || o.Fault != nil {
			t.Fatalf("b: %+v", o)
		}
		l.awaitIdle("b", 1)
	}
	var wg sync.WaitGroup // and when all are busy all the time
	for i := range 6 {
		wg.Go(func() {
			name := []string{"a", "b"}[i%2]
			for range 5 {
				if o := l.call(name, m{"Sleep": 1}); o.Fault != nil {
					t.Errorf("%s: %+v", name, o.Fault)
				}
			}
		})
	}
	wg.Wait()
}

func TestIdleEnvironmentsExpire(t *testing.T) {
	l := newLab(t, Options{IdleExpiry: 30 * time.Millisecond}, goFn(t))
	l.call("go", m{})
	l.await(func(d assay.Deployment) bool { return d.Environments == 0 }, "go")
	if o := l.call("go", m{}); !o.Cold || o.Fault != nil {
		t.Errorf("after: %+v", o)
	}
}

func TestRedeployWhileBusy(t *testing.T) {
	dir := t.TempDir()
	need(t, "python3")
	write := func(word string) {
		if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte("import time\ndef handler(e, c):\n  time.sleep(e)\n  return '"+word+"'\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	fn := assay.Function{Name: "f", Runtime: "python3", Handler: "app.handler", Code: dir, Timeout: 10 * time.Second}
	l := newLab(t, Options{}, fn)
	old := l.deploy(fn)
	l.call("f", 0)
	l.awaitIdle("f", 1)
	done := make(chan *assay.Observation)
	go func() { done <- l.call("f", 0.4) }()
	l.await(func(d assay.Deployment) bool { return d.Busy == 1 }, "f")
	write("new")
	if d := l.deploy(fn); d.CodeSHA256 == old.CodeSHA256 {
		t.Error("the digest did not change")
	}
	if o := l.call("f", 0); string(o.Body) != `"new"` || !o.Cold {
		t.Errorf("new call: %s %+v", o.Body, o.Fault)
	}
	if o := <-done; string(o.Body) != `"old"` {
		t.Errorf("call under way: %s %+v", o.Body, o.Fault)
	}
	l.awaitIdle("f", 1)
	if d := l.deploy(fn); d.Environments != 1 {
		t.Errorf("an identical deployment ended environments: %+v", d)
	}
	if dirs, _ := os.ReadDir(filepath.Join(l.opts.Dir, "code")); len(dirs) != 1 {
		t.Errorf("%d copies of code are kept", len(dirs))
	}
}

func TestTemporaryFolderIsPrivateAndRemoved(t *testing.T) {
	l := newLab(t, Options{}, pythonFn(t, "app.handler"))
	tmp := strings.Trim(string(l.call("python", m{"do": "tmp"}).Body), `"`)
	file := l.outside(filepath.Join(tmp, "f"))
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	l.close()
	if _, err := os.Stat(file); err == nil {
		t.Error("it is still there")
	}
}

func TestGarbageToTheRuntimeAPI(t *testing.T) {
	l := newLab(t, Options{}, pythonFn(t, "app.post_garbage"))
	got := fields(t, l.call("python", m{}))
	transition := "State transition from Running to %s failed for runtime. Error: State transition is not allowed"
	want := m{
		"wrong id":                 []any{400.0, m{"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"}},
		"next while running":       []any{403.0, m{"errorType": "InvalidStateTransition", "errorMessage": fmt.Sprintf(transition, "Ready")}},
		"init error while running": []any{403.0, m{"errorType": "InvalidStateTransition", "errorMessage": fmt.Sprintf(transition, "InitError")}},
		"late extension":           []any{403.0, m{"errorType": "Extension.RegistrationClosed", "errorMessage": "Extension registration closed already"}},
		"unknown":                  404.0,
		"ping":                     []any{200.0, "pong"},
	}
	for key, want := range want {
		if fmt.Sprint(got[key]) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
}

func TestSIGTERMForFunctionsThatAskForIt(t *testing.T) {
	fn := goFn(t)
	fn.Environment = map[string]string{"WITH_SIGTERM": "bye"}
	l := newLab(t, Options{}, fn)
	if o := l.call("go", m{}); o.Fault != nil {
		t.Fatalf("fault %+v", o.Fault)
	}
	l.close()
	var log strings.Builder
	if err := l.Logs(t.Context(), "go", assay.LogQuery{}, &log); err != nil || !strings.Contains(log.String(), "it says bye") {
		t.Errorf("log %s, %v", &log, err)
	}
}

func TestLogs(t *testing.T) {
	l := newLab(t, Options{}, pythonFn(t, "app.handler"))
	o := l.call("python", m{"do": "print"})
	if !like(string(o.Log), "START RequestId: … Version: $LATEST\nprinted\n[INFO]\t20…T…Z\t…\tlogged\nno newline") {
		t.Errorf("tail %q", o.Log)
	}
	l.awaitIdle("python", 1)
	var log bytes.Buffer
	if err := l.Logs(t.Context(), "python", assay.LogQuery{}, &log); err != nil {
		t.Fatal(err)
	}
	if want := "INIT_START Runtime Version: python3…\nSTART RequestId: …\nno newline\nEND RequestId: …\nREPORT RequestId: …\tDuration: … ms\tBilled Duration: … ms\tMemory Size: 128 MB\tMax Memory Used: … MB\tInit Duration: … ms\t\n"; !like(log.String(), want) {
		t.Errorf("log %s", &log)
	}
	if err := l.Logs(t.Context(), "nonesuch", assay.LogQuery{}, &log); !hasCode(err, assay.CodeNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestNodeLogs(t *testing.T) {
	l := newLab(t, Options{}, nodeFn(t, "index.handler"))
	o := l.call("node", m{"do": "print"})
	if !like(string(o.Log), "START …\n20…Z\t…\tINFO\tprinted { a: 1 }\n20…Z\t…\tERROR\ttwo\rlines\n") {
		t.Errorf("tail %q", o.Log)
	}
}

func TestFollowedLogs(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lines := make(chan string, 100)
	ended := make(chan error)
	go func() { ended <- l.Logs(ctx, "go", assay.LogQuery{Follow: true}, channelWriter(lines)) }()
	l.call("go", m{"Do": "print"})
	for line := range lines {
		if line == "hello from go\n" {
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

type channelWriter chan string

func (c channelWriter) Write(p []byte) (int, error) { c <- string(p); return len(p), nil }

func hasCode(err error, code assay.ErrorCode) bool {
	var e *assay.Error
	return errors.As(err, &e) && e.Code == code
}

func TestNodeModules(t *testing.T) {
	for folder, want := range map[string]string{"node-esm": `{"esm":true,"url":true,"event":{}}`, "node-module": `"/"`} {
		fn := nodeFn(t, "index.handler")
		fn.Code = absolute(t, folder)
		l := newLab(t, Options{}, fn)
		if o := l.call("node", m{}); string(o.Body) != want {
			t.Errorf("%s: %s %+v", folder, o.Body, o.Fault)
		}
	}
}

func TestCloseKillsWhenItsContextEnds(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	done := make(chan *assay.Observation)
	go func() { done <- l.call("go", m{"Sleep": 20000}) }()
	l.await(func(d assay.Deployment) bool { return d.Busy == 1 }, "go")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
	if o := <-done; o.Fault == nil || o.Fault.Kind != assay.FaultTransport {
		t.Errorf("fault %+v", o.Fault)
	}
	if o := l.call("go", m{}); o.Status != 503 {
		t.Errorf("after the end: %+v", o)
	}
}

func TestCloseLetsCallsFinish(t *testing.T) {
	l := newLab(t, Options{Concurrency: 1}, goFn(t))
	done := make(chan *assay.Observation, 2)
	go func() { done <- l.call("go", m{"Sleep": 200}) }()
	l.await(func(d assay.Deployment) bool { return d.Busy == 1 }, "go")
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if o := <-done; o.Fault != nil {
		t.Errorf("fault %+v", o.Fault)
	}
}

func TestPayloadThatIsTooLargeIsRefused(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	invoke := func(size int) *assay.Observation {
		o, err := l.Invoker("go").Invoke(t.Context(), &assay.Invocation{Payload: []byte("{}" + strings.Repeat(" ", size-2))})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := invoke(runtimeapi.MaxPayload + 1)
	if o.Status != 413 || o.Fault == nil || o.Fault.Kind != assay.FaultTransport || o.Fault.Type != "RequestTooLargeException" || o.Billed != 0 {
		t.Errorf("observation %+v, fault %+v", o, o.Fault)
	}
	if d, _ := l.Deployment("go"); d.ColdStarts != 0 {
		t.Errorf("deployment %+v", d)
	}
	if o := invoke(runtimeapi.MaxPayload); o.Fault != nil {
		t.Errorf("fault %+v of the largest payload", o.Fault)
	}
}

func TestUnknownFunction(t *testing.T) {
	l := newLab(t, Options{})
	for _, name := range []string{"nonesuch", "a:b:c:d", ""} {
		_, err := l.Invoker(name).Invoke(t.Context(), &assay.Invocation{})
		if !hasCode(err, assay.CodeNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
