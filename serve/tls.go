package serve

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/assaylab/assay/certificates"
	"github.com/assaylab/assay/process"
)

// tlsOptions are the files that `assay up` speaks TLS with, each as FILE for all addresses, or ADDRESS=FILE.
type tlsOptions struct {
	cert, key, clientCA []string
}

func (o *tlsOptions) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.cert, "tls-cert", nil, "certificate in PEM: FILE for all addresses, or gateway=FILE, aws=FILE, console=FILE for one; may be repeated")
	f.StringArrayVar(&o.key, "tls-key", nil, "its key, named alike")
	f.StringArrayVar(&o.clientCA, "tls-client-ca", nil, "authorities whose certificates clients must show, named alike")
}

var addressNames = []string{"gateway", "aws", "console"}

// of returns the files of one address.
func (o *tlsOptions) of(p *process.Process, name string) (certificates.Files, error) {
	var f certificates.Files
	for _, flag := range []struct {
		name   string
		values []string
		into   *string
	}{{"--tls-cert", o.cert, &f.Cert}, {"--tls-key", o.key, &f.Key}, {"--tls-client-ca", o.clientCA, &f.CA}} {
		for _, v := range flag.values {
			address, path, one := strings.Cut(v, "=")
			if !one {
				address, path = name, v
			}
			if !slices.Contains(addressNames, address) || path == "" {
				return f, process.Invalid(fmt.Sprintf("%s %s names no file of an address", flag.name, v), "write FILE, or one of "+strings.Join(addressNames, ", ")+" before =FILE")
			}
			if address == name && (one || *flag.into == "") {
				*flag.into = p.Absolute(path)
			}
		}
	}
	if (f.Cert == "") != (f.Key == "") || f.CA != "" && f.Cert == "" {
		return f, process.Invalid("TLS at the "+name+" address takes a certificate and its key", "give both --tls-cert and --tls-key")
	}
	return f, nil
}

// secure lets a server speak TLS, if its address has a certificate.
func (o *tlsOptions) secure(p *process.Process, s *server) error {
	files, err := o.of(p, s.name)
	if err != nil || files.Cert == "" {
		return err
	}
	config, err := certificates.Server(files)
	if err != nil {
		return err
	}
	s.scheme, s.listener = "https", tls.NewListener(s.listener, config)
	return nil
}
