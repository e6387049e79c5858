package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// signature is what a request says of how it was signed.
type signature struct {
	accessKeyID                      string
	day, region, service, terminator string // the scope
	headers                          []string
	signature                        string // hexadecimal
	token                            string
	date                             string // as sent
	at                               time.Time
	presigned                        bool          // it came in the query
	expires                          time.Duration // of a pre-signed URL
}

// read finds the signature in the header, or in the query of a pre-signed URL.
func read(r *http.Request) (*signature, *Refusal) {
	if line := r.Header.Get("Authorization"); line != "" {
		return readHeader(r, line)
	}
	if query := r.URL.Query(); query.Has("X-Amz-Algorithm") || query.Has("X-Amz-Signature") {
		return readQuery(query)
	}
	return nil, &Refusal{"MissingAuthenticationTokenException", "Missing Authentication Token"}
}

func readHeader(r *http.Request, line string) (*signature, *Refusal) {
	scheme, rest, _ := strings.Cut(line, " ")
	if scheme != algorithm {
		return nil, incomplete(fmt.Sprintf("Unsupported AWS 'algorithm': '%s'", printable(scheme)))
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if !found && name != "" {
			return nil, incomplete(fmt.Sprintf("'%s' not a valid key=value pair (missing equal-sign) in Authorization header.", printable(name)))
		}
		parts[name] = value
	}
	date := r.Header.Get("X-Amz-Date")
	if date == "" {
		if at, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			date = at.UTC().Format(stamp)
		}
	}
	var missing strings.Builder
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[name] == "" {
			fmt.Fprintf(&missing, "Authorization header requires '%s' parameter. ", name)
		}
	}
	if date == "" {
		missing.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if missing.Len() > 0 {
		return nil, incomplete(strings.TrimSpace(missing.String()))
	}
	s := &signature{signature: parts["Signature"], token: r.Header.Get("X-Amz-Security-Token")}
	return s, s.fill(parts["Credential"], parts["SignedHeaders"], date)
}

func readQuery(query url.Values) (*signature, *Refusal) {
	if given := query.Get("X-Amz-Algorithm"); given != algorithm {
		return nil, incomplete(fmt.Sprintf("Unsupported AWS 'algorithm': '%s'", printable(given)))
	}
	var missing strings.Builder
	for _, name := range []string{"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if query.Get(name) == "" {
			fmt.Fprintf(&missing, "AWS query-string parameters must include '%s'. ", name)
		}
	}
	if missing.Len() > 0 {
		return nil, incomplete(strings.TrimSpace(missing.String()) + " Re-examine the query-string parameters.")
	}
	s := &signature{presigned: true, signature: query.Get("X-Amz-Signature"), token: query.Get("X-Amz-Security-Token")}
	if given := query.Get("X-Amz-Expires"); given != "" {
		seconds, err := strconv.Atoi(given)
		if err != nil || seconds < 1 || seconds > 7*24*3600 {
			return nil, incomplete("X-Amz-Expires should be a number of seconds up to 604800")
		}
		s.expires = time.Duration(seconds) * time.Second
	}
	return s, s.fill(query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Date"))
}

func (s *signature) fill(credential, headers, date string) *Refusal {
	scope := strings.Split(credential, "/")
	n := len(scope)
	if n < 5 {
		return incomplete(fmt.Sprintf("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", printable(credential)))
	}
	s.accessKeyID = strings.Join(scope[:n-4], "/")
	s.day, s.region, s.service, s.terminator = scope[n-4], scope[n-3], scope[n-2], scope[n-1]
	s.headers = strings.Split(strings.ToLower(headers), ";")
	at, err := time.Parse(stamp, date)
	if err != nil {
		return incomplete(fmt.Sprintf("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", printable(date)))
	}
	s.date, s.at = date, at
	return nil
}

func incomplete(message string) *Refusal { return &Refusal{"IncompleteSignatureException", message} }

// printable shortens what a client sent for a message.
func printable(s string) string {
	if len(s) > 100 {
		s = s[:100]
	}
	return strings.ToValidUTF8(s, "?")
}
