package notify

import (
	"os"
	"strings"

	"github.com/assaylab/assay"
)

// read returns what a secret stands for, without white space around it; "" stands for nothing.
func read(s assay.Secret, env func(string) (string, bool)) (string, error) {
	from, name, _ := strings.Cut(string(s), ":")
	switch from {
	case "":
		return "", nil
	case "env":
		if value, ok := env(name); ok && value != "" {
			return strings.TrimSpace(value), nil
		}
		return "", &assay.Error{Code: assay.CodeInvalid, What: "the environment variable " + name + " is not set", Hint: "set it before `assay up`"}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", &assay.Error{Code: assay.CodeInvalid, What: "a secret cannot be read", Where: name, Hint: "check the file's path and mode", Err: err}
	}
	return strings.TrimSpace(string(text)), nil
}
