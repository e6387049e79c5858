package config

import (
	"reflect"
	"strconv"
	"time"

	"github.com/assaylab/assay"
)

type comparatorFile struct {
	Name   string   `yaml:"name,omitempty"`
	Expect string   `yaml:"expect,omitempty"`
	Code   string   `yaml:"code,omitempty"`
	Run    []string `yaml:"run,flow,omitempty"`
	Time   string   `yaml:"timeout,omitempty"`
	Memory string   `yaml:"memory,omitempty"`
	Path   string   `yaml:"path,omitempty"`
	Type   []string `yaml:"type,flow,omitempty"`
	Class  bool     `yaml:"class,omitempty"`
	Exact  []int    `yaml:"exact,flow,omitempty"`
	Same   []int    `yaml:"same,flow,omitempty"`
	By     string   `yaml:"by,omitempty"`
	Ratio  string   `yaml:"ratio,omitempty"`
	Plus   any      `yaml:"plus,omitempty"`
	Only   []string `yaml:"only,flow,omitempty"`
	Except []string `yaml:"except,flow,omitempty"`

	As         string                    `yaml:"as,omitempty"`
	Ignore     []string                  `yaml:"ignore,omitempty"`
	Subset     []string                  `yaml:"subset,omitempty"`
	Tolerance  map[string]any            `yaml:"tolerance,omitempty"`
	NFC        []string                  `yaml:"nfc,omitempty"`
	Unordered  []string                  `yaml:"unordered,omitempty"`
	Key        map[string]string         `yaml:"key,omitempty"`
	Align      []string                  `yaml:"align,omitempty"`
	Within     map[string]comparatorFile `yaml:"within,omitempty"`
	Trim       bool                      `yaml:"trim,omitempty"`
	Case       string                    `yaml:"case,omitempty"`
	Whitespace string                    `yaml:"whitespace,omitempty"`
	Edits      string                    `yaml:"edits,omitempty"`
	Perceptual string                    `yaml:"perceptual,omitempty"`
	Alpha      string                    `yaml:"alpha,omitempty"`
	Descriptor string                    `yaml:"descriptor,omitempty"`
	Message    string                    `yaml:"message,omitempty"`
}

// comparatorBody is the options of a comparator, nil if it has none, and a list if they are fields alone.
func comparatorBody(c assay.ComparatorSpec) any {
	f := comparatorFields(c)
	if len(c.Only) > 0 && reflect.DeepEqual(f, comparatorFile{Only: c.Only}) {
		return c.Only
	}
	if reflect.ValueOf(f).IsZero() {
		return nil
	}
	return f
}

func comparatorFields(c assay.ComparatorSpec) comparatorFile {
	f := comparatorFile{
		Name: c.Name, Expect: c.Expect, Code: c.Code, Run: c.Run, Path: c.Path, Type: c.Type, Class: c.Class, Exact: c.Exact, Same: c.Same, By: c.By, Plus: plusOf(c),
		Only: c.Only, Except: c.Except, As: c.As, Ignore: c.Ignore, Subset: c.Subset, NFC: c.NFC,
		Unordered: c.Unordered, Key: c.Key, Align: c.Align, Trim: c.Trim, Case: c.Case, Whitespace: c.Whitespace, Alpha: c.Alpha,
		Descriptor: c.Descriptor, Message: c.Message,
		Tolerance: tolerances(c),
	}
	if c.Ratio != 0 {
		f.Ratio = formatLimit(c.Ratio)
	}
	if c.Timeout != 0 {
		f.Time = formatDuration(c.Timeout)
	}
	if c.MemoryMB != 0 {
		f.Memory = strconv.Itoa(c.MemoryMB) + "MB"
	}
	if c.Edits != 0 {
		f.Edits = formatShare(c.Edits)
	}
	if c.Perceptual != 0 {
		f.Perceptual = formatShare(c.Perceptual)
	}
	for path, within := range c.Within {
		put(&f.Within, path, comparatorFields(within))
	}
	return f
}

// tolerances puts together what is written in one mapping.
func tolerances(c assay.ComparatorSpec) map[string]any {
	var all map[string]any
	for path, limit := range c.Tolerance {
		put(&all, path, any(limit))
	}
	for path, share := range c.Relative {
		put(&all, path, any(formatPercent(share)))
	}
	for path, limit := range c.Dates {
		put(&all, path, any(formatDuration(limit)))
	}
	return all
}

func plusOf(c assay.ComparatorSpec) any {
	switch {
	case c.Plus == 0:
		return nil
	case c.Kind == assay.CompareLatency:
		return formatDuration(time.Duration(c.Plus * float64(time.Millisecond)))
	case c.Kind == assay.CompareMemory:
		return strconv.FormatInt(int64(c.Plus*(1<<20)), 10) + "B"
	}
	return c.Plus
}
