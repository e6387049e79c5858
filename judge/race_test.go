//go:build race

package judge

// underRace tells that the race detector slows everything down about tenfold: `make test` runs the
// simulations without it.
const underRace = true
