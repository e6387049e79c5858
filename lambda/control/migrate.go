package control

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/code"
)

// format1 is what functions/NAME.json was in the first releases: one version, whose code was a folder
// code/SHA256/ without a zip.
type format1 struct {
	assay.Function
	CodeSHA256  []byte      `json:"code_sha256"`
	Interpreter Interpreter `json:"interpreter"`
	Modified    time.Time   `json:"last_modified"`
}

// migrate makes a record of a file of format 1. Its code becomes a zip.
func (p *Plane) migrate(text []byte) (*record, error) {
	var old format1
	if err := json.Unmarshal(text, &old); err != nil {
		return nil, err
	}
	defer p.code.Hold()()
	pack, err := p.code.Adopt(context.Background(), hex.EncodeToString(old.CodeSHA256))
	if err != nil {
		return nil, err
	}
	c := p.fresh(CreateFunctionInput{FunctionName: old.Name, Runtime: old.Runtime, Handler: old.Handler})
	c.MemorySize, c.Timeout = old.MemoryMB, int((old.Timeout+time.Second-1)/time.Second)
	c.CodeSize, c.CodeSha256 = pack.Size, code.SHA256(pack.Digest)
	v := &Version{c, Extra{Digest: pack.Digest, Unzipped: pack.Unzipped, Limit: old.Timeout, Interpreter: old.Interpreter, Function: &old.Function}}
	v.setEnvironment(&Environment{old.Environment})
	v.setLogging(nil)
	p.stamp(v)
	v.LastModified = stamp(old.Modified)
	r := &record{Format: format, Name: old.Name, Latest: v}
	if old.Concurrency > 0 {
		r.Reserved = &old.Concurrency
	}
	return r, p.save(r)
}
