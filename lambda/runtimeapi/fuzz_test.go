package runtimeapi

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// FuzzConnection sends any bytes to the API in the middle of an invocation. Whatever they are, the
// invocation is answered at most once, and the runtime can go on.
func FuzzConnection(f *testing.F) {
	for _, seed := range []string{
		"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
		"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"POST /2018-06-01/runtime/invocation/1/error HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.aws.lambda.error.cause+json\r\nContent-Length: 20\r\n\r\n{\"errorCause\":{\"a\":1}}",
		"POST /2020-01-01/extension/register HTTP/1.1\r\nHost: x\r\nLambda-Extension-Name: x\r\nContent-Length: 13\r\n\r\n{\"events\":[]}",
		"PUT /2022-07-01/telemetry HTTP/1.1\r\nHost: x\r\nLambda-Extension-Identifier: 00000000-0000-4000-8000-000000000001\r\nContent-Length: 2\r\n\r\n{}",
	} {
		f.Add([]byte(seed), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := New(Config{Listener: listener, ID: func() string { return "00000000-0000-4000-8000-000000000001" }})
		answers := make(chan Answer, 10)
		s.mu.Lock()
		s.endRegistration()
		s.runtime.state = stateReady
		s.mu.Unlock()
		s.Invoke(&Invocation{ID: "1", Payload: []byte("{}"), Answer: func(a Answer) { answers <- a }, Stream: func(string) io.Writer { return io.Discard }})
		s.Withdraw() // the runtime has it
		for _, text := range [][]byte{first, second} {
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(time.Second))
			conn.Write(text)
			conn.(*net.TCPConn).CloseWrite()
			io.CopyN(io.Discard, conn, 1<<16)
			conn.Close()
		}
		s.Close()
		if len(answers) > 1 {
			t.Errorf("%d answers", len(answers))
		}
		if s.runtime.state == stateResponse || s.runtime.state == stateErrorResponse {
			t.Errorf("stuck in %s", s.runtime.state)
		}
		if len(answers) == 1 {
			if a := <-answers; a.Fault != nil && a.Fault.Kind != assay.FaultFunction {
				t.Errorf("fault %+v", a.Fault)
			}
		}
	})
}

func FuzzErrorCause(f *testing.F) {
	f.Add([]byte(`{"exceptions":[{"message":"m","type":"T","stack":[{"path":"p","line":1,"label":"l"}]}],"working_directory":"/","paths":["a"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got := cropCause(text); len(got) > maxCause {
			t.Errorf("%d bytes", len(got))
		}
		rest, _ := splitCause(text)
		if len(rest) == 0 {
			t.Error("no body is left")
		}
	})
}
