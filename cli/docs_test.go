package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/process"
)

// pages are the README and all of docs.
func documentation(t *testing.T) (all []string) {
	t.Helper()
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/*/*.md", "../examples/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

var fenced = regexp.MustCompile("(?sm)^```(\\w+)\n(.*?)^```$")

// blocks are the contents of a page's blocks of a language.
func blocks(t *testing.T, page, language string) (all []string) {
	t.Helper()
	for _, b := range fenced.FindAllStringSubmatch(string(mustRead(t, page)), -1) {
		if b[1] == language {
			all = append(all, b[2])
		}
	}
	return all
}

// TestDocumentedCommands: each command of Assay in the documentation, in its blocks of shell and in running text, is
// one that the binary knows, with flags that it knows and as many arguments as it takes. What the README's tour and
// the tutorials tell is done as well, by scripts/cold-clone and TestTutorials.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile("`(assay [^`]+)`")
	checked := 0
	for _, page := range documentation(t) {
		scripts := blocks(t, page, "sh")
		for _, m := range inline.FindAllStringSubmatch(string(mustRead(t, page)), -1) {
			scripts = append(scripts, placeholders.Replace(m[1]))
		}
		for _, script := range scripts {
			for _, words := range assayCommands(t, page, script) {
				checked++
				if err := understood(words); err != nil {
					t.Errorf("%s: %s: %v", page, strings.Join(words, " "), err)
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d commands were found", checked)
	}
}

// assayCommands are the calls of assay in a script, word by word; what the shell would put in is a word "X".
func assayCommands(t *testing.T, page, script string) (all [][]string) {
	t.Helper()
	file, err := syntax.NewParser().Parse(strings.NewReader(script), page)
	if err != nil {
		t.Errorf("%s: %v in\n%s", page, err, script)
		return nil
	}
	env := expand.ListEnviron()
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		var words []string
		for _, w := range call.Args {
			word, err := expand.Literal(&expand.Config{Env: env, CmdSubst: func(w io.Writer, _ *syntax.CmdSubst) error { _, err := io.WriteString(w, "X"); return err }}, w)
			if err != nil {
				t.Errorf("%s: %v", page, err)
			}
			if word == "" {
				word = "X"
			}
			words = append(words, word)
		}
		if i := slices.Index(words, "assay"); i > 0 && words[0] == "systemd-run" {
			words = words[i:]
		}
		if filepath.Base(words[0]) == "assay" && len(words) > 1 {
			all = append(all, words[1:])
		}
		return true
	})
	return all
}

// placeholders stand for words in running text.
var placeholders = strings.NewReplacer("|", "_", "[", "", "]", "", "…", "X", "<", "", ">", "")

// understood has the binary's own parser look at a command line, and runs nothing.
func understood(words []string) error {
	root := root(&process.Process{Args: words, Stdout: io.Discard, Stderr: io.Discard, Stdin: strings.NewReader(""), Env: func(string) (string, bool) { return "", false }})
	root.InitDefaultCompletionCmd()
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	args := cmd.Flags().Args()
	if len(args) == 0 {
		return nil // running text names commands without what they take
	}
	return cmd.ValidateArgs(args)
}

// TestDocumentedDefinitionsLoad: what the pages show in YAML can be used as it stands, or as a part of an experiment.
func TestDocumentedDefinitionsLoad(t *testing.T) {
	t.Parallel()
	shown := 0
	for _, page := range documentation(t) {
		for _, text := range blocks(t, page, "yaml") {
			shown++
			if _, err := config.Parse(filepath.Base(page), []byte(definitionOf(text)), config.Options{}); err != nil {
				t.Errorf("%s: %v in\n%s", page, err, text)
			}
		}
	}
	if shown < 20 {
		t.Fatalf("%d blocks were found", shown)
	}
}

// definitionOf makes a whole definition of a part of one.
func definitionOf(text string) string {
	if regexp.MustCompile(`(?m)^(experiments|functions|notify):`).MatchString(text) {
		return text
	}
	const around = "experiments:\n  shown:\n    path: shown\n    control: {function: old}\n    candidates: {new: {function: new}}\n"
	indented := regexp.MustCompile(`^ *`).FindString(text)
	return around + regexp.MustCompile(`(?m)^`+indented).ReplaceAllString(strings.TrimRight(text, "\n"), "    ") + "\n"
}

// TestDocumentedLinks: every link within the documentation leads somewhere, and every page is led to.
func TestDocumentedLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	reached := map[string]bool{"../README.md": true}
	for _, page := range documentation(t) {
		for _, m := range link.FindAllStringSubmatch(string(mustRead(t, page)), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			target := filepath.Join(filepath.Dir(page), m[1])
			reached[target] = true
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s leads to %s, which is not there", page, m[1])
			}
		}
	}
	for _, page := range documentation(t) {
		if !reached[page] && strings.HasPrefix(page, "../docs/") {
			t.Errorf("nothing leads to %s", page)
		}
	}
}

// TestReferenceIsCurrent: docs/reference is what the code says of itself.
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command(assayBinary(t), "man", "--markdown", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	written, err := os.ReadDir(dir)
	if err != nil || len(written) == 0 {
		t.Fatal(err)
	}
	for _, f := range written {
		if !bytes.Equal(mustRead(t, filepath.Join(dir, f.Name())), mustRead(t, "../docs/reference/"+f.Name())) {
			t.Errorf("docs/reference/%s is not what the code says: run `make reference`", f.Name())
		}
	}
}
