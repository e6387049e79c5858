package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaylab/assay"
)

func TestChannels(t *testing.T) {
	const text = `
notify:
  - on: [verdict, rollback]
    slack: {url: "env:SLACK"}
  - webhook: {url: "https://ops.example.com/assay", secret: "file:/etc/key"}
  - github: {repository: acme/shop, commit: "env:GITHUB_SHA", token: "env:GITHUB_TOKEN"}
  - github: {repository: acme/shop, commit: "env:GITHUB_SHA", token: "env:GITHUB_TOKEN", as: check, file: lab/assay.yaml}
  - email: {server: "mail.example.com:587", from: a@example.com, to: b@example.com, user: a, password: "env:P", tls: implicit, ca: /ca.pem}
`
	doc, err := Parse("f.yaml", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []assay.Channel{
		{Kind: assay.ChannelSlack, On: []assay.Occasion{assay.OnVerdict, assay.OnRollback}, Hook: "env:SLACK"},
		{Kind: assay.ChannelWebhook, URL: "https://ops.example.com/assay", Secret: "file:/etc/key"},
		{Kind: assay.ChannelGitHub, Repository: "acme/shop", Commit: "env:GITHUB_SHA", Secret: "env:GITHUB_TOKEN"},
		{Kind: assay.ChannelGitHub, Repository: "acme/shop", Commit: "env:GITHUB_SHA", Secret: "env:GITHUB_TOKEN", As: "check", File: "lab/assay.yaml"},
		{Kind: assay.ChannelEmail, Server: "mail.example.com:587", From: "a@example.com", To: []string{"b@example.com"}, User: "a", Secret: "env:P", TLS: "implicit", CA: "/ca.pem"},
	}
	if diff := cmp.Diff(want, doc.Notify); diff != "" {
		t.Fatal(diff)
	}
	rendered, err := Render(doc)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("again.yaml", rendered, Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, rendered)
	}
	if diff := cmp.Diff(want, again.Notify); diff != "" {
		t.Errorf("%s\n%s", diff, rendered)
	}
}

func TestChannelsAreRefused(t *testing.T) {
	for body, want := range map[string]string{
		`slack: {url: "https://hooks.slack.com/hush"}`:                                  "a secret stands in the definition",
		`webhook: {url: ops}`:                                                           "no URL that can be called",
		`{slack: {url: env:A}, webhook: {url: "http://a"}}`:                             "at once",
		`{on: [verdicts], slack: {url: env:A}}`:                                         `"verdicts" is nothing to tell of`,
		`on: [verdict]`:                                                                 "says not how to tell",
		`github: {repository: shop, commit: a, token: env:T}`:                           "no repository",
		`github: {repository: a/b, commit: a, token: env:T, as: checks}`:                `github as "checks" is unknown`,
		`github: {repository: a/b, commit: a, token: env:T, file: a.yaml}`:              "no file to annotate",
		`email: {server: mail, from: a@b.c, to: a@b.c}`:                                 "no server of e-mail",
		`email: {server: "m:25", from: a, to: a@b.c}`:                                   "no e-mail address",
		`email: {server: "m:25", from: a@b.c, to: a@b.c, tls: none, password: "env:P"}`: "for all to read",
		`hook: {url: "http://a"}`:                                                       `no key "hook"`,
	} {
		_, err := Parse("f.yaml", []byte("notify:\n  - "+body+"\n"), Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", body, err)
		}
	}
}
