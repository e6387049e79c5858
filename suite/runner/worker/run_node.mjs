// Runs chosen tests with Node.js's own runner: one process for those of a file, as node --test does.
import fs from 'node:fs'
import path from 'node:path'
import readline from 'node:readline'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Kept, cut, fileOf, firstLine, now, serve } from './node.mjs'

const here = name => new URL(name, import.meta.url).href

// command is what runs a file.
export const command = (flags, file) => [
  ...flags, '--import', here('node_hook.mjs'), '--test-reporter', here('node_report.mjs'), '--test-reporter-destination', '/dev/null', file
]

// fork runs node, and tells each message that it writes to a pipe of its own.
export function fork (args, about, heard) {
  const env = { ...process.env, ASSAY_NODE: JSON.stringify(about) }
  delete env.NODE_TEST_CONTEXT
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const output = new Kept()
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => output.add(text))
  const lines = readline.createInterface({ input: child.stdio[3] })
  lines.on('line', line => heard(JSON.parse(line), output))
  return new Promise(resolve => {
    child.on('exit', () => setTimeout(() => child.stdio.forEach(s => s?.destroy()), 1000).unref()) // what it left running may hold them
    child.on('error', error => resolve({ code: 127, output: String(error) }))
    child.on('close', (code, signal) => resolve({ code, signal, output: output.take() }))
  })
}

const valued = ['--import', '--require', '-r', '--loader', '--experimental-loader', '--conditions', '-C', '--env-file', '--test-timeout', '--test-name-pattern']
const ours = /^--(test$|test-reporter|test-concurrency|watch|experimental-test-coverage|test-shard|test-name-pattern)/

// split tells flags of node from files, and reads the pattern for names.
export function split (args) {
  const flags = []
  const named = []
  let pattern = null
  for (let i = 0; i < args.length; i++) {
    const a = args[i]
    if (!a.startsWith('-')) {
      named.push(a)
      continue
    }
    const value = a.includes('=') ? a.slice(a.indexOf('=') + 1) : valued.includes(a) ? args[++i] : undefined
    if (a.startsWith('--test-name-pattern')) pattern = regexp(value)
    else if (!ours.test(a)) flags.push(a, ...(value !== undefined && !a.includes('=') ? [value] : []))
  }
  return { flags, files: found(named), pattern }
}

function regexp (text) {
  const parts = /^\/(.*)\/([a-z]*)$/s.exec(text)
  return parts ? new RegExp(parts[1], parts[2]) : new RegExp(text)
}

const usual = /(^|\/)(test-[^/]*|test|[^/]*[._-]test)\.[cm]?js$|(^|\/)test\/.*\.[cm]?js$/

// found are the files to run: those named, by globs or folders or themselves, or those that node --test takes.
function found (named) {
  const all = walk('.')
  if (named.length === 0) return all.filter(f => usual.test(f))
  const files = named.flatMap(name => {
    const clean = path.normalize(name)
    if (fs.existsSync(clean) && fs.statSync(clean).isDirectory()) return all.filter(f => f.startsWith(clean.replace(/\/$/, '') + '/') && /\.[cm]?js$/.test(f))
    return fs.existsSync(clean) ? [clean] : all.filter(f => glob(clean).test(f))
  })
  return [...new Set(files)]
}

function glob (text) {
  const parts = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]', '{': '(?:', '}': ')', ',': '|' }
  return new RegExp('^' + text.replace(/\*\*\/|\*\*|[*?{},]|[\\^$.|+()]/g, s => parts[s] ?? '\\' + s) + '$')
}

function walk (dir) {
  return fs.readdirSync(dir, { withFileTypes: true }).sort((a, b) => a.name < b.name ? -1 : 1).flatMap(e => {
    const name = path.posix.join(dir, e.name)
    if (e.isDirectory()) return e.name === 'node_modules' || e.name.startsWith('.') ? [] : walk(name)
    return [name]
  })
}

class Runner {
  constructor (link) {
    this.link = link
  }

  async open (first) {
    this.flags = JSON.parse(first.settings.flags)
    return this
  }

  async run (ids) {
    const files = Map.groupBy ? Map.groupBy(ids, fileOf) : grouped(ids)
    for (const [file, some] of files) {
      for (let left = some; left.length > 0;) left = await this.runFile(file, left)
    }
  }

  // runFile runs tests of a file, and returns those that a test has kept from being run by ending the process.
  async runFile (file, ids) {
    const left = new Set(ids)
    const whole = left.has(file)
    const began = now()
    let running = null
    const say = result => {
      left.delete(result.id)
      this.link.say({ result })
    }
    if (whole) this.link.say({ start: file })
    const { code, signal, output } = await fork(command(this.flags, file), { mode: 'run', ids }, (m, kept) => {
      if (m.start && left.has(m.start)) {
        running = { id: m.start, began: now() }
        this.link.say({ start: m.start })
      }
      if (!m.result || !left.has(m.result.id)) return
      kept.take()
      if (running?.id === m.result.id) running = null
      say(m.result)
    })
    const how = signal ? `signal ${signal}` : `exit status ${code}`
    if (whole) say({ id: file, status: code === 0 ? 'pass' : 'fail', start: began, call: now() - began, message: code === 0 ? '' : how, detail: code === 0 ? '' : output })
    if (left.size === 0) {
      if (code !== 0 && !this.failed(ids)) this.link.say({ late: { id: ids.at(-1), status: 'error', start: now(), message: `the file's tests passed, and its process ended with ${how}`, detail: output } })
      return []
    }
    if (running && left.has(running.id)) {
      say({ id: running.id, status: 'crash', start: running.began, call: now() - running.began, message: `it ended its process: ${how}`, output })
      return [...left]
    }
    for (const id of left) {
      this.link.say({ start: id })
      say({ id, status: 'error', start: began, message: firstError(output) || `node did not run it (${how})`, detail: cut(output) })
    }
    return []
  }
}

// firstError is the line of what node prints that says what is wrong.
export const firstError = output => output.split('\n').map(l => l.trim()).find(l => /^\w*Error\b.*:/.test(l)) ?? firstLine(output)

function grouped (ids) {
  const all = new Map()
  for (const id of ids) all.set(fileOf(id), [...(all.get(fileOf(id)) ?? []), id])
  return all
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(Runner)
