// Is loaded first by the processes that vitest starts: it keeps tests from closing their standard streams, by which vitest
// hears of them. What such a process starts in turn does not load it.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { close, closeSync } = fs
const standard = fd => fd === 1 || fd === 2

fs.closeSync = fd => standard(fd) ? undefined : closeSync(fd)
fs.close = (fd, done) => standard(fd) ? done && process.nextTick(done, null) : close(fd, done)
syncBuiltinESMExports()

const { ASSAY_NODE_OPTIONS: before } = process.env
delete process.env.ASSAY_NODE_OPTIONS
if (before) process.env.NODE_OPTIONS = before
else delete process.env.NODE_OPTIONS
