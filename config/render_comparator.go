package config

import (
	"reflect"

	"github.com/assaylab/assay"
)

type comparatorFile struct {
	Path   string   `yaml:"path,omitempty"`
	Type   []string `yaml:"type,flow,omitempty"`
	Only   []string `yaml:"only,flow,omitempty"`
	Except []string `yaml:"except,flow,omitempty"`

	As        string                    `yaml:"as,omitempty"`
	Ignore    []string                  `yaml:"ignore,omitempty"`
	Tolerance map[string]float64        `yaml:"tolerance,omitempty"`
	Unordered []string                  `yaml:"unordered,omitempty"`
	Key       map[string]string         `yaml:"key,omitempty"`
	Within    map[string]comparatorFile `yaml:"within,omitempty"`
}

// comparatorBody is the options of a comparator, nil if it has none, and a list if they are fields alone.
func comparatorBody(c assay.ComparatorSpec) any {
	f := comparatorFields(c)
	if reflect.DeepEqual(f, comparatorFile{Only: c.Only}) && len(c.Only) > 0 {
		return c.Only
	}
	if reflect.ValueOf(f).IsZero() {
		return nil
	}
	return f
}

func comparatorFields(c assay.ComparatorSpec) comparatorFile {
	f := comparatorFile{
		Path: c.Path, Type: c.Type, Only: c.Only, Except: c.Except,
		As: c.As, Ignore: c.Ignore, Tolerance: c.Tolerance, Unordered: c.Unordered, Key: c.Key,
	}
	for path, within := range c.Within {
		if f.Within == nil {
			f.Within = map[string]comparatorFile{}
		}
		f.Within[path] = comparatorFields(within)
	}
	return f
}
