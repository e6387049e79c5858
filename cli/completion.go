package cli

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completeNames lets the shell complete what commands call NAME and FUNCTION, from the running laboratory.
func completeNames(c *client, cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		completeNames(c, sub)
		completeChoices(sub)
		words := strings.Fields(sub.Use)
		if len(words) < 2 || sub.ValidArgsFunction != nil || len(sub.ValidArgs) > 0 {
			continue
		}
		switch strings.Trim(words[1], "[]") {
		case "NAME":
			sub.ValidArgsFunction = c.completeFrom("experiments")
			if sub.Name() == "describe" || sub.Name() == "delete" {
				sub.ValidArgsFunction = c.completeFrom("experiments", "functions")
			}
		case "FUNCTION":
			sub.ValidArgsFunction = c.completeFrom("functions")
		}
	}
}

// completeChoices lets the shell complete the flags that take one of a few words.
func completeChoices(cmd *cobra.Command) {
	for name, words := range map[string][]cobra.Completion{
		"output": {"table", "json", "yaml"}, "log-format": {"text", "json"}, "log-level": {"debug", "info", "warn", "error"},
	} {
		if f := cmd.Flags().Lookup(name); f != nil && slices.Contains(words, f.DefValue) {
			_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // there is the flag
		}
	}
}

// completeFrom completes a first argument by the names of lists of the API. A laboratory that does not answer at
// once has none.
func (c *client) completeFrom(kinds ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
		defer cancel()
		var names []cobra.Completion
		for _, kind := range kinds {
			var lists map[string][]struct{ Name string }
			if err := c.call(ctx, http.MethodGet, "/"+kind, nil, &lists); err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp // of an error, shells would make a list of files
			}
			for _, named := range lists[kind] {
				names = append(names, named.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
