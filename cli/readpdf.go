package cli

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay/compare/pdf"
	"github.com/assaylab/assay/laboratory"
	"github.com/assaylab/assay/process"
)

// readPDFCommand is run by laboratories, in sandboxes.
func readPDFCommand(p *process.Process) *cobra.Command {
	return &cobra.Command{
		Use: laboratory.ReadPDF, Short: "Read a PDF from stdin and write its lines as JSON", Args: cobra.NoArgs, Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			document, err := io.ReadAll(io.LimitReader(p.Stdin, pdf.MaxSize+1))
			if err != nil {
				return err
			}
			var answer struct {
				Pages [][]string `json:"pages"`
				Error string     `json:"error,omitempty"`
			}
			if answer.Pages, err = pdf.Text(document); err != nil {
				answer.Error = err.Error()
			}
			return json.NewEncoder(p.Stdout).Encode(answer)
		},
	}
}
