package awsapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// linkLife is how long a link to code works, as on AWS.
const linkLife = 10 * time.Minute

const linkStamp = "20060102T150405Z"

// link is a URL from which the code of a function's or layer's version can be had for ten minutes without
// credentials, like AWS's pre-signed ones.
func (c *call) link(kind, name, version string) string {
	name = name[strings.LastIndexByte(name, ':')+1:]
	at := c.opts.Now().UTC().Format(linkStamp)
	query := url.Values{"X-Amz-Date": {at}, "X-Amz-Expires": {strconv.Itoa(int(linkLife.Seconds()))}, "X-Amz-Signature": {c.sign(kind, name, version, at)}}
	u := url.URL{Scheme: scheme(c.r), Host: c.r.Host, Path: "/snapshots/" + kind + "/" + name + "/" + version, RawQuery: query.Encode()}
	return u.String()
}

func (a *API) sign(parts ...string) string {
	mac := hmac.New(sha256.New, a.secret[:])
	mac.Write([]byte(strings.Join(parts, "\n"))) // none has a line's end in it
	return hex.EncodeToString(mac.Sum(nil))
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// serveCode answers links. What is wrong with one is told as S3 does.
func (a *API) serveCode(w http.ResponseWriter, r *http.Request) {
	kind, name, version := r.PathValue("kind"), r.PathValue("name"), r.PathValue("version")
	date := r.URL.Query().Get("X-Amz-Date")
	at, err := time.Parse(linkStamp, date)
	switch {
	case err != nil || !hmac.Equal([]byte(r.URL.Query().Get("X-Amz-Signature")), []byte(a.sign(kind, name, version, date))):
		writeXML(w, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
		return
	case a.opts.Now().After(at.Add(linkLife)):
		writeXML(w, http.StatusForbidden, "AccessDenied", "Request has expired")
		return
	}
	path, err := a.zip(kind, name, version)
	if err != nil {
		writeXML(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	file, err := os.Open(path)
	if err != nil {
		writeXML(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, file)
}

func (a *API) zip(kind, name, version string) (string, error) {
	if kind == "layers" {
		n, err := strconv.ParseInt(version, 10, 64)
		if err != nil {
			return "", err
		}
		return a.opts.Plane.LayerZip(name, n)
	}
	return a.opts.Plane.Zip(name, version)
}

func writeXML(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}
