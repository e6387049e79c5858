// Lists a project's tests with jest, asked to run those of a name that none has: it runs what describes
// tests, and no test.
import { Jest, idsOf } from './run_jest.mjs'
import { list, nameOf, relative } from './node.mjs'

await list(async args => {
  const jest = new Jest(args)
  const pattern = (await jest.argv({})).testNamePattern
  const chosen = pattern ? new RegExp(pattern, 'i') : /(?:)/
  const results = await jest.run({ testNamePattern: '(?!)', testLocationInResults: true, passWithNoTests: true })
  const errors = []
  const tests = results.testResults.flatMap(file => {
    if (file.testExecError || (file.testResults.length === 0 && file.failureMessage)) errors.push({ where: relative(file.testFilePath), detail: file.failureMessage.replace(/^\s*● Test suite failed to run\s*/, '') })
    return idsOf(file).filter(([, t]) => chosen.test(t.fullName)).map(([id, t]) => describe(id, t, relative(file.testFilePath)))
  })
  if (tests.length + errors.length === 0) console.log('No tests found')
  return { tests, errors, exit: tests.length + errors.length === 0 ? 1 : 0, settings: { maxfail: String(Number((await jest.argv({})).bail ?? 0)) } }
})

function describe (id, test, file) {
  return { id, file, line: test.location?.line ?? 0, name: nameOf(id, test.title), class: [file, ...test.ancestorTitles].join(' > '), scope: file, whole: true }
}
