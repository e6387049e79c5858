package run_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

// nodeSuite is a project with node_modules: what scripts/setup installed.
func nodeSuite(t *testing.T, files map[string]string) *suiteProject {
	t.Helper()
	s := newSuite(t, files)
	modules := filepath.Join(dependencies(t, "suites"), "node_modules")
	if err := os.Symlink(modules, filepath.Join(s.dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return s
}

// nodeTests are the same for all runners.
const nodeTests = `
let n = 0
describe('a group', () => {
  beforeAll(() => { n++ })
  it('passes', () => { assert.equal(n, 1) })
  it('fails', () => { console.log('said before'); assert.equal(1, 2) })
  it.skip('is skipped', () => {})
  it('odd > [é] "q" (x|y) $ ::', () => {})
  it('twice', () => {})
  it('twice', () => { throw new Error('the second') })
  it('is async', async () => { await new Promise(r => setTimeout(r, 5)) })
})
describe('broken', () => {
  beforeAll(() => { throw new Error('no set-up') })
  it('never runs', () => {})
})
it('is large', () => { for (let i = 0; i < 100; i++) process.stdout.write('x'.repeat(1e6)); throw new Error('large') })
it('is binary', () => { process.stdout.write(Buffer.from(Array.from({length: 256}, (_, i) => i))); throw new Error('binary') })
it('closes', () => { fs.closeSync(1) })
it('last', () => {})
`

// TestNodeSuites: the runners of Node.js give each test its outcome; a file that cannot be loaded is one.
func TestNodeSuites(t *testing.T) {
	t.Parallel()
	data := t.TempDir() // of all, so that node_modules are packed once
	exits := "it('exits', () => { process.exit(3) })\n"
	for runner, c := range map[string]struct {
		manifest, name, head, more string
		broken                     string // outcome of a test whose suite cannot be set up
	}{
		"mocha":  {`"scripts": {"test": "mocha"}`, "test/a.js", "const assert = require('assert'), fs = require('fs'), beforeAll = before\n", exits, "error"},
		"node":   {`"scripts": {"test": "node --test"}`, "test/a.js", "const assert = require('assert'), fs = require('fs'), {describe, it, before: beforeAll} = require('node:test')\n", exits + "it('sub', async t => { await t.test('inner', () => { throw new Error('inner fails') }) })\n", "error"},
		"jest":   {`"jest": {}`, "a.test.js", "const assert = require('assert'), fs = require('fs')\n", "", "failure"},
		"vitest": {`"type": "module", "devDependencies": {"vitest": "3"}`, "a.test.js", "import assert from 'assert'; import fs from 'fs'; import {describe, it, beforeAll} from 'vitest'\n", "", "error"},
	} {
		t.Run(runner, func(t *testing.T) {
			folder := strings.TrimSuffix(c.name, "a.js")
			bad := "require('./nothing')\n"
			if runner == "vitest" {
				bad, folder = "import './nothing'\n", ""
			} else if runner == "jest" {
				folder = ""
			}
			badName := folder + "bad" + strings.TrimPrefix(filepath.Base(c.name), "a")
			s := nodeSuite(t, map[string]string{"package.json": "{" + c.manifest + "}", c.name: c.head + nodeTests + c.more, badName: bad})
			code, out, errs := s.test("--workers", "2", "--data", data, "--junit", "report.xml")
			if code != process.Refuted {
				t.Fatalf("exit %d\n%s\n%s", code, out, errs)
			}
			want := map[string]string{"::" + badName: "error"}
			for name, outcome := range map[string]string{
				" > a group::passes": "passed", " > a group::fails": "failure", " > a group::is skipped": "skipped", ` > a group::odd > [é] "q" (x|y) $ ::`: "passed",
				" > a group::twice": "passed", " > a group::twice #2": "failure", " > a group::is async": "passed", " > broken::never runs": c.broken,
				"::is large": "failure", "::is binary": "failure", "::closes": "passed", "::last": "passed",
			} {
				want[c.name+name] = outcome
			}
			if c.more != "" {
				want[c.name+"::exits"] = "error"
			}
			if runner == "node" {
				want[c.name+"::sub"] = "failure"
			}
			same(t, outcomes(t, filepath.Join(s.dir, "report.xml")), want)
			for _, text := range []string{"said before", "the second", "no set-up", "characters left out"} {
				if runner == "vitest" && text == "characters left out" {
					continue // what is written past console comes when vitest's pool sends it, which may be too late
				}
				if !strings.Contains(out, text) {
					t.Errorf("%q is not in\n%.9999s", text, out)
				}
			}
			if runner == "node" && !strings.Contains(out, "inner fails") {
				t.Errorf("the test within a test is not in\n%.9999s", out)
			}
		})
	}
}

// TestNodeOnAWS: Node.js travels to AWS's API as a layer, once, and each runner finds it there.
func TestNodeOnAWS(t *testing.T) {
	if underRace {
		t.Skip("`make test` sends Node.js without the race detector")
	}
	t.Parallel()
	needs(t, "node")
	l := startLaboratory(t)
	const tests = "it('passes', () => { if (!process.execPath.startsWith('/usr/')) return; throw new Error('not the layer: ' + process.execPath) })\nit('fails', () => { throw new Error('as it should') })\n"
	for n, c := range []struct{ manifest, name, head string }{
		{`"scripts": {"test": "node --test"}`, "test/a.js", "const {it} = require('node:test')\n"},
		{`"scripts": {"test": "mocha"}`, "test/a.js", ""},
		{`"jest": {}`, "a.test.js", ""},
		{`"type": "module", "devDependencies": {"vitest": "3"}`, "a.test.js", "import {it} from 'vitest'\n"},
	} {
		s := nodeSuite(t, map[string]string{"package.json": "{" + c.manifest + "}", c.name: c.head + tests})
		s.env = l.variables()
		code, out, errs := s.test(append(onAWS, "--junit", "report.xml")...)
		if code != process.Refuted || !strings.Contains(out, "as it should") || strings.Contains(out, " MB of ") != (n == 0) {
			t.Fatalf("exit %d\n%s\n%s", code, out, errs)
		}
		same(t, outcomes(t, filepath.Join(s.dir, "report.xml")), map[string]string{c.name + "::passes": "passed", c.name + "::fails": "failure"})
	}
}

// TestNodeBadInput: what cannot be run is said.
func TestNodeBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		code  int
		says  string
	}{
		"missing":  {map[string]string{"package.json": `{"scripts": {"test": "jest"}}`}, process.Usage, "jest is not installed in node_modules"},
		"no tests": {map[string]string{"package.json": `{"scripts": {"test": "node --test"}}`}, process.Usage, "# tests 0"},
		"plain":    {map[string]string{"package.json": `{"scripts": {"test": "node --test"}}`, "test/a.js": "require('assert')(false)"}, process.Refuted, "ERROR test/a.js"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needs(t, "node")
			s := newSuite(t, c.files)
			code, out, errs := s.test("--engine", "local")
			if code != c.code || !strings.Contains(out+errs, c.says) {
				t.Errorf("exit %d, want %d with %q\n%s\n%s", code, c.code, c.says, out, errs)
			}
		})
	}
}
