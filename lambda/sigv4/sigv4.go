// Package sigv4 verifies AWS's Signature Version 4 as a service does. A request, its body's digest and
// the credentials that are known come in; out goes the credential that signed it, or AWS's refusal.
//
// The source of the contract is AWS's "Create a signed AWS API request". The SDK for Go only signs;
// signing again with it and comparing would refuse what it never signs itself, as the user-agent that
// older SDKs for Java sign.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	stamp      = "20060102T150405Z"
	skew       = 5 * time.Minute
)

// Credential is what a client signs with. SessionToken is empty for long-term ones.
type Credential struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

// Refusal is why a request is not let in, with AWS's code and text. The status is always 403.
type Refusal struct {
	Code    string
	Message string
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Verifier verifies requests to one service in one region.
type Verifier struct {
	Service     string
	Region      string
	Credentials []Credential
	Now         func() time.Time
}

// Signed tells whether a request claims to be signed, in its header or in its query.
func Signed(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || strings.Contains(r.URL.RawQuery, "X-Amz-Signature=")
}

// Verify returns the credential that signed the request. Of its body it is given the SHA-256.
func (v *Verifier) Verify(r *http.Request, body [sha256.Size]byte) (*Credential, *Refusal) {
	s, refusal := read(r)
	if refusal == nil {
		refusal = v.checkScope(s)
	}
	if refusal == nil {
		refusal = s.checkTime(v.Now())
	}
	if refusal != nil {
		return nil, refusal
	}
	c := v.find(s)
	if c == nil {
		return nil, &Refusal{"UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	given, err := hex.DecodeString(s.signature)
	if err != nil || !hmac.Equal(given, s.sign(c.SecretAccessKey, canonical(r, s, body))) {
		return nil, invalid("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return c, nil
}

func (v *Verifier) find(s *signature) *Credential {
	for i, c := range v.Credentials {
		if c.AccessKeyID == s.accessKeyID && subtle.ConstantTimeCompare([]byte(c.SessionToken), []byte(s.token)) == 1 {
			return &v.Credentials[i]
		}
	}
	return nil
}

func (v *Verifier) checkScope(s *signature) *Refusal {
	var wrong []string
	if s.region != v.Region {
		wrong = append(wrong, "Credential should be scoped to a valid region. ")
	}
	if s.service != v.Service {
		wrong = append(wrong, fmt.Sprintf("Credential should be scoped to correct service: '%s'. ", v.Service))
	}
	if s.terminator != terminator {
		wrong = append(wrong, fmt.Sprintf("Credential should be scoped with a valid terminator: '%s', not '%s'. ", terminator, s.terminator))
	}
	if day := s.date[:min(len(s.date), 8)]; s.day != day {
		wrong = append(wrong, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", s.day, day, s.date))
	}
	if !slices.Contains(s.headers, "host") {
		wrong = append(wrong, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if wrong == nil {
		return nil
	}
	return invalid(strings.Join(wrong, ""))
}

// checkTime lets pass what was signed within five minutes, or, in a query, as long as it says.
func (s *signature) checkTime(now time.Time) *Refusal {
	now = now.UTC()
	oldest := now.Add(-skew)
	if s.expires > 0 {
		oldest = now.Add(-s.expires)
	}
	switch {
	case s.at.Before(oldest) && s.expires > 0:
		return invalid(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)", s.date, oldest.Format(stamp), now.Format(stamp), int(s.expires.Minutes())))
	case s.at.Before(oldest):
		return invalid(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)", s.date, oldest.Format(stamp), now.Format(stamp)))
	case s.at.After(now.Add(skew)):
		return invalid(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)", s.date, now.Add(skew).Format(stamp), now.Format(stamp)))
	}
	return nil
}

// sign derives the day's key from the secret and signs with it.
func (s *signature) sign(secret, canonicalRequest string) []byte {
	hash := sha256.Sum256([]byte(canonicalRequest))
	scope := strings.Join([]string{s.day, s.region, s.service, s.terminator}, "/")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.day, s.region, s.service, s.terminator, strings.Join([]string{algorithm, s.date, scope, hex.EncodeToString(hash[:])}, "\n")} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return key
}

func invalid(message string) *Refusal { return &Refusal{"InvalidSignatureException", message} }
