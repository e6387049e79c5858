package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/assaylab/assay"
)

// manCommand writes the manual pages: packages install them, and so may people.
func manCommand(p *Process) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write manual pages of all commands into a folder", Args: cobra.ExactArgs(1),
		Example: "  assay man ~/.local/share/man/man1 && man assay-verdict",
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := absolute(p.Dir, args[0])
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return &assay.Error{Code: assay.CodeInvalid, What: "the folder cannot be made: " + err.Error(), Where: args[0]}
			}
			return writePages(cmd.Root(), dir)
		},
	}
}

// writePages writes a page a command, of today, or of the day that SOURCE_DATE_EPOCH names.
func writePages(root *cobra.Command, dir string) error {
	root.DisableAutoGenTag = true
	root.InitDefaultCompletionCmd()
	return doc.GenManTreeFromOpts(root, doc.GenManTreeOptions{
		Path: filepath.Clean(dir), CommandSeparator: "-",
		Header: &doc.GenManHeader{Section: "1", Source: "Assay", Manual: "Assay"},
	})
}
