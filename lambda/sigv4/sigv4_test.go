package sigv4

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var (
	now      = time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	lasting  = Credential{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	passing  = Credential{AccessKeyID: "ASIDEXAMPLE", SecretAccessKey: "other", SessionToken: "to/ken=="}
	verifier = &Verifier{Service: "lambda", Region: "us-east-1", Credentials: []Credential{lasting, passing}, Now: func() time.Time { return now }}
)

func ask(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// signed is a request that AWS's own signer signed.
func signed(t testing.TB, r *http.Request, c Credential, at time.Time) *http.Request {
	t.Helper()
	sum := bodySum(t, r)
	err := signer.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}, r, hex.EncodeToString(sum[:]), "lambda", "us-east-1", at)
	if err != nil {
		t.Fatal(err)
	}
	return arrived(t, r)
}

// arrived is a request as a server reads it from the wire.
func arrived(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func bodySum(t testing.TB, r *http.Request) [sha256.Size]byte {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return sha256.Sum256(body)
}

func verify(t testing.TB, r *http.Request) (*Credential, *Refusal) {
	t.Helper()
	return verifier.Verify(r, bodySum(t, r))
}

func TestWhatAWSSigned(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"plain":     ask(t, "GET", "http://127.0.0.1:4566/2015-03-31/functions", ""),
		"body":      ask(t, "POST", "http://127.0.0.1:4566/2015-03-31/functions/f/invocations", `{"a": 1}`),
		"qualifier": ask(t, "POST", "http://127.0.0.1:4566/2015-03-31/functions/f/invocations?Qualifier=%24LATEST", `{}`),
		"escaped":   ask(t, "GET", "http://127.0.0.1:4566/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", ""),
		"sorting":   ask(t, "DELETE", "http://127.0.0.1:4566/2017-03-31/tags/x?tagKeys=a/b&tagKeys=a-b&tagKeys=A&Z=&b=ä", ""),
		"spaces":    ask(t, "GET", "http://localhost:4566/a%20b", ""),
	} {
		r.Header.Set("X-Amz-Client-Context", "a   b")
		for _, c := range []Credential{lasting, passing} {
			got, refusal := verify(t, signed(t, r.Clone(t.Context()), c, now.Add(-4*time.Minute)))
			if refusal != nil || *got != c {
				t.Errorf("%s: %+v, %v", name, got, refusal)
			}
			r.Body, _ = r.GetBody()
		}
	}
}

func presigned(t *testing.T, c Credential, expires string) *http.Request {
	t.Helper()
	r := ask(t, "GET", "http://127.0.0.1:4566/2015-03-31/functions?X-Amz-Expires="+expires, "")
	sum := sha256.Sum256(nil)
	url, _, err := signer.NewSigner().PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}, r, hex.EncodeToString(sum[:]), "lambda", "us-east-1", now)
	if err != nil {
		t.Fatal(err)
	}
	return arrived(t, ask(t, "GET", url, ""))
}

func TestPresigned(t *testing.T) {
	for _, c := range []Credential{lasting, passing} {
		if got, refusal := verify(t, presigned(t, c, "600")); refusal != nil || *got != c {
			t.Errorf("%+v, %v", got, refusal)
		}
	}
	late := *verifier
	late.Now = func() time.Time { return now.Add(11 * time.Minute) }
	r := presigned(t, lasting, "600")
	_, refusal := late.Verify(r, bodySum(t, r))
	if refusal == nil || refusal.Message != "Signature expired: 20261121T020000Z is now earlier than 20261121T020100Z (20261121T021100Z - 10 min.)" {
		t.Errorf("an expired one: %v", refusal)
	}
}

// A user-agent among the signed headers, as old SDKs for Java have it: no SDK for Go makes one.
func TestAnyHeaderMayBeSigned(t *testing.T) {
	r := ask(t, "GET", "http://127.0.0.1/2015-03-31/functions", "")
	r.Header.Set("User-Agent", "aws-sdk-java/1.11  Linux")
	r.Header.Set("X-Amz-Date", now.Format(stamp))
	s := &signature{day: "20261121", region: "us-east-1", service: "lambda", terminator: terminator, date: now.Format(stamp), headers: []string{"host", "user-agent", "x-amz-date"}}
	want := "GET\n/2015-03-31/functions\n\nhost:127.0.0.1\nuser-agent:aws-sdk-java/1.11 Linux\nx-amz-date:20261121T020000Z\n\nhost;user-agent;x-amz-date\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got := canonical(r, s, sha256.Sum256(nil)); got != want {
		t.Fatalf("canonical request:\n%s", got)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/lambda/aws4_request, SignedHeaders=host;user-agent;x-amz-date, Signature="+hex.EncodeToString(s.sign(lasting.SecretAccessKey, want)))
	if _, refusal := verify(t, r); refusal != nil {
		t.Error(refusal)
	}
}

func TestRefusals(t *testing.T) {
	const url = "http://127.0.0.1:4566/2015-03-31/functions/f?Qualifier=1"
	const mismatch = "InvalidSignatureException: The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	sign := func(c Credential, at time.Time) *http.Request { return signed(t, ask(t, "PUT", url, "body"), c, at) }
	changed := func(change func(*http.Request)) *http.Request {
		r := sign(lasting, now)
		change(r)
		return r
	}
	authorization := func(from, to string) *http.Request {
		return changed(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
		})
	}
	for _, tt := range []struct {
		what string
		r    *http.Request
		want string
	}{
		{"unsigned", ask(t, "GET", url, ""), "MissingAuthenticationTokenException: Missing Authentication Token"},
		{"another scheme", changed(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }), "IncompleteSignatureException: Unsupported AWS 'algorithm': 'Bearer'"},
		{"nothing but a scheme", changed(func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256") }), "IncompleteSignatureException: Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."},
		{"no pair", authorization("Credential=", "Credential"), "IncompleteSignatureException: 'CredentialAKIDEXAMPLE/20261121/us-east-1/lambda/aws4_request' not a valid key=value pair (missing equal-sign) in Authorization header."},
		{"no date", changed(func(r *http.Request) { r.Header.Del("X-Amz-Date") }), "IncompleteSignatureException: Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		{"a bad date", changed(func(r *http.Request) { r.Header.Set("X-Amz-Date", "today") }), "IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got 'today'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"a short scope", authorization("/lambda", ""), "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE/20261121/us-east-1/aws4_request'"},
		{"an unknown key", sign(Credential{AccessKeyID: "AKIDOTHER", SecretAccessKey: "x"}, now), "UnrecognizedClientException: The security token included in the request is invalid."},
		{"another session token", sign(Credential{AccessKeyID: passing.AccessKeyID, SecretAccessKey: passing.SecretAccessKey, SessionToken: "x"}, now), "UnrecognizedClientException: The security token included in the request is invalid."},
		{"another secret", sign(Credential{AccessKeyID: lasting.AccessKeyID, SecretAccessKey: "x"}, now), mismatch},
		{"another body", changed(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("other")) }), mismatch},
		{"another method", changed(func(r *http.Request) { r.Method = "POST" }), mismatch},
		{"another path", changed(func(r *http.Request) { r.URL.Path += "g" }), mismatch},
		{"another query", changed(func(r *http.Request) { r.URL.RawQuery = "Qualifier=2" }), mismatch},
		{"another host", changed(func(r *http.Request) { r.Host = "example.com" }), mismatch},
		{"no hexadecimal", authorization("Signature=", "Signature=x"), mismatch},
		{"too old", sign(lasting, now.Add(-6*time.Minute)), "InvalidSignatureException: Signature expired: 20261121T015400Z is now earlier than 20261121T015500Z (20261121T020000Z - 5 min.)"},
		{"too new", sign(lasting, now.Add(6*time.Minute)), "InvalidSignatureException: Signature not yet current: 20261121T020600Z is still later than 20261121T020500Z (20261121T020000Z + 5 min.)"},
		{"another region", authorization("us-east-1", "eu-west-1"), "InvalidSignatureException: Credential should be scoped to a valid region. "},
		{"another service", authorization("lambda", "s3"), "InvalidSignatureException: Credential should be scoped to correct service: 'lambda'. "},
		{"another terminator", authorization("aws4_request", "aws5"), "InvalidSignatureException: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'. "},
		{"another day", authorization("/20261121/", "/20261120/"), "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261120' != '20261121', from '20261121T020000Z'."},
		{"an unsigned host", authorization("host;", ""), "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"a query without date", ask(t, "GET", url+"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0&X-Amz-SignedHeaders=host&X-Amz-Credential=c", ""), "IncompleteSignatureException: AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."},
	} {
		if _, refusal := verify(t, tt.r); refusal == nil || refusal.Error() != tt.want {
			t.Errorf("%s: %v\nwant %s", tt.what, refusal, tt.want)
		}
	}
}

func TestReadCredentials(t *testing.T) {
	got, err := ReadCredentials(strings.NewReader("# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=b=c\nregion = x\n\n[role]\nrole_arn = r\n[ci]\nAWS_ACCESS_KEY_ID=C\naws_secret_access_key = d\naws_session_token = t\n"))
	if err != nil || len(got) != 2 || got[0] != (Credential{"A", "b=c", ""}) || got[1] != (Credential{"C", "d", "t"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "aws_access_key_id = A", "[default]\naws_access_key_id = A", "[a]\naws_secret_access_key = hidden"} {
		if _, err := ReadCredentials(strings.NewReader(bad)); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// FuzzVerify looks for headers and queries that crash the verifier, or that it takes for signed.
func FuzzVerify(f *testing.F) {
	r := signed(f, ask(f, "PUT", "http://127.0.0.1:4566/a?b=c", ""), lasting, now)
	f.Add(r.Header.Get("Authorization")+"x", r.Header.Get("X-Amz-Date"), "b=c")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/e&X-Amz-Date=2&X-Amz-Signature=%zz&X-Amz-SignedHeaders=;;&X-Amz-Expires=1")
	f.Add("AWS4-HMAC-SHA256 Credential=////,Signature==,SignedHeaders=,", "20261121T020000Z", "")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := &http.Request{Method: "PUT", Host: "127.0.0.1:4566", URL: ask(t, "GET", "http://x/a", "").URL, Header: http.Header{"Authorization": {authorization}, "X-Amz-Date": {date}}}
		r.URL.RawQuery = query
		if c, refusal := verifier.Verify(r, sha256.Sum256(nil)); (c == nil) == (refusal == nil) || c != nil && canonicalQuery(query, false) != "b=c" {
			t.Errorf("%q %q %q: %v %v", authorization, date, query, c, refusal)
		}
	})
}
