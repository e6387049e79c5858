package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/assaylab/assay/compare"
	"github.com/assaylab/assay/config"
)

// TestPageOfComparators loads every definition on the page, and looks for every option on it.
func TestPageOfComparators(t *testing.T) {
	page, err := os.ReadFile("../docs/comparators.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 8 {
		t.Errorf("%d definitions", len(blocks))
	}
	for _, block := range blocks {
		text := "experiments:\n  e:\n    path: a\n    control: {url: \"http://127.0.0.1:1\"}\n    " + strings.ReplaceAll(block[1], "\n", "\n    ")
		doc, err := config.Parse("page", []byte(text), config.Options{})
		if err != nil {
			t.Errorf("%v\n%s", err, block[1])
			continue
		}
		if _, flaws := compare.New(doc.Experiments[0].Comparators); len(flaws) > 0 {
			t.Errorf("%+v\n%s", flaws, block[1])
		}
	}
	_, schema, _ := strings.Cut(string(config.Schema()), `"comparator": {`)
	schema, _, _ = strings.Cut(schema, `"bodyKind": {`)
	for _, option := range regexp.MustCompile(`(?m)^ {20}"([a-z]+)": \{`).FindAllStringSubmatch(schema, -1) {
		if !strings.Contains(string(page), option[1]) {
			t.Errorf("nothing about %s", option[1])
		}
	}
}
