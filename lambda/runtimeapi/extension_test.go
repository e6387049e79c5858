package runtimeapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func refusalOf(errorType, message string) string {
	return fmt.Sprintf(`403 {"errorMessage":"%s","errorType":"%s"}`, message, errorType)
}

func (b *bench) register(name string, events ...string) (id string) {
	b.t.Helper()
	body, _ := json.Marshal(map[string]any{"events": events})
	r := b.send("POST", pathRegister, string(body), "Lambda-Extension-Name", name)
	if r.status != 200 {
		b.t.Fatalf("register: %v", r)
	}
	return r.header.Get("Lambda-Extension-Identifier")
}

// next asks for an extension's next event, in the background.
func (b *bench) next(id string) chan reply {
	got := make(chan reply, 1)
	go func() { got <- b.send("GET", pathEvent, "", "Lambda-Extension-Identifier", id) }()
	return got
}

func TestRegistrationIsChecked(t *testing.T) {
	b := newBench(t, Config{External: []string{"ext"}})
	expect := func(want, name, body string, header ...string) {
		t.Helper()
		if got := b.send("POST", pathRegister, body, append(header, "Lambda-Extension-Name", name)...); got.String() != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	expect(refusalOf("Extension.InvalidExtensionName", "Empty extension name"), "", `{"events":[]}`)
	expect(refusalOf("InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead"), "ext", `{"events":[],"configurationKeys":["a"]}`)
	expect(refusalOf("InvalidRequestFormat", "EOF"), "ext", ``)
	expect(refusalOf("Extension.InvalidEventType", "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"), "internal", `{"events":["SHUTDOWN"]}`)
	expect(refusalOf("Extension.InvalidEventType", "LUNCH: ErrorInvalidEventType"), "ext", `{"events":["LUNCH"]}`)
	expect(`200 {"accountId":"000000000000","functionName":"f","functionVersion":"$LATEST","handler":"index.handler"}`, "ext", `{"events":["INVOKE","SHUTDOWN"]}`, "Lambda-Extension-Accept-Feature", "x, accountId")
	expect(refusalOf("Extension.InvalidExtensionState", "State transition from Registered to Registered failed for extension ext. Error: State transition is not allowed"), "ext", `{"events":[]}`)
	expect(`200 {"functionName":"f","functionVersion":"$LATEST","handler":"index.handler"}`, "internal", `{"events":["INVOKE"]}`)
	expect(refusalOf("Extension.InvalidExtensionState", "Extension with this name already registered"), "internal", `{"events":[]}`)
	for i := range MaxExtensions - 2 {
		b.register("internal" + strconv.Itoa(i))
	}
	expect(refusalOf("Extension.TooManyExtensions", "Extension limit (10) reached"), "eleventh", `{"events":[]}`)
}

func TestIdentifiersAreChecked(t *testing.T) {
	b := newBench(t, Config{})
	for id, want := range map[string]string{
		"":                                     refusalOf("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"),
		"nonsense":                             refusalOf("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"),
		"99999999-0000-4000-8000-000000000001": refusalOf("Extension.UnknownExtensionIdentifier", "Unknown extension 99999999-0000-4000-8000-000000000001"),
	} {
		for _, call := range [][2]string{
			{"GET", pathEvent}, {"POST", "/2020-01-01/extension/init/error"}, {"POST", "/2020-01-01/extension/exit/error"},
			{"PUT", pathTelemetry}, {"PUT", "/2020-08-15/logs"},
		} {
			if got := b.send(call[0], call[1], "{}", "Lambda-Extension-Identifier", id); got.String() != want {
				t.Errorf("%s %q: %s", call[1], id, got)
			}
		}
	}
}

func TestInvocationIsCompleteWhenAllAskForMore(t *testing.T) {
	b := newBench(t, Config{External: []string{"all", "last words"}})
	all := b.register("all", "INVOKE", "SHUTDOWN")
	select {
	case <-b.Registered():
		t.Fatal("one extension is missing")
	default:
	}
	last := b.register("last words", "SHUTDOWN")
	<-b.Registered()
	inside := b.register("inside", "INVOKE")

	next, lastNext, insideNext := b.next(all), b.next(last), b.next(inside)
	answers := b.invocation("1", nil) // waits for all of them
	if r := b.send("POST", pathRegister, `{"events":[]}`, "Lambda-Extension-Name", "late"); r.String() != refusalOf("Extension.RegistrationClosed", "Extension registration closed already") {
		t.Errorf("%v", r)
	}
	want := `{"eventType":"INVOKE","deadlineMs":12345,"requestId":"1","invokedFunctionArn":"arn","tracing":{"type":"X-Amzn-Trace-Id","value":"trace"}}`
	for _, got := range []chan reply{next, insideNext} {
		if r := <-got; r.body != want || !uuidPattern.MatchString(r.header.Get("Lambda-Extension-Event-Identifier")) {
			t.Errorf("%v %v", r, r.header)
		}
	}
	b.send("POST", pathOf("1", "response"), "{}")
	<-answers
	runtimeNext := make(chan reply, 1)
	go func() { runtimeNext <- b.send("GET", pathNext, "") }()
	insideNext = b.next(inside)
	for b.current() != stateReady {
		time.Sleep(time.Millisecond)
	}
	select {
	case <-b.Ready():
		t.Fatal("an extension is still at work")
	case <-time.After(20 * time.Millisecond): // it would be ready by now, almost always
	}
	next = b.next(all)
	<-b.Ready()

	b.Shutdown("spindown", time.UnixMilli(777))
	for _, got := range []chan reply{next, lastNext} {
		if r := <-got; r.body != `{"eventType":"SHUTDOWN","shutdownReason":"spindown","deadlineMs":777}` {
			t.Errorf("%v", r)
		}
	}
	if want := []string{"all", "last words", "inside"}; fmt.Sprint(names(b.Extensions())) != fmt.Sprint(want) {
		t.Errorf("extensions %+v", b.Extensions())
	}
	b.Withdraw()
	go b.Server.server.Close() // lets go of the two that wait
	<-runtimeNext
	<-insideNext
}

func names(all []Extension) (names []string) {
	for _, x := range all {
		names = append(names, x.Name)
	}
	return names
}

func TestExtensionsReportErrors(t *testing.T) {
	for _, phase := range []string{"init", "exit"} {
		b := newBench(t, Config{External: []string{"ext"}})
		id := b.register("ext")
		path := "/2020-01-01/extension/" + phase + "/error"
		if r := b.send("POST", path, "{}", "Lambda-Extension-Identifier", id); r.String() != refusalOf("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found") {
			t.Errorf("%v", r)
		}
		header := []string{"Lambda-Extension-Identifier", id, "Lambda-Extension-Function-Error-Type", "Extension.NoConfig"}
		for range 2 { // said again, it changes nothing
			if r := b.send("POST", path, "{}", header...); r.String() != `202 {"status":"OK"}` {
				t.Errorf("%v", r)
			}
		}
		f := <-b.Failures()
		if want := map[string]string{"init": "Extension.InitError", "exit": "Extension.ExitError"}[phase]; f.Extension != "ext" || f.ErrorType != want || f.Fault.Message != "Extension.NoConfig" {
			t.Errorf("failure %+v", f)
		}
		state := map[string]string{"init": "InitError", "exit": "ExitError"}[phase]
		if r := b.send("GET", pathEvent, "", header...); r.String() != refusalOf("Extension.InvalidExtensionState", "State transition from "+state+" to Ready failed for extension "+id+". Error: State transition is not allowed") {
			t.Errorf("%v", r)
		}
	}
}

// collector is an extension's listener for telemetry over HTTP.
type collector struct {
	*httptest.Server
	mu      sync.Mutex
	events  []map[string]any
	batches int
	more    chan struct{}
	gate    chan struct{} // if not nil, an element lets one batch in
	status  int
}

func collect1(t *testing.T, c *collector) *collector {
	c.more = make(chan struct{}, 1000)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.gate != nil {
			<-c.gate
		}
		var batch []map[string]any
		if err := json.NewDecoder(r.Body).Decode(&batch); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("batch: %v", err)
		}
		c.mu.Lock()
		c.events = append(c.events, batch...)
		c.batches++
		c.mu.Unlock()
		if c.status != 0 {
			w.WriteHeader(c.status)
		}
		c.more <- struct{}{}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) uri() string {
	_, port, _ := net.SplitHostPort(c.Listener.Addr().String())
	return "http://sandbox.localdomain:" + port + "/in"
}

// await waits for an event of a type, and returns its record.
func (c *collector) await(t *testing.T, kind string) any {
	t.Helper()
	for range 100 {
		c.mu.Lock()
		for _, e := range c.events {
			if e["type"] == kind {
				c.mu.Unlock()
				return e["record"]
			}
		}
		c.mu.Unlock()
		select {
		case <-c.more:
		case <-time.After(10 * time.Second):
			t.Fatalf("no %s among %v", kind, c.events)
		}
	}
	return nil
}

func subscribeTo(uri, schema string, types ...string) string {
	list, _ := json.Marshal(types)
	return fmt.Sprintf(`{"schemaVersion":"%s","types":%s,"destination":{"protocol":"HTTP","URI":"%s"},"buffering":{"timeoutMs":25,"maxBytes":262144,"maxItems":1000}}`, schema, list, uri)
}

func TestTelemetryIsDelivered(t *testing.T) {
	for _, api := range []struct{ path, schema, subscription string }{
		{pathTelemetry + "/", "2022-12-13", "platform.telemetrySubscription"},
		{"/2020-08-15/logs", "2021-03-18", "platform.logsSubscription"},
	} {
		t.Run(api.path, func(t *testing.T) {
			b := newBench(t, Config{External: []string{"ext"}, Init: InitStart{InitializationType: "on-demand", Phase: "init"}})
			c := collect1(t, &collector{})
			id := b.register("ext", "INVOKE")
			if r := b.send("PUT", api.path, subscribeTo(c.uri(), api.schema, "platform", "function"), "Lambda-Extension-Identifier", id); r.String() != `200 "OK"` {
				t.Fatalf("%v", r)
			}
			b.next(id)
			answers := b.invocation("1", nil)
			b.Log("function", []byte("hello\n"))
			b.Log("extension", []byte("not asked for\n"))
			b.send("POST", pathOf("1", "response"), `"four"`)
			<-answers
			b.next(id)
			go b.send("GET", pathNext, "")
			<-b.Ready()
			b.Emit("platform.end", map[string]string{"requestId": "1"})
			b.Emit("platform.report", Report{RequestID: "1", Status: "success"})
			if got := c.await(t, "function"); got != "hello" {
				t.Errorf("function: %v", got)
			}
			c.await(t, "platform.report")
			c.await(t, "platform.extension")
			c.await(t, api.subscription)
			done := c.await(t, "platform.runtimeDone").(map[string]any)
			if done["status"] != "success" || done["requestId"] != "1" || done["metrics"].(map[string]any)["producedBytes"] != 6.0 || len(done["spans"].([]any)) != 3 {
				t.Errorf("runtimeDone %v", done)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, e := range c.events {
				kind := e["type"].(string)
				legacy := strings.HasSuffix(api.path, "logs")
				if kind == "extension" || kind == "platform.initStart" == legacy && kind == "platform.initStart" || kind == "platform.end" && !legacy {
					t.Errorf("unexpected %v", e)
				}
				if _, err := time.Parse("2006-01-02T15:04:05.000Z", e["time"].(string)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestTelemetryOverTCP(t *testing.T) {
	b := newBench(t, Config{External: []string{"ext"}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	id := b.register("ext")
	body := fmt.Sprintf(`{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"TCP","port":%d},"buffering":{"timeoutMs":25}}`, listener.Addr().(*net.TCPAddr).Port)
	if r := b.send("PUT", pathTelemetry, body, "Lambda-Extension-Identifier", id); r.status != 200 {
		t.Fatalf("%v", r)
	}
	b.Log("function", []byte("one\n"))
	b.Log("function", []byte("two\n"))
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for _, want := range []string{"one", "two"} {
		var e map[string]string
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &e) != nil || e["record"] != want || e["type"] != "function" {
			t.Errorf("line %s", lines.Bytes())
		}
	}
}

func TestSubscriptionsAreChecked(t *testing.T) {
	b := newBench(t, Config{External: []string{"ext"}})
	id := b.register("ext")
	good := subscribeTo("http://sandbox.localdomain:1234", "2022-07-01", "platform")
	for _, change := range [][2]string{
		{"2022-07-01", "1999-01-01"}, {`"platform"`, `"weather"`}, {`["platform"]`, `[]`}, {"HTTP", "SMTP"}, {"sandbox.localdomain", "example.com"},
		{":1234", ":0"}, {"http:", "https:"}, {"25", "24"}, {"25", "30001"}, {"262144", "262143"}, {"262144", "1048577"}, {"1000", "999"}, {"1000", "10001"}, {"{", "["},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if r := b.send("PUT", pathTelemetry, bad, "Lambda-Extension-Identifier", id); r.status != 400 || !strings.Contains(r.body, `"errorType":"ValidationError"`) {
			t.Errorf("%v: %v", change, r)
		}
	}
	b.next(id)
	b.invocation("1", nil)
	for path, want := range map[string]string{
		pathTelemetry: refusalOf("Telemetry.SubscriptionClosed", "Telemetry API subscription is closed"), "/2020-08-15/logs": refusalOf("Logs.SubscriptionClosed", "Logs API subscription is closed"),
	} {
		if r := b.send("PUT", path, good, "Lambda-Extension-Identifier", id); r.String() != want {
			t.Errorf("%v", r)
		}
	}
}

func TestSlowSubscriberLosesLogsAndIsTold(t *testing.T) {
	b := newBench(t, Config{External: []string{"ext"}})
	c := collect1(t, &collector{gate: make(chan struct{})})
	id := b.register("ext")
	b.send("PUT", pathTelemetry, subscribeTo(c.uri(), "2022-07-01", "platform", "function"), "Lambda-Extension-Identifier", id)
	line := []byte(strings.Repeat("x", 1000))
	const lines = 2000 // far more than a batch that waits for another to be taken
	for range lines {
		b.Log("function", line)
	}
	close(c.gate)
	got, lost, bytes := 0, 0, 0.0
	for got+lost < lines {
		select {
		case <-c.more:
		case <-time.After(10 * time.Second):
			t.Fatalf("%d came, %d were lost, of %d", got, lost, lines)
		}
		got, lost, bytes = 0, 0, 0
		c.mu.Lock()
		for _, e := range c.events {
			switch e["type"] {
			case "function":
				got++
			case "platform.logsDropped":
				record := e["record"].(map[string]any)
				lost += int(record["droppedRecords"].(float64))
				bytes += record["droppedBytes"].(float64)
			}
		}
		c.mu.Unlock()
	}
	if got+lost != lines || lost == 0 || bytes < float64(lost*1000) {
		t.Errorf("%d came, %d were lost (%v bytes), of %d", got, lost, bytes, lines)
	}
}

func TestDestinationThatRefusesIsToldOfItsLoss(t *testing.T) {
	b := newBench(t, Config{External: []string{"ext"}})
	c := collect1(t, &collector{status: 500})
	id := b.register("ext")
	b.send("PUT", pathTelemetry, subscribeTo(c.uri(), "2022-07-01", "platform"), "Lambda-Extension-Identifier", id)
	dropped := c.await(t, "platform.logsDropped").(map[string]any)
	if !strings.Contains(dropped["reason"].(string), "HTTP status 500") {
		t.Errorf("%v", dropped)
	}
}

// A listener that takes the connection and says nothing, as a frozen one does, holds nothing up.
func TestCloseDoesNotWaitForSubscribers(t *testing.T) {
	b := newBench(t, Config{External: []string{"ext"}, Dial: func(ctx context.Context, port int) (net.Conn, error) {
		here, there := net.Pipe()
		go func() { io.Copy(io.Discard, there) }()
		context.AfterFunc(ctx, func() { there.Close() })
		return here, nil
	}})
	id := b.register("ext")
	b.send("PUT", pathTelemetry, subscribeTo("http://sandbox:1", "2022-07-01", "platform"), "Lambda-Extension-Identifier", id)
}
