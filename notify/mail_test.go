package notify

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/certificates/testca"
)

// post office that remembers what it was given.
type office struct {
	mu     sync.Mutex
	to     []string
	letter string
	secure bool
	user   string
}

func (o *office) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, secure := c.TLSConnectionState()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secure = secure
	return &session{o}, nil
}

type session struct{ *office }

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "hush" {
			return errors.New("wrong password")
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.letter = string(text)
	return err
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// open serves, with a certificate of ca for localhost, until the test ends.
func (o *office) open(t *testing.T, config *tls.Config) (port string) {
	server := smtp.NewServer(o)
	server.Domain, server.TLSConfig = "localhost", config
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { server.Close(); serving.Wait() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

func TestMailIsSentOverTLSOnly(t *testing.T) {
	ca := testca.New(t)
	files := ca.Issue("mail", "localhost")
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	var o office
	channel := assay.Channel{
		Kind: assay.ChannelEmail, Server: "localhost:" + o.open(t, &tls.Config{Certificates: []tls.Certificate{pair}}),
		From: "assay@example.com", To: []string{"a@example.com", "b@example.com"}, User: "assay", Secret: "env:PASSWORD", CA: ca.File,
	}
	vars := env(map[string]string{"PASSWORD": "hush"})
	if err := Send(t.Context(), channel, refuted(), vars, noon); err != nil {
		t.Fatal(err)
	}
	if !o.secure || o.user != "assay" || strings.Join(o.to, " ") != "a@example.com b@example.com" {
		t.Errorf("secure %v, user %q, to %v", o.secure, o.user, o.to)
	}
	for _, want := range []string{"Subject: Assay: new is refuted in orders", "From: <assay@example.com>", "X-Assay-Event: verdict/orders/new/1:refuted", "http://127.0.0.1:8090/experiments/orders"} {
		if !strings.Contains(o.letter, want) {
			t.Errorf("the letter lacks %q:\n%s", want, o.letter)
		}
	}
	err = Send(t.Context(), channel, refuted(), env(map[string]string{"PASSWORD": "wrong-hush"}), noon)
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a wrong password: %v", err)
	}
	channel.CA = ""
	if err := Send(t.Context(), channel, refuted(), vars, noon); err == nil {
		t.Error("a server that nobody vouches for was trusted")
	}
	var plain office // offers no STARTTLS
	channel.Server = "localhost:" + plain.open(t, nil)
	if err := Send(t.Context(), channel, refuted(), vars, noon); err == nil || plain.letter != "" {
		t.Errorf("it went in plain text: %v", err)
	}
	channel.TLS, channel.User = "none", ""
	if err := Send(t.Context(), channel, refuted(), vars, noon); err != nil || plain.letter == "" {
		t.Errorf("plain text was asked for: %v", err)
	}
}
