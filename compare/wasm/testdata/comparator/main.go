// Command comparator is a comparator as a user would write it: bodies are alike when they are equal, but for
// space around them.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type arm struct{ Body string }

func main() {
	var question struct{ Control, Candidate arm }
	if err := json.NewDecoder(os.Stdin).Decode(&question); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	control, candidate := strings.TrimSpace(question.Control.Body), strings.TrimSpace(question.Candidate.Body)
	if control == candidate {
		fmt.Print("[]")
		return
	}
	fmt.Printf("[{\"path\":\"text\",\"control\":%q,\"candidate\":%q}]", control, candidate)
}
