package assay

import "slices"

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
