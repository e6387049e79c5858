package multipart_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
)

// answer is an observation of a whole body with a content type.
func answer(contentType string, body []byte) *assay.Observation {
	return &assay.Observation{Header: assay.Header{"Content-Type": {contentType}}, Body: body, BodySize: int64(len(body))}
}

// fields writes a multipart form with a boundary; fields are "name|filename|type|data".
func fields(boundary string, all ...string) *assay.Observation {
	var b strings.Builder
	for _, f := range all {
		p := strings.Split(f, "|")
		b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + p[0] + "\"")
		if p[1] != "" {
			b.WriteString("; filename=\"" + p[1] + "\"")
		}
		if p[2] != "" {
			b.WriteString("\r\nContent-Type: " + p[2])
		}
		b.WriteString("\r\n\r\n" + p[3] + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return answer("multipart/form-data; boundary="+boundary, []byte(b.String()))
}

func TestMultipart(t *testing.T) {
	whole := fields("x", "a|||one", "doc|d.json|application/json|{\"n\": 1, \"m\": 2}", "tag|||1", "tag|||2")
	broken := answer("multipart/form-data; boundary=x", []byte("--x\r\nno header"))
	for name, tt := range map[string]struct {
		other *assay.Observation
		want  []string
	}{
		"another boundary, and JSON written otherwise": {fields("yy", "doc|d.json|application/json|{\"m\":2,\"n\":1.0}", "a|||one", "tag|||1", "tag|||2"), nil},
		"within a part":  {fields("x", "a|||one", "doc|d.json|application/json|{\"n\": 3, \"m\": 2}", "tag|||1", "tag|||2"), []string{"value body:$.doc.n"}},
		"a text":         {fields("x", "a|||two", "doc|d.json|application/json|{\"n\": 1, \"m\": 2}", "tag|||1", "tag|||2"), []string{"value body:$.a"}},
		"a file's name":  {fields("x", "a|||one", "doc|e.json|application/json|{\"n\": 1, \"m\": 2}", "tag|||1", "tag|||2"), []string{"value body:$.doc['@filename']"}},
		"the second tag": {fields("x", "a|||one", "doc|d.json|application/json|{\"n\": 1, \"m\": 2}", "tag|||1", "tag|||3"), []string{"value body:$.tag[1]"}},
		"a part less":    {fields("x", "a|||one", "doc|d.json|application/json|{\"n\": 1, \"m\": 2}", "tag|||1"), []string{"missing body:$.tag[1]"}},
		"a part more":    {fields("x", "a|||one", "b|||", "doc|d.json|application/json|{\"n\": 1, \"m\": 2}", "tag|||1", "tag|||2"), []string{"extra body:$.b"}},
		"broken":         {broken, []string{"malformed body"}},
		"no boundary":    {answer("multipart/form-data", []byte("x")), []string{"malformed body"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, flaws := compare.New([]assay.ComparatorSpec{{Kind: assay.CompareBody}})
			if len(flaws) > 0 {
				t.Fatal(flaws)
			}
			var got []string
			for _, d := range c.Compare(whole, tt.other) {
				got = append(got, string(d.Kind)+" "+d.Path)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
