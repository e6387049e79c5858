package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/certificates/testca"
	"github.com/assaylab/assay/stream/natstest"
)

// secret stands in everything that must be seen nowhere.
const secret = "s3cr3tmark"

// keyhole is a server that takes some and refuses others.
type keyhole struct {
	config  string                      // of the server
	taken   func(o *Options)            // what it wants
	refused map[string]func(o *Options) // what it does not, by what the hint has to name
	secrets []string                    // beside secret
}

// TestServersThatAskWhoIsThere: each way in which NATS knows its clients lets offers travel, refuses others with a hint,
// and shows no secret in what is logged and said.
func TestServersThatAskWhoIsThere(t *testing.T) {
	for name, make := range map[string]func(*testing.T) keyhole{
		"password": askForPassword, "token": askForToken, "nkey": askForNKey, "jwt": askForJWT, "certificate": askForCertificate,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := make(t)
			server := natstest.Start(t, k.config)
			log := new(quiet)
			travels(t, server.URL, func(o *Options) { o.Log = log.logger(); k.taken(o) })
			said := []string{log.String()}
			for hint, change := range k.refused {
				said = append(said, refuses(t, server.URL, hint, func(o *Options) { o.Log = log.logger(); change(o) }))
			}
			for _, text := range append(said, log.String()) {
				for _, s := range append(k.secrets, secret) {
					if strings.Contains(text, s) {
						t.Errorf("a secret is shown: %s", text)
					}
				}
			}
		})
	}
}

// travels lets an offer go from one to the other.
func travels(t *testing.T, url string, change func(*Options)) {
	t.Helper()
	gateway, worker := open(t, url, change), open(t, url, change)
	from, h := newSource("gateway"), newHand()
	defer work(t, worker, h, 1)()
	from.offer(gateway, "one")
	await(t, "the offer is kept", func() bool { return h.settled() == 1 })
}

// refuses returns what is said to who is not let in.
func refuses(t *testing.T, url, hint string, change func(*Options)) string {
	t.Helper()
	o := Options{URL: url, Key: key}
	change(&o)
	s, err := Open(o)
	if err == nil {
		defer s.Disconnect()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = s.Reached(ctx)
	}
	var said *assay.Error
	if !errors.As(err, &said) || !strings.Contains(said.Hint, hint) {
		t.Errorf("it is said %v, which does not hint at %s", err, hint)
		return ""
	}
	return fmt.Sprint(said.What, said.Where, said.Hint, err)
}

func as(user string) func(*Options) {
	return func(o *Options) { o.URL = strings.Replace(o.URL, "nats://", "nats://"+user+"@", 1) }
}

func askForPassword(*testing.T) keyhole {
	return keyhole{
		config: `authorization { user: assay, password: "` + secret + `-right" }`, taken: as("assay:" + secret + "-right"),
		refused: map[string]func(*Options){"password": as("assay:" + secret + "-wrong")},
	}
}

func askForToken(*testing.T) keyhole {
	return keyhole{
		config: `authorization { token: "` + secret + `-right" }`, taken: as(secret + "-right"),
		refused: map[string]func(*Options){"token": as(secret + "-wrong")},
	}
}

func askForNKey(t *testing.T) keyhole {
	right, wrong := user(t), user(t)
	return keyhole{
		config: "authorization { users: [ { nkey: " + right.public + " } ] }", taken: credentialsIn(file(t, right.seed)),
		refused: map[string]func(*Options){
			"--stream-creds": credentialsIn(file(t, wrong.seed)),
			"nk -gen user":   credentialsIn(file(t, secret)),
			"nsc":            credentialsIn(filepath.Join(t.TempDir(), "none")),
		},
		secrets: []string{right.seed, wrong.seed},
	}
}

// askForJWT has an operator, an account that may use JetStream, and users whose credentials the account signs.
func askForJWT(t *testing.T) keyhole {
	operator, account, system := pair(t, nkeys.CreateOperator), pair(t, nkeys.CreateAccount), pair(t, nkeys.CreateAccount)
	theOperator := jwt.NewOperatorClaims(operator.public)
	theOperator.SystemAccount = system.public
	theAccount := jwt.NewAccountClaims(account.public)
	theAccount.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
	right, wrong := user(t), user(t)
	return keyhole{
		config: fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload { %s: %s, %s: %s }\n", signed(t, theOperator, operator), system.public,
			account.public, signed(t, theAccount, operator), system.public, signed(t, jwt.NewAccountClaims(system.public), operator)),
		taken:   credentialsIn(decorated(t, right, account)),
		refused: map[string]func(*Options){"--stream-creds": credentialsIn(decorated(t, wrong, pair(t, nkeys.CreateAccount)))},
		secrets: []string{right.seed, wrong.seed},
	}
}

func askForCertificate(t *testing.T) keyhole {
	ca, other := testca.New(t), testca.New(t)
	server, own, stranger := ca.Issue("nats", "127.0.0.1"), ca.Issue("assay"), other.Issue("stranger")
	show := func(ca, cert, key string) func(*Options) {
		return func(o *Options) { o.CA, o.Cert, o.CertKey = ca, cert, key }
	}
	return keyhole{
		config: fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }", server.Cert, server.Key, ca.File),
		taken:  show(ca.File, own.Cert, own.Key),
		refused: map[string]func(*Options){
			"authority":                      show(other.File, own.Cert, own.Key),
			"if servers ask":                 show(ca.File, stranger.Cert, stranger.Key),
			"--stream-key if":                show(ca.File, "", ""),
			"both --stream-cert":             show(ca.File, own.Cert, ""),
			"name NATS servers with JetStre": show(ca.File, own.Cert, server.Key), // of another
		},
	}
}

// identity of NATS: an operator, an account or a user.
type identity struct {
	public, seed string
	pair         nkeys.KeyPair
}

func user(t *testing.T) identity { return pair(t, nkeys.CreateUser) }

func pair(t *testing.T, create func() (nkeys.KeyPair, error)) identity {
	t.Helper()
	k, err := create()
	if err != nil {
		t.Fatal(err)
	}
	public, err := k.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := k.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return identity{public, string(seed), k}
}

func signed(t *testing.T, claims jwt.Claims, by identity) string {
	t.Helper()
	text, err := claims.Encode(by.pair)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// decorated is a file as nsc makes it.
func decorated(t *testing.T, who, by identity) string {
	t.Helper()
	text, err := jwt.FormatUserConfig(signed(t, jwt.NewUserClaims(who.public), by), []byte(who.seed))
	if err != nil {
		t.Fatal(err)
	}
	return file(t, string(text))
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func credentialsIn(file string) func(*Options) { return func(o *Options) { o.Credentials = file } }

// quiet remembers what is logged.
type quiet struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (q *quiet) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.text.Write(p)
}

func (q *quiet) String() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.text.String()
}

func (q *quiet) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(q, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
