package runtimeapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a server under test, and a client that speaks to it as processes do.
type bench struct {
	*Server
	t      testing.TB
	base   string
	client *http.Client
	ids    int
}

func newBench(t testing.TB, config Config) *bench {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, base: "http://" + listener.Addr().String(), client: &http.Client{Transport: &http.Transport{}}}
	config.Listener = listener
	config.FunctionName, config.FunctionVersion, config.Handler, config.AccountID = "f", "$LATEST", "index.handler", "000000000000"
	var mu sync.Mutex
	config.ID = func() string {
		mu.Lock()
		defer mu.Unlock()
		b.ids++
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", b.ids)
	}
	b.Server = New(config)
	t.Cleanup(func() {
		b.client.CloseIdleConnections()
		b.Close()
	})
	return b
}

// reply is what the server said.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) String() string { return fmt.Sprintf("%d %s", r.status, r.body) }

// send makes a request; header holds names and values.
func (b *bench) send(method, path, body string, header ...string) reply {
	b.t.Helper()
	return b.sendCtx(context.Background(), method, path, strings.NewReader(body), header...)
}

func (b *bench) sendCtx(ctx context.Context, method, path string, body io.Reader, header ...string) reply {
	r, err := http.NewRequestWithContext(ctx, method, b.base+path, body)
	if err != nil {
		b.t.Error(err)
		return reply{}
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := b.client.Do(r)
	if err != nil {
		return reply{body: err.Error()}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(text)}
}

const (
	pathNext      = "/2018-06-01/runtime/invocation/next"
	pathInitError = "/2018-06-01/runtime/init/error"
	pathRegister  = "/2020-01-01/extension/register"
	pathEvent     = "/2020-01-01/extension/event/next"
	pathTelemetry = "/2022-07-01/telemetry"
)

func pathOf(id, what string) string { return "/2018-06-01/runtime/invocation/" + id + "/" + what }

// invocation starts one, with the request for it, and returns it with the channel its answer comes by.
func (b *bench) invocation(id string, stream func(string) io.Writer) chan Answer {
	b.t.Helper()
	return b.roomyInvocation(id, stream, nil)
}

func (b *bench) roomyInvocation(id string, stream func(string) io.Writer, room func(int) bool) chan Answer {
	b.t.Helper()
	answers := make(chan Answer, 2)
	got := make(chan reply)
	go func() { got <- b.send("GET", pathNext, "") }()
	<-b.Ready()
	b.Invoke(&Invocation{ID: id, ARN: "arn", TraceID: "trace", Payload: []byte("{}"), Deadline: time.UnixMilli(12345), Room: room, Stream: stream, Answer: func(a Answer) { answers <- a }})
	if r := <-got; r.status != 200 || r.body != "{}" || r.header.Get("Lambda-Runtime-Aws-Request-Id") != id || r.header.Get("Lambda-Runtime-Deadline-Ms") != "12345" {
		b.t.Fatalf("next: %v %v", r, r.header)
	}
	return answers
}

func transition(from, to string) string {
	return `403 {"errorMessage":"State transition from ` + from + ` to ` + to + ` failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`
}

func TestTransitions(t *testing.T) {
	b := newBench(t, Config{})
	expect := func(got reply, want string) {
		t.Helper()
		if got.String() != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	expect(b.send("POST", pathOf("1", "response"), ""), transition("Started", "InvocationResponse"))
	expect(b.send("POST", pathOf("1", "error"), ""), transition("Started", "InvocationErrorResponse"))
	expect(b.send("GET", "/2018-06-01/runtime/restore/next", ""), transition("Started", "RestoreReady"))
	expect(b.send("POST", "/2018-06-01/runtime/restore/error", ""), transition("Started", "RestoreError"))
	expect(b.send("GET", "/2018-06-01/ping", ""), "200 pong")

	answers := b.invocation("1", nil)
	expect(b.send("GET", pathNext, ""), transition("Running", "Ready"))
	expect(b.send("POST", pathInitError, ""), transition("Running", "InitError"))
	expect(b.send("POST", pathOf("2", "response"), `"stolen"`), `400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
	expect(b.send("POST", pathOf("1", "response"), `"mine"`), `202 {"status":"OK"}`)
	expect(b.send("POST", pathOf("1", "response"), `"again"`), `400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
	expect(b.send("POST", pathOf("1", "error"), `{}`), `400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
	if a := <-answers; string(a.Body) != `"mine"` || a.Fault != nil || len(answers) > 0 {
		t.Errorf("answer %+v", a)
	}
	select {
	case <-b.Ready():
		t.Error("ready before the runtime asked for more")
	default:
	}

	answers = b.invocation("2", nil)
	expect(b.send("POST", pathOf("2", "error"), `{"errorMessage":"m","errorType":"E"}`, "Lambda-Runtime-Function-Error-Type", "Function.Bad"), `202 {"status":"OK"}`)
	if a := <-answers; a.ErrorType != "Function.Bad" || a.Fault.Type != "E" || a.Fault.Message != "m" {
		t.Errorf("answer %+v, fault %+v", a, a.Fault)
	}
}

func TestInitErrorIsTold(t *testing.T) {
	b := newBench(t, Config{})
	if r := b.send("POST", pathInitError, `{"errorMessage":"m","errorType":"E"}`); r.status != 202 {
		t.Errorf("%v", r)
	}
	if f := <-b.Failures(); f.Fault.Type != "E" || f.Extension != "" {
		t.Errorf("failure %+v", f)
	}
	if r := b.send("GET", pathNext, ""); r.String() != transition("InitError", "Ready") {
		t.Errorf("%v", r)
	}
}

func TestSecondResponseWhileTheFirstComesIn(t *testing.T) {
	b := newBench(t, Config{})
	answers := b.invocation("1", nil)
	read, write := io.Pipe()
	first := make(chan reply)
	go func() { first <- b.sendCtx(t.Context(), "POST", pathOf("1", "response"), read) }()
	write.Write([]byte(`"sl`))
	for b.current() != stateResponse {
		time.Sleep(time.Millisecond)
	}
	if r := b.send("POST", pathOf("1", "response"), `"other"`); r.String() != transition("InvocationResponse", "InvocationResponse") {
		t.Errorf("%v", r)
	}
	write.Write([]byte(`ow"`))
	write.Close()
	if r, a := <-first, <-answers; r.status != 202 || string(a.Body) != `"slow"` {
		t.Errorf("%v, answer %+v", r, a)
	}
}

func (s *Server) current() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runtime.state
}

func TestResponsesThatAreNotTaken(t *testing.T) {
	for name, tt := range map[string]struct {
		size   int
		mode   string
		stream bool
		want   string
		fault  string
	}{
		"too large":          {size: MaxPayload + 1, want: `413 {"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}`, fault: "Function.ResponseSizeTooLarge"},
		"collected":          {size: MaxPayload + 1, mode: "streaming", want: `413 {"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}`, fault: "Function.ResponseSizeTooLarge"},
		"streamed":           {size: MaxPayload + 1, mode: "streaming", stream: true, want: `202 {"status":"OK"}`},
		"too large a stream": {size: MaxStream + 1, mode: "streaming", stream: true, want: `413 {"errorMessage":"Exceeded maximum allowed payload size (209715200 bytes).","errorType":"RequestEntityTooLarge"}`, fault: "Function.ResponseSizeTooLarge"},
		"mode":               {size: 1, mode: "trickling", want: `400 {"errorMessage":"Invalid Lambda-Runtime-Function-Response-Mode header value.","errorType":"InvalidFunctionResponseMode"}`, fault: "Runtime.InvalidResponseModeHeader"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Config{})
			var sink sinkhole
			var stream func(string) io.Writer
			if tt.stream {
				stream = func(string) io.Writer { return &sink }
			}
			answers := b.invocation("1", stream)
			header := []string{}
			if tt.mode != "" {
				header = []string{"Lambda-Runtime-Function-Response-Mode", tt.mode}
			}
			r := b.sendCtx(t.Context(), "POST", pathOf("1", "response"), io.LimitReader(zeros{}, int64(tt.size)), header...)
			a := <-answers
			if r.String() != tt.want || (a.Fault == nil) != (tt.fault == "") || a.Fault != nil && a.Fault.Type != tt.fault {
				t.Errorf("%v, answer %+v fault %+v", r, a.ErrorType, a.Fault)
			}
			if tt.stream && sink.n != int64(min(tt.size, MaxStream)) {
				t.Errorf("%d bytes were handed on", sink.n)
			}
			b.invocation("2", nil) // the runtime goes on
		})
	}
}

// Room is asked for before a response is held, whatever its framing; without it the response is taken, and not held.
func TestRoomIsAskedFor(t *testing.T) {
	const most = 100 << 10
	response := strings.Repeat(" ", 1<<20) + `"x"`
	for name, body := range map[string]io.Reader{"known length": strings.NewReader(response), "chunks": io.LimitReader(strings.NewReader(response), 1<<30)} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Config{})
			asked := 0
			answers := b.roomyInvocation("1", nil, func(n int) bool { asked += n; return asked <= most })
			r := b.sendCtx(t.Context(), "POST", pathOf("1", "response"), body)
			if a := <-answers; r.status != 202 || a.Fault == nil || len(a.Body) > 1000 || asked <= most {
				t.Errorf("%v, asked for %d, answer of %d bytes, %+v", r, asked, len(a.Body), a.Fault)
			}
			b.invocation("2", nil) // the runtime goes on
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

type sinkhole struct{ n int64 }

func (s *sinkhole) Write(p []byte) (int, error) { s.n += int64(len(p)); return len(p), nil }

func TestHalfARequest(t *testing.T) {
	b := newBench(t, Config{})
	answers := b.invocation("1", nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", pathOf("1", "response"))
	conn.(*net.TCPConn).CloseWrite()
	text, _ := io.ReadAll(conn)
	conn.Close()
	if a := <-answers; a.Fault == nil || a.Fault.Type != "Runtime.TruncatedResponse" || !strings.Contains(string(text), "TruncatedHTTPRequest") {
		t.Errorf("answer %+v, said %s", a, text)
	}
}

// parts tells what it is given, piece by piece.
type parts chan string

func (p parts) Write(b []byte) (int, error) { p <- string(b); return len(b), nil }

func TestStreamComesAsItIsSent(t *testing.T) {
	b := newBench(t, Config{})
	out := make(parts)
	heads := make(chan string, 1)
	answers := b.invocation("1", func(contentType string) io.Writer { heads <- contentType; return out })
	read, write := io.Pipe()
	done := make(chan reply, 1)
	go func() {
		done <- b.sendCtx(t.Context(), "POST", pathOf("1", "response"), read, "Lambda-Runtime-Function-Response-Mode", "streaming", "Content-Type", "text/event-stream")
	}()
	for _, part := range []string{"one", "two", "three"} {
		write.Write([]byte(part)) // the next one is sent only when this one has come through
		if got := <-out; got != part {
			t.Errorf("got %q, want %q", got, part)
		}
	}
	write.Close()
	if r, a := <-done, <-answers; r.status != 202 || a.Streamed != 11 || a.Fault != nil || <-heads != "text/event-stream" {
		t.Errorf("%v, answer %+v", r, a)
	}
}

func TestStreamThatFailsInTheMiddle(t *testing.T) {
	for _, mode := range []string{"", "streaming"} {
		b := newBench(t, Config{})
		var out bytes.Buffer
		answers := b.invocation("1", func(string) io.Writer { return &out })
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\nConnection: close\r\n", pathOf("1", "response"))
		if mode != "" {
			fmt.Fprintf(conn, "Lambda-Runtime-Function-Response-Mode: %s\r\n", mode)
		}
		fmt.Fprint(conn, "\r\n4\r\nhalf\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Broke\r\nLambda-Runtime-Function-Error-Body: eyJlcnJvclR5cGUiOiJCcm9rZSIsImVycm9yTWVzc2FnZSI6Im0ifQ==\r\n\r\n")
		text, _ := io.ReadAll(conn)
		conn.Close()
		a := <-answers
		if a.Fault == nil || a.Fault.Type != "Broke" || a.ErrorType != "Function.Broke" || string(a.Body) != `{"errorType":"Broke","errorMessage":"m"}` || !strings.Contains(string(text), "202 Accepted") {
			t.Errorf("mode %q: answer %+v %s, said %s", mode, a, a.Body, text)
		}
		if want := cmp.Or(mode, "none"); want == "streaming" && out.String() != "half" || want == "none" && out.Len() > 0 {
			t.Errorf("mode %q: %q was streamed", mode, &out)
		}
	}
}

func TestListenerThatLeavesDoesNotStopTheFunction(t *testing.T) {
	for name, out := range map[string]io.Writer{"before": deaf{}, "while it waits for its turn": io.Discard} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Config{Pace: Pace{Burst: maxPart, Rate: 1}}) // all would take days
			gone := make(chan struct{})
			answers := b.invocation("1", func(string) io.Writer { close(gone); return out })
			b.mu.Lock()
			b.runtime.current.Gone = gone
			b.mu.Unlock()
			r := b.sendCtx(t.Context(), "POST", pathOf("1", "response"), io.LimitReader(zeros{}, 1<<20), "Lambda-Runtime-Function-Response-Mode", "streaming")
			if a := <-answers; r.status != 202 || a.Fault != nil || a.Streamed != 1<<20 {
				t.Errorf("%v, answer %+v", r, a)
			}
		})
	}
}

type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestPace(t *testing.T) {
	now := time.Now()
	b := newBucket(AWSPace, now)
	if d := b.take(6<<20, now); d != 0 {
		t.Errorf("the burst waits for %v", d)
	}
	if d := b.take(2<<20, now); d != time.Second {
		t.Errorf("2 MiB more wait for %v", d)
	}
	if d := b.take(1<<20, now.Add(time.Second)); d != 500*time.Millisecond {
		t.Errorf("1 MiB more, a second later, waits for %v", d)
	}
	if d := b.take(6<<20, now.Add(time.Hour)); d != 0 {
		t.Errorf("a full bucket waits for %v", d)
	}
	if d := b.take(1, now.Add(time.Hour)); d <= 0 {
		t.Error("a bucket holds more than the burst")
	}
	none := newBucket(Pace{}, now)
	if d := none.take(1<<30, now); d != 0 {
		t.Errorf("without a limit it waits for %v", d)
	}
}

func TestErrorCause(t *testing.T) {
	b := newBench(t, Config{})
	answers := b.invocation("1", nil)
	cause := `{"exceptions":[],"working_directory":"/var/task","paths":["a.js"]}`
	b.send("POST", pathOf("1", "error"), `{"errorMessage":"m","errorType":"T","stackTrace":["a"],"errorCause":`+cause+`}`, "Content-Type", typeCause)
	a := <-answers
	if string(a.Body) != `{"errorMessage":"m","errorType":"T","stackTrace":["a"]}` || a.ContentType != "application/json" || string(a.ErrorCause) != cause {
		t.Errorf("body %s, type %s, cause %s", a.Body, a.ContentType, a.ErrorCause)
	}
	answers = b.invocation("2", nil)
	b.send("POST", pathOf("2", "error"), `nonsense`, "Content-Type", typeCause)
	if a := <-answers; string(a.Body) != `"Invalid error body"` || a.ContentType != "application/octet-stream" {
		t.Errorf("body %s, type %s", a.Body, a.ContentType)
	}
	answers = b.invocation("3", nil)
	b.send("POST", pathOf("3", "error"), `{"errorMessage":"m"}`, "Lambda-Runtime-Function-XRay-Error-Cause", cause)
	if a := <-answers; string(a.ErrorCause) != cause {
		t.Errorf("cause %s", a.ErrorCause)
	}
}

func TestCausesAreCropped(t *testing.T) {
	long := errorCause{WorkingDir: "/var/task"}
	for i := range 20 {
		e := exception{Message: strings.Repeat("é", 50), Type: "T"}
		for j := range 200 {
			e.Stack = append(e.Stack, frame{Path: "/var/task/index.js", Line: i*j + 1, Label: "handler"})
		}
		long.Exceptions = append(long.Exceptions, e)
	}
	text, _ := json.Marshal(long)
	var got errorCause
	cropped := cropCause(text)
	if err := json.Unmarshal(cropped, &got); err != nil || len(cropped) > maxCause || len(got.Exceptions) == 0 || got.WorkingDir == "" {
		t.Errorf("%d of %d bytes, %d exceptions, error %v", len(cropped), len(text), len(got.Exceptions), err)
	}
	huge, _ := json.Marshal(errorCause{Message: strings.Repeat("é", 1<<20), Paths: []string{strings.Repeat("p", 1<<20)}})
	if cropped := cropCause(huge); cropped == nil || len(cropped) > maxCause {
		t.Errorf("%d bytes", len(cropped))
	}
	for _, useless := range []string{"", "{}", "[]", "null", `"x"`, "{"} {
		if got := cropCause([]byte(useless)); got != nil {
			t.Errorf("%q: %s", useless, got)
		}
	}
}
