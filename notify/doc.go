// Package notify tells people what happened. In come reports of experiments, again and again; out go events, each
// once to every channel that wants it: webhooks, Slack, GitHub's commit statuses, e-mail.
package notify
