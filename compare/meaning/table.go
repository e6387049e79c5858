package meaning

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Table reads comma- or otherwise separated values (RFC 4180) whose first row names the columns: an array of
// objects. Neither the order of columns nor quotes matter. Of no rows it is the "#columns", sorted.
func Table(data []byte, comma rune) (any, error) {
	s, err := text(data)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(s))
	r.Comma, r.ReuseRecord = comma, true
	names, err := columns(r)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) && len(rows) == 0 {
			return map[string]any{"#columns": slices.Sorted(slices.Values(names))}, nil
		}
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if len(rows) == maxNodes {
			return nil, errNodes
		}
		row := make(map[string]any, len(names))
		for i, name := range names {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
}

// columns reads the first row.
func columns(r *csv.Reader) ([]string, error) {
	first, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errEmpty
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, len(first))
	seen := map[string]bool{}
	for i, name := range first {
		if seen[name] {
			return nil, fmt.Errorf("two columns are called %q", name)
		}
		names[i], seen[name] = name, true
	}
	return names, nil
}
