package serve

import (
	"errors"
	"os"
	"runtime"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
)

// hostArchitecture is this machine's in AWS's words, as far as prices tell architectures apart.
const hostArchitecture = runtime.GOARCH

// readPrices reads a price list from a file; the published one if none is named.
func readPrices(p *process.Process, file string) (assay.PriceList, error) {
	if file == "" {
		return assay.PublishedPrices(), nil
	}
	file = p.Absolute(file)
	data, err := os.ReadFile(file)
	if err != nil {
		return assay.PriceList{}, &assay.Error{Code: assay.CodeInvalid, What: "the price list cannot be read", Where: file, Hint: "--prices names a JSON file", Err: err}
	}
	list, err := assay.ParsePrices(data)
	var made *assay.Error
	if errors.As(err, &made) {
		made.Where = file
	}
	return list, err
}
