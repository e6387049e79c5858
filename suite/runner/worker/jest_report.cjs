// Told by jest, in its own process, when a test begins and ends.
const told = () => globalThis[Symbol.for('assay.jest')] ?? {}

module.exports = class {
  onTestCaseStart (file, test) {
    told().began?.(file.path, test)
  }

  onTestCaseResult (file, test) {
    told().ended?.(file.path, test)
  }
}
