// Package certificates makes TLS configurations of files. In come the names of files in PEM; out goes what a
// server or a client needs. A certificate that is renewed in its files is used from then on.
package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

// Files are the files of one side, in PEM. Those that are not needed are "".
type Files struct {
	Cert, Key string // its own certificate, with what leads to an authority, and the certificate's key
	CA        string // the authorities whose certificates it accepts from the other side
}

// Server returns the configuration of a server. With CA it talks to clients alone that show a certificate of
// those authorities.
func Server(f Files) (*tls.Config, error) {
	own, err := newPair(f)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.now(), nil },
	}
	if f.CA != "" {
		c.ClientAuth = tls.RequireAndVerifyClientCert
		c.ClientCAs, err = authorities(f.CA)
	}
	return c, err
}

// Client returns the configuration of a client. Without CA it trusts the system's authorities. The server's
// certificate is to be for name; for its host, if name is "".
func Client(f Files, name string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name}
	var err error
	if f.CA != "" {
		if c.RootCAs, err = authorities(f.CA); err != nil {
			return nil, err
		}
	}
	if f.Cert != "" || f.Key != "" {
		own, err := newPair(f)
		if err != nil {
			return nil, err
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own.now(), nil }
	}
	return c, nil
}

func authorities(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, invalid("the authorities cannot be read", path, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, invalid("there is no authority's certificate in this file", path, nil)
	}
	return pool, nil
}

func invalid(what, where string, err error) error {
	return &assay.Error{Code: assay.CodeInvalid, What: what, Where: where, Hint: "name files in PEM: BEGIN CERTIFICATE, BEGIN PRIVATE KEY", Err: err}
}

// lookEvery is how soon a renewed certificate is noticed.
const lookEvery = time.Second

// pair is a certificate with its key, read again when its files change.
type pair struct {
	files Files

	mu     sync.Mutex
	cert   *tls.Certificate
	stamp  [2]time.Time // of the files that cert was read from
	looked time.Time
}

func newPair(f Files) (*pair, error) {
	p := &pair{files: f, looked: time.Now(), stamp: stamps(f)}
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, invalid("the certificate and its key cannot be used: "+err.Error(), f.Cert+" "+f.Key, err)
	}
	p.cert = &cert
	return p, nil
}

func stamps(f Files) (at [2]time.Time) {
	for i, path := range []string{f.Cert, f.Key} {
		if info, err := os.Stat(path); err == nil {
			at[i] = info.ModTime()
		}
	}
	return at
}

// now returns the certificate to use. While its files do not fit each other, as in the middle of a renewal, it is
// the last one that did.
func (p *pair) now() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.looked) < lookEvery {
		return p.cert
	}
	p.looked = time.Now()
	if at := stamps(p.files); at != p.stamp {
		if cert, err := tls.LoadX509KeyPair(p.files.Cert, p.files.Key); err == nil {
			p.cert, p.stamp = &cert, at
		}
	}
	return p.cert
}
