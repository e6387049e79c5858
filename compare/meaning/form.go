package meaning

import (
	"net/url"
	"strings"
)

// Form reads URL-encoded fields (WHATWG URL, section 5.1): a name that stands once has a string, others an
// array, in their order. The order of names does not matter.
func Form(data []byte) (any, error) {
	s, err := text(data)
	if err != nil {
		return nil, err
	}
	if strings.Count(s, "&") > maxNodes {
		return nil, errNodes
	}
	fields, err := url.ParseQuery(s)
	if err != nil {
		return nil, err
	}
	form := make(map[string]any, len(fields))
	for name, values := range fields {
		if len(values) == 1 {
			form[name] = values[0]
		} else {
			form[name] = values
		}
	}
	return form, nil
}
