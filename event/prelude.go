package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assaylab/assay"
)

// PreludeType is the content type of a streamed answer that begins with a prelude: a JSON object with
// statusCode, headers and cookies, and eight zero bytes before the body.
const PreludeType = "application/vnd.awslambda.http-integration-response"

// maxPrelude is what a prelude may measure, as large as HTTP servers let a header be.
const maxPrelude = 1 << 20

var preludeEnd = make([]byte, 8)

// Prelude finds the head of a streamed answer in its first parts. The zero value is ready.
type Prelude struct{ seen []byte }

// Feed takes the next part of the answer. Once the prelude is whole, it returns the response that it
// describes and what of the body has come; before that, nil.
func (p *Prelude) Feed(part []byte) (r *Response, body []byte, err error) {
	p.seen = append(p.seen, part...)
	head, body, whole := bytes.Cut(p.seen, preludeEnd)
	switch {
	case len(head) > maxPrelude:
		return nil, nil, fmt.Errorf("the prelude is longer than %d bytes", maxPrelude)
	case !whole:
		return nil, nil, nil
	}
	r, err = decodePrelude(head)
	return r, body, err
}

func decodePrelude(head []byte) (*Response, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(head, &members); err != nil {
		return nil, errors.New("the prelude is not a JSON object")
	}
	r := &Response{Status: 200, Header: assay.Header{}}
	if raw, ok := members["statusCode"]; ok {
		code, err := status(raw)
		if err != nil {
			return nil, err
		}
		r.Status = code
	}
	return r, headers(r.Header, URL, members)
}
