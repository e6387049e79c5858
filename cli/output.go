package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay/process"
)

// outputFlag adds --output to a command that lists something.
func outputFlag(cmd *cobra.Command) *string {
	o := cmd.Flags().StringP("output", "o", "table", "table, json or yaml")
	return o
}

// print writes the API's JSON as asked: as it is, as YAML, or as the table made from it.
func print(w io.Writer, output string, data []byte, table func(io.Writer) error) error {
	switch output {
	case "json":
		var v json.RawMessage = data
		pretty, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(w, string(pretty))
		return err
	case "yaml":
		var v yaml.Node // keeps the order of keys: JSON is YAML
		if err := yaml.Unmarshal(data, &v); err != nil {
			return err
		}
		blockStyle(&v)
		text, err := yaml.Marshal(&v)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	case "table":
		return table(w)
	}
	return process.Invalid(fmt.Sprintf("--output %q is unknown", output), "use table, json or yaml")
}

// blockStyle writes a document as people write YAML, and not as the JSON it came from.
func blockStyle(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		blockStyle(c)
	}
}

func percent(share float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", share*100), "0"), ".") + "%"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
