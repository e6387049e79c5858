package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/wneessen/go-mail"

	"github.com/assaylab/assay"
)

// sendMail sends an e-mail by SMTP, over TLS unless the channel says otherwise.
func sendMail(ctx context.Context, c assay.Channel, e *Event, password string) error {
	m := mail.NewMsg()
	if err := m.From(c.From); err != nil {
		return err
	}
	if err := m.To(c.To...); err != nil {
		return err
	}
	m.Subject("Assay: " + e.Title)
	m.SetDateWithValue(e.Time)
	m.SetGenHeader("X-Assay-Event", e.ID)
	text := e.Text
	if e.Link != "" {
		text += "\n\n" + e.Link
	}
	m.SetBodyString(mail.TypeTextPlain, text+"\n")
	sender, err := mailer(c, password)
	if err != nil {
		return err
	}
	return sender.DialAndSendWithContext(ctx, m)
}

func mailer(c assay.Channel, password string) (*mail.Client, error) {
	host, portText, err := net.SplitHostPort(c.Server)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("the port %q of the server is no number", portText)
	}
	config, err := authorities(c.CA, host)
	if err != nil {
		return nil, err
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(sendWithin), mail.WithTLSConfig(config)}
	switch c.TLS {
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	case "implicit":
		options = append(options, mail.WithSSL())
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if c.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthPlain), mail.WithUsername(c.User), mail.WithPassword(password))
	}
	return mail.NewClient(host, options...)
}

// authorities is how a server is known: by the machine's authorities, or by those in a file.
func authorities(file, host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if file == "" {
		return config, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate", file)
	}
	return config, nil
}
