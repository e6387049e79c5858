// Runs chosen tests with jest, in one process: each batch is a run of jest's on their files, for their names.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ids, captured, cut, fileOf, firstLine, now, patternOf, project, relative, serve } from './node.mjs'

const beside = name => fileURLToPath(new URL(name, import.meta.url))

export class Jest {
  constructor (args) {
    this.args = args
    this.jest = project()('jest')
  }

  async argv (more) {
    return { ...await this.jest.buildArgv(this.args), ...more }
  }

  async run (more) {
    const argv = await this.argv({
      reporters: [beside('jest_report.cjs')], filter: beside('jest_filter.cjs'), runInBand: true, watch: false, watchAll: false, watchman: false, coverage: false, collectCoverage: false, ...more
    })
    const { results } = await this.jest.runCLI(argv, argv.projects?.length ? argv.projects : [argv.rootDir ?? process.cwd()])
    return results
  }
}

// idsOf are the tests of a file's result, each with its id.
export function idsOf (file) {
  const ids = new Ids()
  return file.testResults.map(t => [ids.next(file.testFilePath, [...t.ancestorTitles, t.title]), t])
}

const statuses = { passed: 'pass', failed: 'fail', pending: 'skip', skipped: 'skip', disabled: 'skip', todo: 'skip', focused: 'skip' }

class Runner {
  constructor (link) {
    this.link = link
  }

  async open (first) {
    this.output = captured()
    this.jest = new Jest(first.args)
    return this
  }

  async run (ids) {
    this.left = new Set(ids)
    this.again = new Set(ids.map(id => / #\d+$/.test(id) ? id.replace(/ #\d+$/, '') : '')) // names that come several times
    globalThis[Symbol.for('assay.jest')] = { began: (file, t) => this.began(file, t), ended: (file, t) => this.ended(file, t) }
    const files = [...new Set(ids.map(fileOf))].map(f => path.resolve(f))
    let why = ''
    try {
      const results = await this.jest.run({
        _: files, runTestsByPath: true, testPathPatterns: undefined, testNamePattern: patternOf(ids), passWithNoTests: true, bail: 0, shard: undefined
      })
      for (const file of results.testResults) {
        why ||= file.failureMessage ?? ''
        for (const [id, t] of idsOf(file)) this.report(id, t)
      }
    } catch (error) {
      why = error.stack
    }
    for (const id of this.left) {
      this.link.say({ start: id })
      this.report(id, { status: 'missing', failureMessages: [why || 'jest does not find it on the worker'] })
    }
  }

  idOf (file, test) {
    const id = [relative(file), ...test.ancestorTitles, test.title].join(' > ')
    return this.left.has(id) && !this.again.has(id) ? id : undefined
  }

  began (file, test) {
    const id = this.idOf(file, test)
    if (id) this.link.say({ start: id })
  }

  ended (file, test) {
    const id = this.idOf(file, test)
    if (id && statuses[test.status] !== 'skip') this.report(id, test)
  }

  report (id, test) {
    if (!this.left.delete(id)) return
    const call = (test.duration ?? 0) / 1000
    const result = { id, status: statuses[test.status] ?? 'error', start: test.startedAt ? test.startedAt / 1000 : now() - call, call }
    const output = this.output.take()
    if (result.status !== 'pass' && result.status !== 'skip') {
      const detail = (test.failureMessages ?? []).join('\n')
      Object.assign(result, { message: firstLine(detail), detail: cut(detail), output, line: test.location?.line })
    }
    if (test.status === 'todo') result.message = 'todo'
    this.link.say({ result })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(Runner)
