// Lists a project's tests with vitest: it runs what describes tests, and no test.
import { idsOf, names, open } from './run_vitest.mjs'
import { explained, list, nameOf, relative } from './node.mjs'

await list(async args => {
  const { vitest, filter, options } = await open(args, {})
  const specs = await vitest.globTestSpecifications(filter)
  const { testModules } = await vitest.collectTests(specs.filter(s => !relative(s.moduleId).split('/').includes('.assay')))
  const chosen = options.testNamePattern ? new RegExp(options.testNamePattern) : /(?:)/
  const errors = []
  const tests = testModules.flatMap(module => {
    if (module.errors().length > 0) errors.push({ where: relative(module.moduleId), detail: module.errors().map(explained).join('\n') })
    return idsOf(module).filter(([, t]) => chosen.test(t.fullName)).map(([id, t]) => describe(id, t, relative(module.moduleId)))
  })
  if (tests.length + errors.length === 0) console.log('No test files found')
  return { tests, errors, exit: tests.length + errors.length === 0 ? 1 : 0, settings: { maxfail: String(options.bail ?? 0) } }
})

function describe (id, test, file) {
  return { id, file, line: test.location?.line ?? 0, name: nameOf(id, test.name), class: [file, ...names(test).slice(0, -1)].join(' > '), scope: file, whole: true }
}
