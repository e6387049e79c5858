// Loaded into a process before a file of tests: whoever asks for node:test gets what registers only the
// tests that are chosen, or notes all of them. What the tests get is Node.js's own.
import Module, { register } from 'node:module'
import { shim } from './node_tests.mjs'

register('./node_resolve.mjs', import.meta.url)
const load = Module._load
Module._load = function (request, parent, isMain) {
  return request === 'node:test' ? shim : load.call(this, request, parent, isMain)
}
