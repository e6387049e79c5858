package stream

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/assaylab/assay"
)

// redacted is an address without the users, passwords and tokens in it.
func redacted(address string) string {
	var all []string
	for part := range strings.SplitSeq(address, ",") {
		scheme, rest, found := strings.Cut(part, "://")
		if !found {
			scheme, rest = "", part
		} else {
			scheme += "://"
		}
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			rest = "…" + rest[at:]
		}
		all = append(all, scheme+rest)
	}
	return strings.Join(all, ",")
}

// identity is what the client shows servers, and knows them by. Files are read again at each connection, so that
// they can be renewed; here it is seen that they can be read at all.
func (o *Options) identity() (all []nats.Option, err error) {
	if o.Credentials != "" {
		credentials, err := credentials(o.Credentials)
		if err != nil {
			return nil, unreadable("the credentials for the stream cannot be used: "+err.Error(), o.Credentials, "name a file that `nsc` made, or one with the seed of a user's NKey, as `nk -gen user` makes it")
		}
		all = append(all, credentials)
	}
	if (o.Cert == "") != (o.CertKey == "") {
		return nil, unreadable("a certificate for the stream takes its key", cmp.Or(o.Cert, o.CertKey), "give both --stream-cert and --stream-key")
	}
	if o.CA != "" {
		all = append(all, nats.RootCAs(o.CA))
	}
	if o.Cert != "" {
		all = append(all, nats.ClientCert(o.Cert, o.CertKey))
	}
	return all, nil
}

func unreadable(what, where, hint string) error {
	return &assay.Error{Code: assay.CodeInvalid, What: what, Where: where, Hint: hint}
}

// credentials are those in a file. What is wrong with it is said without a word of what is in it.
func credentials(file string) (nats.Option, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	if bytes.Contains(text, []byte("BEGIN NATS USER JWT")) {
		return nats.UserCredentials(file), nil
	}
	seed, err := nats.NkeyOptionFromSeed(file)
	if err != nil {
		return nil, errors.New("it has neither a user's JWT nor a seed")
	}
	return seed, nil
}

// hint is what to do when no server takes us.
func hint(err error) string {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var from *net.OpError
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired):
		return "check the user, password or token in the address, or --stream-creds"
	case errors.As(err, &authority), errors.As(err, &name):
		return "name the authority of the servers' certificates with --stream-ca, and servers as their certificates do"
	case errors.As(err, &from) && from.Op == "remote error", errors.Is(err, nats.ErrTLS), errors.Is(err, nats.ErrSecureConnRequired), errors.Is(err, nats.ErrSecureConnWanted):
		return "check --stream-ca, and --stream-cert with --stream-key if servers ask for a certificate"
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return "start NATS with JetStream (nats-server -js), and let the account use it"
	}
	return "is a NATS server with JetStream running there?"
}

func (s *Stream) settings() []nats.Option {
	return []nats.Option{
		nats.Name("assay"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreDiscoveredServers(),
		nats.IgnoreAuthErrorAbort(), // what a server refuses today it may take tomorrow, with the same file renewed
		nats.Timeout(2 * time.Second), nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2),
		nats.ReconnectBufSize(-1), // what cannot be sent now fails now, and is tried again by us
		nats.CustomReconnectDelay(func(attempts int) time.Duration {
			return min(pauseMin<<min(attempts, 10), pauseMax)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				s.opt.Log.Warn("the stream went away: offers wait, as far as there is room", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { s.opt.Log.Info("the stream is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.opt.Log.Warn("the stream complains", "error", err)
		}),
	}
}
