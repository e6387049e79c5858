package laboratory

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/assaylab/assay"
)

// maxDescriptors bounds the file of a descriptor set, in bytes.
const maxDescriptors = 16 << 20

func readDescriptors(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxDescriptors+1))
	if err == nil && len(data) > maxDescriptors {
		return nil, fmt.Errorf("%s has more than %d MB", name, maxDescriptors>>20)
	}
	return data, err
}

// descriptorSets are the files that a comparator reads messages by, those of strings within among them.
func descriptorSets(spec assay.ComparatorSpec) (files []string) {
	if spec.Descriptor != "" {
		files = append(files, spec.Descriptor)
	}
	for _, within := range spec.Within {
		files = append(files, descriptorSets(within)...)
	}
	slices.Sort(files)
	return files
}

// revisionOf is a hash of what is in files. One that cannot be read has nothing in it; building the comparator
// says why.
func revisionOf(files []string) string {
	all := sha256.New()
	for _, file := range files {
		data, _ := readDescriptors(file)
		one := sha256.Sum256(data)
		all.Write(one[:])
	}
	return base64.StdEncoding.EncodeToString(all.Sum(nil))
}
