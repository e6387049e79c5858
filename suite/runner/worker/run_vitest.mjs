// Runs chosen tests with vitest, in one process: each batch is a run of vitest's on their files, for their
// names. Vitest starts processes or threads of its own for the tests, as it is configured.
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Ids, Kept, captured, cut, explained, fileOf, firstLine, now, patternOf, project, relative, serve } from './node.mjs'

// open opens the project's vitest, with the command line read as it does.
export async function open (args, reporter) {
  const { createVitest, parseCLI } = await import(pathToFileURL(project().resolve('vitest/node')).href)
  const { filter, options } = parseCLI(['vitest', ...args])
  const vitest = await createVitest('test', {
    ...options, testNamePattern: undefined, watch: false, run: true, reporters: [reporter], includeTaskLocation: true, coverage: { enabled: false }, bail: 0
  })
  return { vitest, filter, options }
}

// idsOf are the tests of a module, each with its id.
export function idsOf (module) {
  const ids = new Ids()
  return [...module.children.allTests()].map(t => [ids.next(module.moduleId, names(t)), t])
}

export function names (test) {
  const all = [test.name]
  for (let s = test.parent; s && s.type === 'suite'; s = s.parent) all.unshift(s.name)
  return all
}

// faultsAround are those of the suites around a test: vitest skips it then.
function faultsAround (test) {
  const all = []
  for (let s = test.parent; s; s = s.parent) all.push(...(s.errors?.() ?? []))
  return all
}

const LATE = 50 // milliseconds that a result waits for what its test wrote

class Runner {
  constructor (link) {
    this.link = link
  }

  async open (first) {
    this.output = captured()
    const options = process.env.NODE_OPTIONS ?? ''
    process.env.ASSAY_NODE_OPTIONS = options
    process.env.NODE_OPTIONS = `${options} --import ${new URL('vitest_stdout.mjs', import.meta.url).href}`
    this.logs = new Map() // what tests wrote by console, by vitest's name of the test
    const { vitest } = await open(first.args, {
      onTestCaseReady: t => this.began(t), onTestCaseResult: t => this.ended(t), onUserConsoleLog: log => this.heard(log)
    })
    this.vitest = vitest
    await vitest.init?.()
    return this
  }

  async close () {
    await this.vitest.close()
  }

  async run (ids) {
    this.left = new Set(ids)
    this.again = new Set(ids.map(id => / #\d+$/.test(id) ? id.replace(/ #\d+$/, '') : ''))
    const files = new Set(ids.map(id => path.resolve(fileOf(id))))
    let why = ''
    try {
      this.vitest.setGlobalTestNamePattern(new RegExp(patternOf(ids)))
      const specs = (await this.vitest.globTestSpecifications([...files])).filter(s => files.has(s.moduleId))
      const { testModules, unhandledErrors } = await this.vitest.runTestSpecifications(specs, false)
      why = [...testModules.flatMap(m => m.errors()), ...unhandledErrors].map(explained).join('\n')
      for (const module of testModules) {
        for (const [id, t] of idsOf(module)) if (t.result().state !== 'pending') this.report(id, t)
      }
    } catch (error) {
      why = error.stack
    }
    for (const id of this.left) this.missing(id, why)
  }

  idOf (test) {
    const id = [relative(test.module.moduleId), ...names(test)].join(' > ')
    return this.left.has(id) && !this.again.has(id) ? id : undefined
  }

  began (test) {
    const id = this.idOf(test)
    if (id) this.link.say({ start: id })
  }

  // heard: what a test writes by console comes apart from its result, and often after it.
  heard (log) {
    if (!log.taskId) return this.output.add(log.content)
    if (!this.logs.has(log.taskId)) this.logs.set(log.taskId, new Kept())
    this.logs.get(log.taskId).add(log.content)
  }

  ended (test) {
    const id = this.idOf(test)
    if (id && test.result().state !== 'skipped') setTimeout(() => this.report(id, test), LATE)
  }

  report (id, test) {
    if (!this.left.delete(id)) return
    const { state, note } = test.result()
    const errors = test.result().errors ?? []
    const around = state === 'skipped' ? faultsAround(test) : []
    const about = test.diagnostic()
    const call = (about?.duration ?? 0) / 1000
    const result = { id, status: { passed: 'pass', failed: 'fail' }[state] ?? 'skip', start: (about?.startTime ?? Date.now()) / 1000, call }
    const output = (this.logs.get(test.id)?.take() ?? '') + this.output.take()
    this.logs.delete(test.id)
    if (state === 'failed') {
      const detail = (errors).map(explained).join('\n')
      Object.assign(result, { message: firstLine(errors[0]?.message), detail: cut(detail), output, line: test.location?.line })
    }
    if (around.length > 0) Object.assign(result, { status: 'error', message: firstLine(around[0].message), detail: cut(around.map(explained).join('\n')), output })
    else if (state === 'skipped') result.message = note ?? (test.options?.mode === 'todo' ? 'todo' : '')
    this.link.say({ result })
  }

  missing (id, why) {
    this.left.delete(id)
    this.link.say({ start: id })
    this.link.say({ result: { id, status: 'error', start: now(), message: firstLine(why) || 'vitest does not find it on the worker', detail: cut(why), output: this.output.take() } })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(Runner)
