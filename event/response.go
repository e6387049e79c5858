package event

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strconv"

	"github.com/assaylab/assay"
)

// Response is what an API answers its client.
type Response struct {
	Status int
	Header assay.Header
	Body   []byte
}

// Decode reads what a function returned. V2 and URL take any JSON: without a statusCode it is the body of
// a 200. V1 and ALB take proxy responses only. The error says what is malformed; the client is answered
// 500 (V2) or 502 (the others) then.
func Decode(f Format, payload []byte) (Response, error) {
	if !f.valid() {
		return Response{}, fmt.Errorf("%q is not a format of events", string(f))
	}
	if !json.Valid(payload) {
		return Response{}, errors.New("the function did not return JSON")
	}
	var members map[string]json.RawMessage // nil for null; not a struct, whose keys match in any case
	object := json.Unmarshal(payload, &members) == nil
	if _, ok := members["statusCode"]; object && ok {
		return structured(f, members)
	}
	if f == V1 || f == ALB {
		return Response{}, errors.New("the function returned no statusCode")
	}
	return inferred(payload), nil
}

// inferred is the response to a function that returned what it means by itself.
func inferred(payload []byte) Response {
	r := Response{Status: 200, Header: assay.Header{"Content-Type": {"application/json"}}, Body: bytes.TrimSpace(payload)}
	var text string
	if r.Body[0] == '"' && json.Unmarshal(r.Body, &text) == nil {
		r.Body = []byte(text)
	}
	return r
}

func structured(f Format, members map[string]json.RawMessage) (Response, error) {
	r := Response{Header: assay.Header{}}
	var err error
	if r.Status, err = status(members["statusCode"]); err != nil {
		return Response{}, err
	}
	if err := headers(r.Header, f, members); err != nil {
		return Response{}, err
	}
	if r.Body, err = content(members); err != nil {
		return Response{}, err
	}
	if f == URL && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// status takes a number, or as AWS does, a number in a string.
func status(raw json.RawMessage) (int, error) {
	code, err := strconv.Atoi(string(bytes.Trim(raw, `"`)))
	if err != nil || code < 200 || code > 599 {
		return 0, fmt.Errorf("the statusCode %s is none", clip(raw))
	}
	return code, nil
}

// headers adds what the response says of its header. Of a field in both headers and multiValueHeaders,
// the values of the latter count. Cookies are of V2 and URL, multiValueHeaders of V1 and ALB.
func headers(h assay.Header, f Format, members map[string]json.RawMessage) error {
	var single map[string]*scalar
	if err := member(members, "headers", &single); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(single)) {
		if value := single[name]; value != nil {
			h.Set(name, string(*value))
		}
	}
	if f == V1 || f == ALB {
		return multiValueHeaders(h, members)
	}
	var cookies []string
	if err := member(members, "cookies", &cookies); err != nil {
		return err
	}
	for _, c := range cookies {
		h.Add("Set-Cookie", c)
	}
	return nil
}

func multiValueHeaders(h assay.Header, members map[string]json.RawMessage) error {
	var multi map[string][]scalar
	if err := member(members, "multiValueHeaders", &multi); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(multi))
	for _, name := range names {
		delete(h, textproto.CanonicalMIMEHeaderKey(name))
	}
	for _, name := range names {
		for _, value := range multi[name] {
			h.Add(name, string(value))
		}
	}
	return nil
}

func content(members map[string]json.RawMessage) ([]byte, error) {
	var text string
	var encoded bool
	if err := member(members, "body", &text); err != nil {
		return nil, err
	}
	if err := member(members, "isBase64Encoded", &encoded); err != nil {
		return nil, err
	}
	if !encoded {
		return []byte(text), nil
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the body is not base64: %w", err)
	}
	return data, nil
}

// member decodes one member of a response; absent and null leave v alone.
func member(members map[string]json.RawMessage, name string, v any) error {
	raw, ok := members[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s is malformed: %s", name, clip(raw))
	}
	return nil
}

// scalar is a header's value: a string, or a number or boolean written as one.
type scalar string

// UnmarshalJSON takes any JSON but objects and arrays.
func (s *scalar) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '{', '[':
		return errors.New("not a scalar")
	case '"':
		return json.Unmarshal(data, (*string)(s))
	case 'n':
		return nil
	}
	*s = scalar(data)
	return nil
}

// clip shortens what is quoted in messages.
func clip(raw []byte) string {
	const most = 60
	if len(raw) > most {
		return string(raw[:most]) + "…"
	}
	return string(raw)
}
