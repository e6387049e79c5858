package certificates_test

import (
	"crypto/tls"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/certificates"
	"github.com/assaylab/assay/certificates/testca"
)

// shake lets both sides shake hands, and returns the serial number of the server's certificate.
func shake(server, client *tls.Config) (serial int64, err error) {
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		return 0, err
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = conn.Write([]byte{1})
			conn.Close()
		}
		served <- err
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		_, err = c.Read(make([]byte, 1)) // in TLS 1.3 the client learns only now whether it was believed
		serial = c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
		c.Close()
	}
	return serial, errors.Join(err, <-served)
}

func must(t *testing.T) func(*tls.Config, error) *tls.Config {
	return func(c *tls.Config, err error) *tls.Config {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func TestWhoIsBelieved(t *testing.T) {
	own, other := testca.New(t), testca.New(t)
	service, person := own.Issue("service", "orders.internal", "127.0.0.1"), own.Issue("person")
	stranger := other.Issue("stranger")
	mutual := must(t)(certificates.Server(service))
	open := must(t)(certificates.Server(certificates.Files{Cert: service.Cert, Key: service.Key}))
	for _, c := range []struct {
		name    string
		server  *tls.Config
		files   certificates.Files
		service string
		fails   string
	}{
		{"own authority", open, certificates.Files{CA: own.File}, "orders.internal", ""},
		{"another authority", open, certificates.Files{CA: other.File}, "orders.internal", "unknown authority"},
		{"the system's authorities", open, certificates.Files{}, "orders.internal", "unknown authority"},
		{"another name", open, certificates.Files{CA: own.File}, "users.internal", "not users.internal"},
		{"with a certificate", mutual, person, "orders.internal", ""},
		{"without a certificate", mutual, certificates.Files{CA: own.File}, "orders.internal", "certificate"},
		{"with a stranger's", mutual, certificates.Files{CA: own.File, Cert: stranger.Cert, Key: stranger.Key}, "orders.internal", "certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := shake(c.server, must(t)(certificates.Client(c.files, c.service)))
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
		})
	}
}

// A certificate that is renewed is used within seconds; half a renewal changes nothing.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := testca.New(t)
		files := ca.Issue("service", "localhost")
		server := must(t)(certificates.Server(certificates.Files{Cert: files.Cert, Key: files.Key}))
		client := must(t)(certificates.Client(certificates.Files{CA: ca.File}, "localhost"))
		serial := func() int64 {
			time.Sleep(2 * time.Second)
			n, err := shake(server, client)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		first := serial()
		old, err := os.ReadFile(files.Key)
		if err != nil {
			t.Fatal(err)
		}
		ca.Issue("service", "localhost")
		renewed, err := os.ReadFile(files.Key)
		if err != nil {
			t.Fatal(err)
		}
		touch(t, files.Key, old, 1)
		if n := serial(); n != first {
			t.Errorf("half a renewal changes the certificate: %d, was %d", n, first)
		}
		touch(t, files.Key, renewed, 2)
		if n := serial(); n == first {
			t.Error("the renewed certificate is not used")
		}
	})
}

// touch writes a file as if hours had passed.
func touch(t *testing.T, path string, text []byte, hours int) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(time.Duration(hours) * time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatDoNotServe(t *testing.T) {
	ca := testca.New(t)
	one, two := ca.Issue("one"), ca.Issue("two")
	for name, f := range map[string]certificates.Files{
		"missing":         {Cert: "/nowhere", Key: "/nowhere"},
		"another's key":   {Cert: one.Cert, Key: two.Key},
		"no authority":    {Cert: one.Cert, Key: one.Key, CA: one.Key},
		"authority gone":  {Cert: one.Cert, Key: one.Key, CA: "/nowhere"},
		"key as the cert": {Cert: one.Key, Key: one.Key},
	} {
		_, err := certificates.Server(f)
		if e := new(assay.Error); !errors.As(err, &e) || e.Hint == "" || e.Where == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
