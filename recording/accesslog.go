package recording

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

// accessLog reads Apache's common and combined log formats (https://httpd.apache.org/docs/2.4/logs.html):
// methods, targets, times, referers and user agents. Bodies, other fields and answers are in no log, so
// only requests of safe methods make sense again, and the control is called anew.
type accessLog struct {
	lines  *lines
	origin string
}

// logLine is host ident user [time] "request" status size, perhaps "referer" "agent", and what else
// is written behind. Quotes within are escaped by a backslash.
var logLine = regexp.MustCompile(`^(\S+) \S+ .+? \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) \S+(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?`)

const logTime = "02/Jan/2006:15:04:05 -0700"

func (a *accessLog) Next() (*assay.Trial, error) {
	for {
		line, err := a.lines.next()
		if err != nil {
			return nil, err
		}
		m := logLine.FindSubmatch(line)
		if m == nil {
			return nil, a.lines.flaw("this is no line of an access log", `the formats known are Apache's "common" and "combined", which nginx writes as well`)
		}
		at, err := time.Parse(logTime, string(m[2]))
		if err != nil {
			return nil, a.lines.flaw("the time cannot be read: "+string(m[2]), "it should look like 10/Oct/2000:13:55:36 -0700")
		}
		if r := a.request(unquoted(m[3])); r != nil {
			note(r, "Referer", unquoted(m[5]))
			note(r, "User-Agent", unquoted(m[6]))
			return &assay.Trial{Time: at, Invocation: assay.Invocation{Received: at, Request: r}}, nil
		}
	}
}

// request reads "GET /path?query HTTP/1.1"; nil for what was no request: "-", or a scanner's noise.
func (a *accessLog) request(line string) *assay.Request {
	parts := strings.Fields(line)
	if len(parts) != 3 || !strings.HasPrefix(parts[2], "HTTP/") {
		return nil
	}
	target := parts[1]
	if strings.HasPrefix(target, "/") {
		target = a.origin + target
	}
	u, err := url.Parse(target)
	if err != nil || u.EscapedPath() == "" {
		return nil
	}
	return &assay.Request{
		Method: parts[0], Scheme: u.Scheme, Host: u.Host, Path: u.EscapedPath(), Query: u.RawQuery, Proto: parts[2],
		Header: assay.Header{},
	}
}

func note(r *assay.Request, name, value string) {
	if value != "" && value != "-" {
		r.Header.Set(name, value)
	}
}

// unquoted undoes the escapes that Apache and nginx write: \" \\ and \xHH.
func unquoted(b []byte) string {
	if s, err := strconv.Unquote(`"` + string(b) + `"`); err == nil {
		return s
	}
	return string(b)
}
