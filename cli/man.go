package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/reference"
)

// manCommand writes the manual pages: packages install them, and so may people.
func manCommand(p *process.Process) *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use: "man DIR", Short: "Write manual pages of all commands into a folder", Args: cobra.ExactArgs(1),
		Example: "  assay man ~/.local/share/man/man1 && man assay-verdict",
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := p.Absolute(args[0])
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return &assay.Error{Code: assay.CodeInvalid, What: "the folder cannot be made: " + err.Error(), Where: args[0]}
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			root.InitDefaultCompletionCmd()
			if markdown {
				return writeReference(root, dir)
			}
			return writePages(root, dir)
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "write the reference of commands and definitions instead, in Markdown")
	return cmd
}

// writePages writes a page a command, of today, or of the day that SOURCE_DATE_EPOCH names.
func writePages(root *cobra.Command, dir string) error {
	return doc.GenManTreeFromOpts(root, doc.GenManTreeOptions{
		Path: filepath.Clean(dir), CommandSeparator: "-",
		Header: &doc.GenManHeader{Section: "1", Source: "Assay", Manual: "Assay"},
	})
}

// writeReference writes the pages of docs/reference.
func writeReference(root *cobra.Command, dir string) error {
	definitions, err := reference.Definitions(config.Schema())
	if err != nil {
		return err
	}
	commands, err := commandReference(root)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"commands.md": commands, "definitions.md": definitions} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// commandReference is one page of all commands.
func commandReference(root *cobra.Command) (string, error) {
	var b bytes.Buffer
	b.WriteString("# Commands\n\nWritten by `make reference` from the commands' own help.\n\n")
	for _, cmd := range append([]*cobra.Command{root}, descendants(root)...) {
		if err := doc.GenMarkdownCustom(cmd, &b, func(page string) string { return "#" + strings.ReplaceAll(strings.TrimSuffix(page, ".md"), "_", "-") }); err != nil {
			return "", err
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n", nil
}

// descendants are the commands below one that are shown.
func descendants(cmd *cobra.Command) (all []*cobra.Command) {
	for _, sub := range cmd.Commands() {
		if !sub.Hidden && sub.Name() != "help" && (sub.IsAvailableCommand() || sub.HasSubCommands()) {
			all = append(all, slices.Concat([]*cobra.Command{sub}, descendants(sub))...)
		}
	}
	return all
}
