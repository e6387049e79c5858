// Command handler is a function that does what its event asks for, over the Runtime API alone.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

type request struct {
	Do     string          `json:"do"`
	Text   string          `json:"text"`
	Millis int             `json:"millis"`
	Return json.RawMessage `json:"return"`
	Body   string          `json:"body"` // of a function URL's event: a request in it
}

var api = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"

func main() {
	for {
		next, err := http.Get(api + "next")
		if err != nil {
			panic(err)
		}
		event, err := io.ReadAll(next.Body)
		next.Body.Close()
		if err != nil {
			panic(err)
		}
		answer(next.Header, event)
	}
}

func answer(h http.Header, event []byte) {
	var q request
	json.Unmarshal(event, &q) // what is no object asks for nothing
	if q.Do == "" && strings.HasPrefix(q.Body, "{") {
		json.Unmarshal([]byte(q.Body), &q)
	}
	time.Sleep(time.Duration(q.Millis) * time.Millisecond)
	id := h.Get("Lambda-Runtime-Aws-Request-Id")
	switch q.Do {
	case "fail":
		post(id+"/error", nil, strings.NewReader(fmt.Sprintf(`{"errorMessage": %q, "errorType": "Boom"}`, q.Text)))
	case "exit":
		os.Exit(3)
	case "print":
		fmt.Println(q.Text)
		post(id+"/response", nil, strings.NewReader("null"))
	case "return":
		post(id+"/response", nil, bytes.NewReader(q.Return))
	case "context":
		context := map[string]string{"id": id, "arn": h.Get("Lambda-Runtime-Invoked-Function-Arn"), "client": h.Get("Lambda-Runtime-Client-Context"), "version": os.Getenv("AWS_LAMBDA_FUNCTION_VERSION"), "trace": h.Get("Lambda-Runtime-Trace-Id")}
		body, _ := json.Marshal(context)
		post(id+"/response", nil, bytes.NewReader(body))
	case "stream", "hang", "break":
		stream(id, q)
	default:
		post(id+"/response", nil, bytes.NewReader(event))
	}
}

// stream sends one part, and then another, or nothing ever, or an error.
func stream(id string, q request) {
	r, w := io.Pipe()
	h := http.Header{"Lambda-Runtime-Function-Response-Mode": {"streaming"}, "Content-Type": {"application/octet-stream"}}
	if strings.HasPrefix(q.Text, "{") {
		h.Set("Content-Type", "application/vnd.awslambda.http-integration-response")
		q.Text += strings.Repeat("\x00", 8)
	}
	go func() {
		io.WriteString(w, q.Text+"first")
		if q.Do == "hang" {
			select {}
		}
		if q.Do == "stream" {
			io.WriteString(w, "second")
		}
		w.Close()
	}()
	var trailer http.Header
	if q.Do == "break" {
		trailer = http.Header{"Lambda-Runtime-Function-Error-Type": {"Runtime.Broken"}, "Lambda-Runtime-Function-Error-Body": {"eyJlcnJvck1lc3NhZ2UiOiAiYnJva2VuIiwgImVycm9yVHlwZSI6ICJCcm9rZW4ifQ=="}}
	}
	send(id+"/response", h, trailer, r)
}

func post(path string, h http.Header, body io.Reader) { send(path, h, nil, body) }

func send(path string, h, trailer http.Header, body io.Reader) {
	r, err := http.NewRequest("POST", api+path, body)
	if err != nil {
		panic(err)
	}
	if h != nil {
		r.Header = h
	}
	r.Trailer = trailer
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return // the engine has ended the invocation
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}
