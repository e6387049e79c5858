package cli

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/assaylab/assay/certificates"
	"github.com/assaylab/assay/certificates/testca"
	"github.com/assaylab/assay/process"
)

// serveTLS answers those who show a certificate of the authority.
func serveTLS(t *testing.T, files certificates.Files, text string) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s for %s", text, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	config, err := certificates.Server(files)
	if err != nil {
		t.Fatal(err)
	}
	s.TLS, s.Config.ErrorLog = config, log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func clientOf(t *testing.T, files certificates.Files) *http.Client {
	t.Helper()
	config, err := certificates.Client(files, "")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestTLS: a laboratory speaks TLS at its addresses, to clients with a certificate where that is asked, and to
// arms whose certificates are of an authority of their own.
func TestTLS(t *testing.T) {
	ca, other, dir := testca.New(t), testca.New(t), t.TempDir()
	own, person, service := ca.Issue("assay", "127.0.0.1"), ca.Issue("person"), ca.Issue("service", "orders.internal")
	control := serveTLS(t, service, "an answer")
	file := write(t, dir+"/assay.yaml", fmt.Sprintf(`
experiments:
  e:
    path: e
    control: &arm
      url: %q
      tls: {ca: %s, cert: %s, key: %s, name: orders.internal}
    candidates:
      same: *arm
      mistrusted: {url: %[1]q, tls: {ca: %[5]s, cert: %[3]s, key: %[4]s, name: orders.internal}}
      misnamed: {url: %[1]q, tls: {ca: %[2]s, cert: %[3]s, key: %[4]s}}
`, control, ca.File, own.Cert, own.Key, other.File))
	l := startLab(t, dir+"/data", "-f", file, "--tls-cert", own.Cert, "--tls-key", own.Key, "--tls-client-ca", "console="+ca.File, "--tls-client-ca", "aws="+ca.File)
	gateway, console, aws := strings.Replace(l.gateway, "http:", "https:", 1), "https://"+l.console, strings.Replace(l.aws, "http:", "https:", 1)

	anyone, known := clientOf(t, certificates.Files{CA: ca.File}), clientOf(t, person)
	for range 20 {
		resp, err := anyone.Get(gateway + "/e")
		if err != nil || resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
			t.Fatalf("the gateway over TLS: %v %+v", err, resp)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // closed before its end it is a client that leaves
		resp.Body.Close()
	}
	for _, url := range []string{console + "/api/v1/version", aws + "/2015-03-31/functions/"} {
		if resp, err := known.Get(url); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s with a certificate: %v %+v", url, err, resp)
		}
		if resp, err := anyone.Get(url); err == nil {
			t.Errorf("%s answers somebody without a certificate: %s", url, resp.Status)
		}
	}
	if resp, err := http.Get(l.gateway + "/e"); err == nil && resp.StatusCode == http.StatusOK {
		t.Error("the gateway answers without TLS")
	}

	l.console = console
	t.Setenv("ASSAY_CONSOLE_CA", ca.File)
	t.Setenv("ASSAY_CONSOLE_CERT", person.Cert)
	t.Setenv("ASSAY_CONSOLE_KEY", person.Key)
	e := l.done(t, "e") // candidates that nobody believes may be left out of some trials
	if same := arm(&e, "same"); same.Matches != 20 {
		t.Errorf("the candidate with the authority matches %d of %d; dropped %v", same.Matches, e.Trials, e.Dropped)
	}
	for _, name := range []string{"mistrusted", "misnamed"} {
		if a := arm(&e, name); len(a.Faults) != 1 || a.Matches > 0 {
			t.Errorf("the candidate %s is believed: %+v", name, a)
		}
	}
	t.Setenv("ASSAY_CONSOLE_CA", other.File)
	if _, errs, code := l.assay("get"); code != process.Unreachable {
		t.Errorf("a console of another authority: exit %d %s", code, errs)
	}
}

// TestTLSFlags: files that do not serve are told before anything listens.
func TestTLSFlags(t *testing.T) {
	t.Parallel()
	ca := testca.New(t)
	own := ca.Issue("assay", "127.0.0.1")
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no key":      {[]string{"--tls-cert", own.Cert}, "a certificate and its key"},
		"no such":     {[]string{"--tls-cert", "nowhere.pem", "--tls-key", "nowhere.pem"}, "nowhere.pem"},
		"no address":  {[]string{"--tls-cert", "door=" + own.Cert}, "names no file of an address"},
		"authorities": {[]string{"--tls-client-ca", ca.File}, "a certificate and its key"},
	} {
		t.Run(name, func(t *testing.T) {
			l := launch(t, t.TempDir(), c.args...)
			<-l.ended
			if code := l.cmd.ProcessState.ExitCode(); code != process.Usage || !strings.Contains(l.logged(), c.says) {
				t.Errorf("exit %d: %s", code, l.logged())
			}
		})
	}
}
