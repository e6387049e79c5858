package check

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"github.com/assaylab/assay"
)

// Channel lists what keeps the channel from being used.
func Channel(c *assay.Channel) []assay.Flaw {
	var all []assay.Flaw
	add := func(hint, format string, args ...any) {
		all = append(all, assay.Flaw{What: fmt.Sprintf(format, args...), Hint: hint})
	}
	for _, o := range c.On {
		if !slices.Contains(assay.Occasions, o) {
			add("there are verdict, drops, kill_switch, masking and rollback", "%q is nothing to tell of", o)
		}
	}
	for _, s := range []assay.Secret{c.Hook, c.Secret} {
		if !isPlaced(s) {
			add("write env:NAME or file:PATH", "a secret stands in the definition itself")
		}
	}
	switch c.Kind {
	case assay.ChannelWebhook:
		if !absoluteURL(c.URL) {
			add(`write url: "https://..."`, "a webhook has no URL that can be called")
		}
	case assay.ChannelSlack:
		if c.Hook == "" {
			add("write url: env:NAME", "slack has no URL")
		}
	case assay.ChannelGitHub:
		checkGitHub(c, add)
	case assay.ChannelEmail:
		checkEmail(c, add)
	default:
		add("write webhook, slack, github or email", "a channel says not how to tell")
	}
	return all
}

func checkGitHub(c *assay.Channel, add func(hint, format string, args ...any)) {
	owner, name, _ := strings.Cut(c.Repository, "/")
	if owner == "" || name == "" || strings.Contains(name, "/") {
		add("write repository: owner/name", "%q is no repository of GitHub", c.Repository)
	}
	if c.Commit == "" {
		add("write commit: env:GITHUB_SHA, or a hash", "github has no commit")
	}
	if c.Secret == "" {
		add("write token: env:GITHUB_TOKEN", "github has no token")
	}
	if c.As != "" && c.As != "status" && c.As != "check" {
		add("leave it out for a commit status, or write check", "github as %q is unknown", c.As)
	}
	if c.File != "" && c.As != "check" {
		add("write as: check", "a commit status has no file to annotate")
	}
	if c.URL != "" && !absoluteURL(c.URL) {
		add(`write api: "https://..."`, "%q is no URL", c.URL)
	}
}

func checkEmail(c *assay.Channel, add func(hint, format string, args ...any)) {
	if len(c.To) == 0 {
		add("write to: [name@example.com]", "an e-mail has no receiver")
	}
	for _, address := range append([]string{c.From}, c.To...) {
		if _, err := mail.ParseAddress(address); err != nil {
			add("write from: name@example.com", "%q is no e-mail address", address)
		}
	}
	if host, port, ok := strings.Cut(c.Server, ":"); !ok || host == "" || port == "" {
		add("write server: smtp.example.com:587", "%q is no server of e-mail", c.Server)
	}
	if c.TLS != "" && c.TLS != "implicit" && c.TLS != "none" {
		add("leave it out for STARTTLS, or write implicit or none", "tls %q is unknown", c.TLS)
	}
	if c.TLS == "none" && c.Secret != "" {
		add("leave tls out", "a password would be sent for all to read")
	}
}

func absoluteURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// isPlaced tells whether a secret says where it is.
func isPlaced(s assay.Secret) bool {
	from, name, _ := strings.Cut(string(s), ":")
	return s == "" || (from == "env" || from == "file") && name != ""
}
