package cli

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completeNames lets the shell complete what commands call NAME and FUNCTION, from the running laboratory.
func completeNames(c *client, cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		completeNames(c, sub)
		words := strings.Fields(sub.Use)
		if len(words) < 2 || sub.ValidArgsFunction != nil || len(sub.ValidArgs) > 0 {
			continue
		}
		switch strings.Trim(words[1], "[]") {
		case "NAME":
			sub.ValidArgsFunction = c.completeFrom("experiments")
		case "FUNCTION":
			sub.ValidArgsFunction = c.completeFrom("functions")
		}
	}
}

// completeFrom completes a first argument by the names of a list of the API. A laboratory that does not answer at
// once has none.
func (c *client) completeFrom(kind string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
		defer cancel()
		var lists map[string][]struct{ Name string }
		if err := c.call(ctx, http.MethodGet, "/"+kind, nil, &lists); err != nil {
			return nil, cobra.ShellCompDirectiveError | cobra.ShellCompDirectiveNoFileComp
		}
		var names []cobra.Completion
		for _, named := range lists[kind] {
			names = append(names, named.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
