package control

import (
	"regexp"
	"strings"

	"github.com/assaylab/assay"
)

// Latest is the version that changes.
const Latest = "$LATEST"

// NamePattern is AWS's own for the FunctionName of Invoke: a name, a partial ARN or a full one, each
// with or without a qualifier. Validation errors quote it.
const NamePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`

var (
	anyName   = regexp.MustCompile(`^` + NamePattern + `$`)
	plainName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)
	number    = regexp.MustCompile(`^[0-9]+$`)
)

// Reference is a function as a caller names it. What was not given is "".
type Reference struct {
	Region    string
	Account   string
	Name      string
	Qualifier string // $LATEST, the number of a version, or the name of an alias
}

// ParseReference reads a FunctionName.
func ParseReference(s string) (Reference, bool) {
	if bare(s) { // as most are: spare them the expression
		return Reference{Name: s}, true
	}
	m := anyName.FindStringSubmatch(s)
	if m == nil {
		return Reference{}, false
	}
	return Reference{
		Region: strings.TrimSuffix(m[3], ":"), Account: strings.TrimSuffix(m[5], ":"), Name: m[7], Qualifier: m[9],
	}, true
}

// bare tells whether a FunctionName is nothing but a name.
func bare(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return s != ""
}

// ARN is the function's, with the qualifier only if the caller used one.
func (r Reference) ARN() string {
	arn := FunctionARN(r.Name)
	if r.Qualifier != "" {
		arn += ":" + r.Qualifier
	}
	return arn
}

// FunctionARN is that of a function of this engine.
func FunctionARN(name string) string { return arnOf("function:" + name) }

// LayerARN is that of a layer of this engine.
func LayerARN(name string) string { return arnOf("layer:" + name) }

func arnOf(resource string) string {
	return "arn:aws:lambda:" + assay.EmbeddedRegion + ":" + assay.EmbeddedAccount + ":" + resource
}
