package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

// errHopeless marks what another attempt would not change.
var errHopeless = errors.New("another attempt would not help")

// client follows no redirects: what is sent is meant for whoever was named, and signed for them.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// sendWebhook posts an event as https://www.standardwebhooks.com says: the signature is HMAC-SHA256 over
// "id.timestamp.body".
func sendWebhook(ctx context.Context, to, secret string, e *Event, now time.Time) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	h := http.Header{"Webhook-Id": {e.ID}, "Webhook-Timestamp": {stamp}}
	if secret != "" {
		h.Set("Webhook-Signature", Sign(secret, e.ID, stamp, body))
	}
	return post(ctx, to, h, body)
}

// Sign returns the signature of a webhook's body. A secret "whsec_..." is the key in base64; any other is the key.
func Sign(secret, id, timestamp string, body []byte) string {
	key := []byte(secret)
	if text, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			key = decoded
		}
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// sendSlack posts to an incoming webhook of Slack, or of what understands the same.
func sendSlack(ctx context.Context, c assay.Channel, e *Event, env func(string) (string, bool)) error {
	to, err := read(c.Hook, env)
	if err != nil {
		return err
	}
	text := "*" + escape(e.Title) + "*\n" + escape(e.Text)
	if e.Link != "" {
		text += "\n<" + e.Link + "|" + escape(e.Experiment) + ">"
	}
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return err
	}
	return post(ctx, to, http.Header{}, body)
}

// escape writes text as Slack wants it.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// post sends JSON. Errors do not name the address, which may be a secret.
func post(ctx context.Context, to string, h http.Header, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the address is no URL: %w", errHopeless)
	}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Assay")
	r.Header = h
	res, err := client.Do(r)
	if named := (*url.Error)(nil); errors.As(err, &named) {
		err = named.Err
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
	switch code := res.StatusCode; {
	case code < 300:
		return nil
	case code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= 500:
		return fmt.Errorf("the answer was %s", res.Status)
	default:
		return fmt.Errorf("the answer was %s: %w", res.Status, errHopeless)
	}
}
