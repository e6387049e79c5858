package awsapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"

	"github.com/assaylab/assay/lambda/sigv4"
)

func TestWhoMayUseTheAddress(t *testing.T) {
	known := []sigv4.Credential{{AccessKeyID: "AKID", SecretAccessKey: "secret"}}
	for _, c := range []struct {
		name        string
		token       string
		credentials []sigv4.Credential
		host        string
		header      http.Header
		want        int
		code        string
	}{
		{"a program of this machine", "", nil, "127.0.0.1:4566", nil, 200, ""},
		{"localhost", "", nil, "localhost:4566", nil, 200, ""},
		{"a name below localhost", "", nil, "lambda.localhost:4566", nil, 200, ""},
		{"IPv6", "", nil, "[::1]:4566", nil, 200, ""},
		{"a name that leads to loopback", "", nil, "evil.example", nil, 403, "AccessDeniedException"},
		{"a page of another site", "", nil, "127.0.0.1:4566", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, "AccessDeniedException"},
		{"a page of another origin", "", nil, "127.0.0.1:4566", http.Header{"Origin": {"http://evil.example"}}, 403, "AccessDeniedException"},
		{"no token", "t", nil, "10.0.0.1:4566", nil, 403, "MissingAuthenticationTokenException"},
		{"another token", "t", nil, "10.0.0.1:4566", http.Header{"Authorization": {"Bearer u"}}, 403, "MissingAuthenticationTokenException"},
		{"the token", "t", nil, "10.0.0.1:4566", http.Header{"Authorization": {"Bearer t"}}, 200, ""},
		{"the token as AWS clients send it", "t", nil, "10.0.0.1:4566", http.Header{"X-Amz-Security-Token": {"t"}}, 200, ""},
		{"no signature", "", known, "10.0.0.1:4566", nil, 403, "MissingAuthenticationTokenException"},
		{"no signature on this machine", "", known, "127.0.0.1:4566", nil, 403, "MissingAuthenticationTokenException"},
		{"half a signature", "", known, "127.0.0.1:4566", http.Header{"Authorization": {"AWS4-HMAC-SHA256 x"}}, 403, "IncompleteSignatureException"},
		{"the token in place of a signature", "t", known, "10.0.0.1:4566", http.Header{"Authorization": {"Bearer t"}}, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, Options{Token: c.token, Credentials: c.credentials})
			r := httptest.NewRequest("POST", "/2015-03-31/event-source-mappings", nil) // lacks a member
			r.Host = c.host
			for k, v := range c.header {
				r.Header[k] = v
			}
			w := httptest.NewRecorder()
			l.api.ServeHTTP(w, r)
			if got := w.Header().Get("X-Amzn-ErrorType"); c.want == 200 && got != "ValidationException" || c.want != 200 && (w.Code != c.want || got != c.code) {
				t.Errorf("status %d %s, want %d %s: %s", w.Code, got, c.want, c.code, w.Body)
			}
		})
	}
}

// AWS's own client signs, and is believed only with the right secret, at the right time.
func TestSignedBySDK(t *testing.T) {
	known := []sigv4.Credential{{AccessKeyID: "AKID", SecretAccessKey: "secret"}, {AccessKeyID: "ASIA", SecretAccessKey: "passing", SessionToken: "session"}}
	l := newLab(t, Options{Credentials: known})
	l.create("f")
	late := newLab(t, Options{Credentials: known, Now: func() time.Time { return time.Now().Add(10 * time.Minute) }})
	for _, tt := range []struct {
		l                 *lab
		id, secret, token string
		want              string
	}{
		{l, "AKID", "secret", "", ""},
		{l, "ASIA", "passing", "session", ""},
		{l, "ASIA", "passing", "other", "UnrecognizedClientException: The security token included in the request is invalid."},
		{l, "AKID", "wrong", "", "InvalidSignatureException: The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
		{l, "AKIX", "secret", "", "UnrecognizedClientException: The security token included in the request is invalid."},
		{late, "AKID", "secret", "", "InvalidSignatureException: Signature expired: <any> is now earlier than <any> (<any> - 5 min.)"},
	} {
		c := tt.l.sdkAs(tt.id, tt.secret, tt.token)
		_, err := c.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("f"), Qualifier: aws.String("$LATEST"), Payload: []byte(`{"a": 1}`)})
		got := ""
		var api smithy.APIError
		if errors.As(err, &api) {
			got = api.ErrorCode() + ": " + api.ErrorMessage()
		}
		if diff := like(tt.want, got, map[string]string{}); diff != "" || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s %s: %s (%v)", tt.id, tt.secret, diff, err)
		}
	}
}

// Only a few large bodies are read at a time: the next waits until one is done.
func TestLargeBodiesWait(t *testing.T) {
	l := newLab(t, Options{})
	body := func() *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), "POST", l.server.URL+"/2015-03-31/functions", strings.NewReader(`{"FunctionName": "`+strings.Repeat("x", small)+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for range maxLarge {
		l.api.large <- struct{}{}
	}
	done := make(chan int)
	go func() {
		response, err := l.http.Do(body())
		if err != nil {
			done <- 0
			return
		}
		response.Body.Close()
		done <- response.StatusCode
	}()
	if response, err := l.http.Get(l.server.URL + "/2015-03-31/functions"); err != nil || response.StatusCode != 200 {
		t.Errorf("a small one: %v %v", response, err)
	} else {
		response.Body.Close()
	}
	select {
	case status := <-done:
		t.Errorf("a large one did not wait: %d", status)
	default:
	}
	<-l.api.large
	if status := <-done; status != 400 {
		t.Errorf("a large one, after another: %d", status)
	}
}
