//go:build race

package run_test

// underRace tells that the race detector slows everything down about tenfold: `make test` sends Node.js, which is 120 MB,
// without it.
const underRace = true
