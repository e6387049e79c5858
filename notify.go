package assay

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
)

// Occasion is a kind of event that people can be told of.
type Occasion string

// The occasions.
const (
	OnVerdict    Occasion = "verdict"     // a candidate holds or is refuted, and was not before
	OnDrops      Occasion = "drops"       // many sampled requests do not become trials
	OnKillSwitch Occasion = "kill_switch" // an experiment has paused itself
	OnMasking    Occasion = "masking"     // a rule hides more in a candidate than noise
	OnRollback   Occasion = "rollback"    // a rollout was given back
)

// Occasions are all of them.
var Occasions = []Occasion{OnVerdict, OnDrops, OnKillSwitch, OnMasking, OnRollback}

// ChannelKind is how a channel tells people.
type ChannelKind string

// The kinds of channels.
const (
	ChannelWebhook ChannelKind = "webhook"
	ChannelSlack   ChannelKind = "slack"
	ChannelGitHub  ChannelKind = "github"
	ChannelEmail   ChannelKind = "email"
)

// Secret names where a secret is: "env:NAME" or "file:PATH". The secret itself is read when it is used, and never
// kept.
type Secret string

// names tells whether the secret says where it is.
func (s Secret) names() bool {
	from, name, _ := strings.Cut(string(s), ":")
	return s == "" || (from == "env" || from == "file") && name != ""
}

// Channel is a way to tell people of events.
type Channel struct {
	Kind ChannelKind `json:"kind"`
	On   []Occasion  `json:"on,omitempty"` // empty: all

	URL    string `json:"url,omitempty"`    // of a webhook; or of GitHub's API, if it is not GitHub's own
	Hook   Secret `json:"hook,omitempty"`   // of Slack: the URL, which is a secret
	Secret Secret `json:"secret,omitempty"` // a webhook's key, GitHub's token, the SMTP user's password

	Repository string `json:"repository,omitempty"` // of GitHub, "owner/name"
	Commit     string `json:"commit,omitempty"`     // its hash, or "env:NAME"
	As         string `json:"as,omitempty"`         // "" or "status": a commit status; "check": a check run
	File       string `json:"file,omitempty"`       // of a check run: the file of the repository to annotate; "" for none

	Server string   `json:"server,omitempty"` // of SMTP, "host:port"
	From   string   `json:"from,omitempty"`
	To     []string `json:"to,omitempty"`
	User   string   `json:"user,omitempty"`
	TLS    string   `json:"tls,omitempty"` // "" STARTTLS is asked for, "implicit" from the first byte, "none" never
	CA     string   `json:"ca,omitempty"`  // file of the authorities that vouch for the server, instead of the machine's
}

// Wants tells whether the channel tells of an occasion.
func (c *Channel) Wants(o Occasion) bool { return len(c.On) == 0 || slices.Contains(c.On, o) }

// Flaws is what keeps the channel from being used.
func (c *Channel) Flaws() []Flaw {
	var all []Flaw
	add := func(hint, format string, args ...any) {
		all = append(all, Flaw{What: fmt.Sprintf(format, args...), Hint: hint})
	}
	for _, o := range c.On {
		if !slices.Contains(Occasions, o) {
			add("there are verdict, drops, kill_switch, masking and rollback", "%q is nothing to tell of", o)
		}
	}
	for _, s := range []Secret{c.Hook, c.Secret} {
		if !s.names() {
			add("write env:NAME or file:PATH", "a secret stands in the definition itself")
		}
	}
	switch c.Kind {
	case ChannelWebhook:
		if !absoluteURL(c.URL) {
			add(`write url: "https://..."`, "a webhook has no URL that can be called")
		}
	case ChannelSlack:
		if c.Hook == "" {
			add("write url: env:NAME", "slack has no URL")
		}
	case ChannelGitHub:
		c.gitHubFlaws(add)
	case ChannelEmail:
		c.emailFlaws(add)
	default:
		add("write webhook, slack, github or email", "a channel says not how to tell")
	}
	return all
}

func (c *Channel) gitHubFlaws(add func(hint, format string, args ...any)) {
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

func (c *Channel) emailFlaws(add func(hint, format string, args ...any)) {
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
