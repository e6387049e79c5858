// Lists a project's tests with mocha: its files are loaded, and no test is run.
import { Loaded } from './run_mocha.mjs'
import { fileOf, list, nameOf } from './node.mjs'

await list(async args => {
  const loaded = await new Loaded().load(args)
  const tests = loaded.tests.map(([id, test]) => describe(id, test))
  if (tests.length === 0) console.log('\n  0 passing')
  return { tests, errors: loaded.faults, settings: { maxfail: loaded.options.bail ? '1' : '0' } }
})

function describe (id, test) {
  const file = fileOf(id)
  const shared = sharing(test)
  return {
    id, file, name: nameOf(id, test.title), class: [file, ...test.titlePath().slice(0, -1)].join(' > '),
    scope: shared && [file, ...shared.titlePath()].join(' > '), whole: Boolean(shared)
  }
}

// sharing is the outermost suite that sets something up for its tests.
function sharing (test) {
  let found = ''
  for (let s = test.parent; s && !s.root; s = s.parent) {
    if (s._beforeAll.length + s._afterAll.length > 0) found = s
  }
  return found
}
