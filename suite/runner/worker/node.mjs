// What the programs for Node.js's runners share: the two pipes to the worker, ids, and texts of bounded size.
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import readline from 'node:readline'
import { createRequire } from 'node:module'

export const project = () => createRequire(path.join(process.cwd(), 'package.json'))

// Link is the two pipes. They are opened anew, so that no process that a test starts inherits them.
export class Link {
  constructor (fro, to) {
    const input = new net.Socket({ fd: reopened(fro, 'r'), readable: true, writable: false })
    this.lines = readline.createInterface({ input })[Symbol.asyncIterator]()
    this.to = reopened(to, 'w')
  }

  async hear () {
    const { value, done } = await this.lines.next()
    return done ? null : JSON.parse(value)
  }

  say (message) {
    let data = Buffer.from(JSON.stringify(message) + '\n')
    while (data.length > 0) data = data.subarray(fs.writeSync(this.to, data))
  }
}

function reopened (fd, flags) {
  const own = fs.openSync(`/proc/self/fd/${fd}`, flags)
  fs.closeSync(fd)
  return own
}

// serve runs a program that is given tests. Until the project is known it does what it can.
export async function serve (Runner) {
  const link = new Link(Number(process.argv[2]), Number(process.argv[3]))
  link.say({ ready: true })
  const first = await link.hear()
  if (first === null) process.exit()
  process.chdir(first.tree)
  process.argv = process.argv.slice(0, 1)
  const runner = await new Runner(link).open(first)
  for (let m = await link.hear(); m !== null && !('finish' in m); m = await link.hear()) {
    await runner.run(m.tests)
    link.say({ done: true })
  }
  await runner.close?.()
  process.exit()
}

// list writes a listing into the file named first.
export async function list (listing) {
  const [to, ...args] = process.argv.slice(2)
  process.argv = process.argv.slice(0, 1)
  fs.writeFileSync(to, JSON.stringify({ partial: true, exit: 0, ...await listing(args) }))
  process.exit()
}

// Ids numbers those that come again.
export class Ids {
  seen = new Map()

  next (file, names) {
    const id = [relative(file), ...names].join(' > ')
    const n = (this.seen.get(id) ?? 0) + 1
    this.seen.set(id, n)
    return n > 1 ? `${id} #${n}` : id
  }
}

// nameOf is a test's name with the number that its id has.
export function nameOf (id, name) {
  const number = / #\d+$/.exec(id)?.[0] ?? ''
  return name.endsWith(number) ? name : name + number
}

export const relative = file => path.relative(process.cwd(), file).split(path.sep).join('/')

// patternOf matches the full names of tests, by ids. Runners join names with a space; a name may hold what ids are joined with.
export function patternOf (ids) {
  const one = id => id.split(' > ').slice(1).join('\0').replace(/ #\d+$/, '').split('\0').map(escaped).join('(?: > | )')
  return `^(${ids.map(one).join('|')})$`
}

const escaped = text => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

export const fileOf = id => id.split(' > ')[0]

const maxOutput = 64 << 10

export function cut (text, limit = maxOutput) {
  if (text.length <= limit) return text
  const half = limit >> 1
  return text.slice(0, half) + note(text.length - 2 * half) + text.slice(-half)
}

const note = n => `\n... ${n} characters left out ...\n`

// Kept is the first and the last half of what is added.
export class Kept {
  first = ''
  last = ''
  out = 0

  add (text) {
    const half = maxOutput >> 1
    const room = Math.max(half - this.first.length, 0)
    this.first += text.slice(0, room)
    this.last += text.slice(room)
    if (this.last.length > half) {
      this.out += this.last.length - half
      this.last = this.last.slice(-half)
    }
  }

  take () {
    const text = this.first + (this.out > 0 ? note(this.out) : '') + this.last
    this.first = this.last = ''
    this.out = 0
    return text
  }
}

// captured keeps what is written to standard output and error from within this process.
export function captured () {
  const kept = new Kept()
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (chunk, encoding, done) => {
      kept.add(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
      const then = typeof encoding === 'function' ? encoding : done
      if (then) process.nextTick(then)
      return true
    }
  }
  return kept
}

export const explained = error => error?.stack?.includes(error.message) ? error.stack : `${error?.message ?? error}\n${error?.stack ?? ''}`

export const firstLine = text => String(text ?? '').replace(/\x1b\[[0-9;]*m/g, '').split('\n').map(l => l.trim()).find(l => l !== '') ?? ''

export const now = () => Date.now() / 1000
