// Command assay is a laboratory for serverless functions. In come arguments, out goes an exit code;
// everything else is package cli.
package main

import (
	"os"

	"github.com/assaylab/assay/cli"
)

func main() { os.Exit(cli.Main()) }
