package gotests

import (
	"regexp"
	"slices"
	"strings"
)

// switches are the flags of `go test` that take no value.
var switches = strings.Fields("a n x v race msan asan cover json short failfast benchmem work i fullpath trimpath modcacherw linkshared artifacts")

// Arguments adds ./... to arguments of `go test` that name no package. Patterns are those that do.
func Arguments(args []string) (all, patterns []string) {
	for i := 0; i < len(args); i++ {
		name, isFlag := strings.CutPrefix(args[i], "-")
		name = strings.TrimPrefix(name, "-")
		switch {
		case name == "args" && isFlag:
			i = len(args)
		case !isFlag:
			patterns = append(patterns, args[i])
		case !strings.Contains(name, "=") && !slices.Contains(switches, name):
			i++ // its value
		}
	}
	if len(patterns) > 0 {
		return args, patterns
	}
	patterns = []string{"./..."} // first: a flag that is unknown to go would take it for its value
	return slices.Concat(patterns, args), patterns
}

// listing are the flags that decide which files belong to a package.
var listing = strings.Fields("tags mod modfile overlay race msan asan")

// BuildFlags are those of the arguments that `go list` should get as well.
func BuildFlags(args []string) (flags []string) {
	for i, a := range args {
		name, _, assigned := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if name == "args" {
			break
		}
		if !strings.HasPrefix(a, "-") || !slices.Contains(listing, name) {
			continue
		}
		flags = append(flags, a)
		if !assigned && !slices.Contains(switches, name) && i+1 < len(args) {
			flags = append(flags, args[i+1])
		}
	}
	return flags
}

// Choice is what a binary's arguments choose of its tests.
type Choice struct {
	run, skip [][]string // alternatives, each by levels
	FailFast  bool
}

// unused are a binary's flags that mean nothing when tests are run a few at a time.
var unused = regexp.MustCompile(`^-test\.(run|timeout|v|list|testlogfile|bench\w*|fuzz\w*|coverprofile|gocoverdir|outputdir|failfast|\w*profile\w*|trace)(=|$)`)

// Choose reads a binary's arguments, and returns those that it is to be run with.
func Choose(args []string) (c Choice, kept []string) {
	for i, a := range args {
		name, value, _ := strings.Cut(a, "=")
		switch name {
		case "-test.run":
			c.run = split(value)
		case "-test.skip":
			c.skip = split(value)
		case "-test.failfast":
			c.FailFast = value != "false"
		}
		if !strings.HasPrefix(a, "-test.") {
			return c, append(kept, args[i:]...)
		}
		if !unused.MatchString(a) {
			kept = append(kept, a)
		}
	}
	return c, kept
}

// split divides a pattern as package testing does: alternatives at |, levels at /, neither within
// brackets.
func split(pattern string) (all [][]string) {
	level, depth, square := "", 0, 0
	one := []string{}
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '[':
			square++
		case c == ']' && square > 0:
			square--
		case c == '(' && square == 0:
			depth++
		case c == ')' && square == 0:
			depth--
		case c == '\\' && i+1 < len(pattern):
			level += string(c)
			i++
			c = pattern[i]
		case (c == '/' || c == '|') && square == 0 && depth == 0:
			one, level = append(one, level), ""
			if c == '|' {
				all, one = append(all, one), []string{}
			}
			continue
		}
		level += string(c)
	}
	return append(all, append(one, level))
}

// Pattern is the -test.run that runs what is chosen of a test; "" if that is all of it. False if nothing is.
func (c Choice) Pattern(test string) (run string, ok bool) {
	for _, levels := range c.skip {
		if len(levels) == 1 && matches(levels[0], test) {
			return "", false
		}
	}
	if c.run == nil {
		return "", true
	}
	var parts []string
	whole := false
	for _, levels := range c.run {
		if matches(levels[0], test) {
			ok = true
			whole = whole || len(levels) == 1
			parts = append(parts, strings.Join(append([]string{"^" + regexp.QuoteMeta(test) + "$"}, levels[1:]...), "/"))
		}
	}
	if whole {
		return "", ok
	}
	return strings.Join(parts, "|"), ok
}

// matches takes what is not a pattern for one that matches nothing: the binary would say so.
func matches(pattern, test string) bool {
	re, err := regexp.Compile(pattern)
	return err == nil && re.MatchString(test)
}
