package event

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assaylab/assay"
)

func TestDecode(t *testing.T) {
	asJSON := assay.Header{"Content-Type": {"application/json"}}
	none := assay.Header{}
	for _, tt := range []struct {
		name, payload string
		format        Format
		want          Response // zero: malformed
	}{
		{"structured", `{"statusCode": 201, "headers": {"content-type": "text/plain", "X-N": 1, "x-b": true, "x-null": null}, "body": "hi"}`, V2,
			Response{201, assay.Header{"Content-Type": {"text/plain"}, "X-N": {"1"}, "X-B": {"true"}}, []byte("hi")}},
		{"cookies", `{"statusCode": 200, "headers": {"SET-COOKIE": "a=1"}, "cookies": ["b=2; HttpOnly", "c=3"]}`, V2,
			Response{200, assay.Header{"Set-Cookie": {"a=1", "b=2; HttpOnly", "c=3"}}, []byte{}}},
		{"base64", `{"statusCode": 200, "body": "/wA=", "isBase64Encoded": true}`, V2, Response{200, none, []byte{0xff, 0}}},
		{"status in a string", `{"statusCode": "404"}`, V2, Response{404, none, []byte{}}},
		{"nulls", `{"statusCode": 204, "headers": null, "cookies": null, "body": null, "isBase64Encoded": null}`, V2, Response{204, none, []byte{}}},
		{"v1 headers", `{"statusCode": 200, "headers": {"a": "1", "b": "2"}, "multiValueHeaders": {"A": ["3", 4]}, "cookies": "not of v1"}`, V1,
			Response{200, assay.Header{"A": {"3", "4"}, "B": {"2"}}, []byte{}}},
		{"v2 without multiValueHeaders", `{"statusCode": 200, "multiValueHeaders": {"a": ["1"]}}`, V2, Response{200, none, []byte{}}},
		{"zero format", `{"statusCode": 200, "cookies": ["a=1"]}`, "", Response{200, assay.Header{"Set-Cookie": {"a=1"}}, []byte{}}},

		{"object", ` {"n": 1.0, "big": 12345678901234567890} `, V2, Response{200, asJSON, []byte(`{"n": 1.0, "big": 12345678901234567890}`)}},
		{"string", `"say \"hi\" ü"`, V2, Response{200, asJSON, []byte(`say "hi" ü`)}},
		{"empty string", `""`, V2, Response{200, asJSON, []byte{}}},
		{"list", `[1, 2]`, V2, Response{200, asJSON, []byte(`[1, 2]`)}},
		{"number", `21`, V2, Response{200, asJSON, []byte(`21`)}},
		{"boolean", `true`, V2, Response{200, asJSON, []byte(`true`)}},
		{"null", `null`, V2, Response{200, asJSON, []byte(`null`)}},
		{"other case", `{"StatusCode": 500}`, V2, Response{200, asJSON, []byte(`{"StatusCode": 500}`)}},

		{"v1 object", `{"n": 1}`, V1, Response{}},
		{"v1 string", `"hi"`, V1, Response{}},
		{"v1 null", `null`, V1, Response{}},
		{"nothing", ``, V2, Response{}},
		{"not JSON", `{`, V2, Response{}},
		{"status of words", `{"statusCode": "fine"}`, V2, Response{}},
		{"status null", `{"statusCode": null}`, V2, Response{}},
		{"status broken", `{"statusCode": 200.5}`, V2, Response{}},
		{"status out of range", `{"statusCode": 600}`, V2, Response{}},
		{"status not final", `{"statusCode": 103}`, V2, Response{}},
		{"body of another type", `{"statusCode": 200, "body": {"a": 1}}`, V2, Response{}},
		{"not base64", `{"statusCode": 200, "body": "!", "isBase64Encoded": true}`, V2, Response{}},
		{"base64 of a word", `{"statusCode": 200, "isBase64Encoded": "yes"}`, V2, Response{}},
		{"headers of a list", `{"statusCode": 200, "headers": ["a"]}`, V2, Response{}},
		{"header of a list", `{"statusCode": 200, "headers": {"a": ["b"]}}`, V2, Response{}},
		{"cookies of a word", `{"statusCode": 200, "cookies": "a=1"}`, V2, Response{}},
		{"no format", `1`, "v3", Response{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode(tt.format, []byte(tt.payload))
			if !reflect.DeepEqual(got, tt.want) || (err != nil) != (tt.want.Status == 0) {
				t.Errorf("got %d %v %q, %v\nwant %d %v %q", got.Status, got.Header, got.Body, err, tt.want.Status, tt.want.Header, tt.want.Body)
			}
		})
	}
}

// FuzzDecode: nothing panics, what is read is a response, and reading has no luck in it.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"statusCode": 200, "headers": {"a": "1", "A": "2"}, "multiValueHeaders": {"a": ["3"]}}`, `"\ud800"`, `[[]]`, ` `, `{"statusCode": "2e2"}`, `{"statusCode":200,"body":"","isBase64Encoded":true}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, format := range []Format{V1, V2} {
			r, err := Decode(format, payload)
			again, _ := Decode(format, payload)
			if !reflect.DeepEqual(r, again) {
				t.Errorf("%s: once %v, then %v", format, r, again)
			}
			if err == nil && (r.Status < 200 || r.Status > 599 || r.Header == nil) {
				t.Errorf("%s: %v", format, r)
			}
		}
	})
}

// FuzzRoundTrip: what a Go function returns is what the client is given.
func FuzzRoundTrip(f *testing.F) {
	f.Add(200, "X-A", "1", []byte("body"), true)
	f.Add(404, "x-a", "ü", []byte{0xff}, true)
	f.Fuzz(func(t *testing.T, status int, name, value string, body []byte, encoded bool) {
		out := events.APIGatewayV2HTTPResponse{StatusCode: status, Headers: map[string]string{name: value}, Body: string(body), Cookies: []string{value}}
		if encoded {
			out.Body, out.IsBase64Encoded = encode(body), true
		}
		payload, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		var sent events.APIGatewayV2HTTPResponse // as JSON carries it: text that is not UTF-8 is mended
		if err := json.Unmarshal(payload, &sent); err != nil {
			t.Fatal(err)
		}
		r, err := Decode(V2, payload)
		if status < 200 || status > 599 {
			if err == nil {
				t.Errorf("%d passes for a status", status)
			}
			return
		}
		want := []byte(sent.Body)
		if encoded {
			want = body
		}
		if err != nil || r.Status != status || !bytes.Equal(r.Body, want) || r.Header.Values("Set-Cookie")[0] != sent.Cookies[0] && name == "" {
			t.Errorf("got %d %v %q, %v", r.Status, r.Header, r.Body, err)
		}
	})
}

func encode(body []byte) string {
	data, _ := json.Marshal(body) // JSON writes bytes in base64
	return string(data[1 : len(data)-1])
}

func TestInvoker(t *testing.T) {
	fault := func(kind assay.FaultKind) *assay.Observation {
		return &assay.Observation{Status: 200, Body: []byte(`{"errorMessage": "secret"}`), Fault: &assay.Fault{Kind: kind, Type: "T", Message: "m"}, Log: []byte("log"), Cold: true}
	}
	for _, tt := range []struct {
		name     string
		format   Format
		returned *assay.Observation
		status   int
		body     string
		fault    assay.FaultKind
	}{
		{"answer", V2, &assay.Observation{Status: 200, Body: []byte(`{"statusCode": 418, "body": "tea"}`), Log: []byte("log"), Cold: true}, 418, "tea", ""},
		{"error", V2, fault(assay.FaultFunction), 500, `{"message":"Internal Server Error"}`, assay.FaultFunction},
		{"error, v1", V1, fault(assay.FaultFunction), 502, `{"message":"Internal server error"}`, assay.FaultFunction},
		{"crash", "", fault(assay.FaultCrash), 500, `{"message":"Internal Server Error"}`, assay.FaultCrash},
		{"unreachable", V2, fault(assay.FaultTransport), 500, `{"message":"Internal Server Error"}`, assay.FaultTransport},
		{"timeout", V2, fault(assay.FaultTimeout), 503, `{"message":"Service Unavailable"}`, assay.FaultTimeout},
		{"timeout, v1", V1, fault(assay.FaultTimeout), 504, `{"message":"Endpoint request timed out"}`, assay.FaultTimeout},
		{"throttle", V2, fault(assay.FaultThrottle), 429, `{"message":"Too Many Requests"}`, assay.FaultThrottle},
		{"canceled", V2, fault(assay.FaultCanceled), 0, "", assay.FaultCanceled},
		{"malformed", V2, &assay.Observation{Status: 200, Body: []byte(`{"statusCode": []}`), Log: []byte("log"), Cold: true}, 500, `{"message":"Internal Server Error"}`, assay.FaultFunction},
		{"malformed, v1", V1, &assay.Observation{Status: 200, Body: []byte(`"hi"`), Log: []byte("log"), Cold: true}, 502, `{"message":"Internal server error"}`, assay.FaultFunction},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := *tt.returned
			inv := invocation(nil)
			next := assay.InvokerFunc(func(_ context.Context, call *assay.Invocation) (*assay.Observation, error) {
				want, _ := Encode(tt.format, inv)
				if !bytes.Equal(call.Payload, want) || call.ID != inv.ID {
					t.Errorf("the function is given %s", call.Payload)
				}
				return tt.returned, nil
			})
			o, err := (&Invoker{Next: next, Format: tt.format}).Invoke(t.Context(), inv)
			if err != nil {
				t.Fatal(err)
			}
			if o.Status != tt.status || string(o.Body) != tt.body || o.BodySize != int64(len(tt.body)) || string(o.Log) != "log" || !o.Cold {
				t.Errorf("got %d %q, %+v", o.Status, o.Body, o)
			}
			if (o.Fault == nil) != (tt.fault == "") || o.Fault != nil && (o.Fault.Kind != tt.fault || o.Fault.Message == "") {
				t.Errorf("fault %+v, want %q", o.Fault, tt.fault)
			}
			if inv.Payload != nil || !reflect.DeepEqual(*tt.returned, before) {
				t.Error("the invocation or the function's observation was changed")
			}
		})
	}
}

func TestInvokerPassesThrough(t *testing.T) {
	own := &assay.Observation{Status: 200, Body: []byte(`{"statusCode": 404}`)}
	inv := &assay.Invocation{ID: "1", Received: time.Unix(1, 0), Payload: []byte("{}")}
	i := &Invoker{Next: assay.InvokerFunc(func(_ context.Context, got *assay.Invocation) (*assay.Observation, error) {
		if got != inv {
			t.Error("another invocation")
		}
		return own, nil
	})}
	if o, err := i.Invoke(t.Context(), inv); o != own || err != nil {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestInvokerErrors(t *testing.T) {
	broken := errors.New("nothing was observed")
	i := &Invoker{Next: assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) { return nil, broken })}
	if _, err := i.Invoke(t.Context(), invocation(nil)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	i.Format = "v3"
	if _, err := i.Invoke(t.Context(), invocation(nil)); err == nil || errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
