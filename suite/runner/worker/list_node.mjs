// Lists a project's tests for Node.js's own runner: each file is loaded in a process, in which what would
// register a test notes it instead. A file that registers none is itself a test, as for node --test.
import os from 'node:os'
import { command, firstError, fork, split } from './run_node.mjs'
import { list, nameOf } from './node.mjs'

await list(async args => {
  const { flags, files, pattern } = split(args)
  const all = []
  const errors = []
  const waiting = files.map((file, i) => ({ file, i }))
  const work = async () => {
    for (let f = waiting.shift(); f !== undefined; f = waiting.shift()) all[f.i] = await load(f.file, flags, pattern, errors)
  }
  await Promise.all(Array.from({ length: os.availableParallelism() }, work))
  const tests = all.flat().filter(Boolean)
  if (tests.length === 0 && errors.length === 0) console.log('# tests 0')
  return { tests, errors, settings: { flags: JSON.stringify(flags) } }
})

async function load (file, flags, pattern, errors) {
  const tests = []
  let seen = 0
  const { code, output } = await fork(command(flags, file), { mode: 'list' }, m => {
    seen++
    if (!pattern || pattern.test(m.names.join(' '))) {
      tests.push({ id: m.id, file, line: m.line, name: nameOf(m.id, m.names.at(-1)), class: [file, ...m.names.slice(0, -1)].join(' > '), scope: file, whole: true })
    }
  })
  if (code !== 0) {
    errors.push({ where: file, detail: `${firstError(output)}\n${output}` })
    return []
  }
  return seen > 0 ? tests : [{ id: file, file, name: file, scope: file, whole: true }]
}
