package config

import (
	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
)

// channel reads a way to tell people of events: what it tells of, and one of the ways.
func (r *reader) channel(n *yaml.Node) assay.Channel {
	var c assay.Channel
	secret := func(n *yaml.Node) { c.Secret = assay.Secret(r.text(n)) }
	way := func(kind assay.ChannelKind, known fields) func(*yaml.Node) {
		return func(n *yaml.Node) {
			if c.Kind != "" {
				r.fail(n, "write another item of the list for it", "a channel is %s and %s at once", c.Kind, kind)
			}
			c.Kind = kind
			r.fields(n, string(kind), known)
		}
	}
	r.fields(n, "a channel", fields{
		"on": func(n *yaml.Node) {
			for _, o := range r.texts(n, "on") {
				c.On = append(c.On, assay.Occasion(o))
			}
		},
		"webhook": way(assay.ChannelWebhook, fields{
			"url": func(n *yaml.Node) { c.URL = r.text(n) }, "secret": secret,
		}),
		"slack": way(assay.ChannelSlack, fields{"url": func(n *yaml.Node) { c.Hook = assay.Secret(r.text(n)) }}),
		"github": way(assay.ChannelGitHub, fields{
			"repository": func(n *yaml.Node) { c.Repository = r.text(n) },
			"commit":     func(n *yaml.Node) { c.Commit = r.text(n) },
			"token":      secret,
			"as":         func(n *yaml.Node) { c.As = r.text(n) },
			"file":       func(n *yaml.Node) { c.File = r.text(n) },
			"api":        func(n *yaml.Node) { c.URL = r.text(n) },
		}),
		"email": way(assay.ChannelEmail, fields{
			"server":   func(n *yaml.Node) { c.Server = r.text(n) },
			"from":     func(n *yaml.Node) { c.From = r.text(n) },
			"to":       func(n *yaml.Node) { c.To = r.texts(n, "to") },
			"user":     func(n *yaml.Node) { c.User = r.text(n) },
			"password": secret,
			"tls":      func(n *yaml.Node) { c.TLS = r.text(n) },
			"ca":       func(n *yaml.Node) { c.CA = resolve(r.o.Dir, r.text(n)) },
		}),
	})
	for _, f := range check.Channel(&c) {
		r.fail(n, f.Hint, "%s", f.What)
	}
	return c
}

type channelFile struct {
	On      []assay.Occasion `yaml:"on,flow,omitempty"`
	Webhook *webhookFile     `yaml:"webhook,omitempty"`
	Slack   *slackFile       `yaml:"slack,omitempty"`
	GitHub  *gitHubFile      `yaml:"github,omitempty"`
	Email   *emailFile       `yaml:"email,omitempty"`
}

type webhookFile struct {
	URL    string       `yaml:"url"`
	Secret assay.Secret `yaml:"secret,omitempty"`
}

type slackFile struct {
	URL assay.Secret `yaml:"url"`
}

type gitHubFile struct {
	Repository string       `yaml:"repository"`
	Commit     string       `yaml:"commit"`
	Token      assay.Secret `yaml:"token"`
	As         string       `yaml:"as,omitempty"`
	File       string       `yaml:"file,omitempty"`
	API        string       `yaml:"api,omitempty"`
}

type emailFile struct {
	Server   string       `yaml:"server"`
	From     string       `yaml:"from"`
	To       []string     `yaml:"to,flow"`
	User     string       `yaml:"user,omitempty"`
	Password assay.Secret `yaml:"password,omitempty"`
	TLS      string       `yaml:"tls,omitempty"`
	CA       string       `yaml:"ca,omitempty"`
}

func channelBody(c assay.Channel) channelFile {
	f := channelFile{On: c.On}
	switch c.Kind {
	case assay.ChannelWebhook:
		f.Webhook = &webhookFile{c.URL, c.Secret}
	case assay.ChannelSlack:
		f.Slack = &slackFile{c.Hook}
	case assay.ChannelGitHub:
		f.GitHub = &gitHubFile{c.Repository, c.Commit, c.Secret, c.As, c.File, c.URL}
	case assay.ChannelEmail:
		f.Email = &emailFile{c.Server, c.From, c.To, c.User, c.Secret, c.TLS, c.CA}
	}
	return f
}
