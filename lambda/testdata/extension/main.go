// Command extension is an external extension for the engine's tests. It writes what it hears to its log,
// a line each behind "heard: ", and does what EXTENSION_DO says.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

var (
	base = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API")
	do   = os.Getenv("EXTENSION_DO")
	mu   sync.Mutex
)

func say(format string, args ...any) {
	mu.Lock()
	defer mu.Unlock()
	fmt.Printf("heard: "+format+"\n", args...)
}

func call(method, path, body string, header ...string) (*http.Response, string) {
	r, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response, string(text)
}

func main() {
	if do == "exit before registering" {
		os.Exit(3)
	}
	if do == "never register" {
		time.Sleep(time.Hour)
	}
	response, body := call("POST", "/2020-01-01/extension/register", `{"events":["INVOKE","SHUTDOWN"]}`, "Lambda-Extension-Name", filepath.Base(os.Args[0]))
	say("registered %s", body)
	id := response.Header.Get("Lambda-Extension-Identifier")
	done := make(chan string, 100)
	if do == "telemetry" {
		subscribe(id, done)
	}
	if do == "init error" {
		call("POST", "/2020-01-01/extension/init/error", "{}", "Lambda-Extension-Identifier", id, "Lambda-Extension-Function-Error-Type", "Extension.NoConfig")
		os.Exit(1)
	}
	fmt.Println("the extension says hello")
	_, handler := os.LookupEnv("_HANDLER")
	say("handler %v, greeting %s", handler, os.Getenv("GREETING"))
	for {
		_, body := call("GET", "/2020-01-01/extension/event/next", "", "Lambda-Extension-Identifier", id)
		var event struct {
			EventType, ShutdownReason, RequestID string
			DeadlineMs                           int64
		}
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			panic(err)
		}
		say("%s %s", event.EventType, event.ShutdownReason)
		switch {
		case event.EventType == "SHUTDOWN" && do == "linger":
			time.Sleep(time.Hour)
		case event.EventType == "SHUTDOWN":
			say("left %v", time.Until(time.UnixMilli(event.DeadlineMs)) > 0)
			return
		case do == "crash":
			os.Exit(7)
		case do == "exit error":
			call("POST", "/2020-01-01/extension/exit/error", "{}", "Lambda-Extension-Identifier", id, "Lambda-Extension-Function-Error-Type", "Extension.NoDisk")
			time.Sleep(time.Hour)
		case do == "telemetry":
			for got := range done { // as many do: work is done when the runtime is
				if got == event.RequestID {
					break
				}
			}
		case do == "slow":
			time.Sleep(200 * time.Millisecond)
			say("slept")
		}
	}
}

// subscribe listens for telemetry and writes it down. The ids of requests that are done go to done.
func subscribe(id string, done chan<- string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var events []struct {
			Type   string
			Record json.RawMessage
		}
		json.NewDecoder(r.Body).Decode(&events)
		for _, e := range events {
			if !bytes.HasPrefix(e.Record, []byte(`"heard: `)) { // or there is no end
				say("telemetry %s %s", e.Type, e.Record)
			}
			var record struct{ RequestID string }
			if e.Type == "platform.runtimeDone" && json.Unmarshal(e.Record, &record) == nil {
				done <- record.RequestID
			}
		}
	}))
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	_, body := call("PUT", "/2022-07-01/telemetry", `{"schemaVersion":"2022-12-13","types":["platform","function","extension"],"buffering":{"timeoutMs":25},"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:`+port+`"}}`,
		"Lambda-Extension-Identifier", id)
	say("subscribed %s", body)
}
