package assay

import "time"

// Prices of AWS Lambda on demand, in US dollars. Override them for another region or contract.
type Prices struct {
	GBSecond  float64 // per GB-second of billed time
	Request   float64 // per invocation
	Described string  // where and when they were read
}

// PricesX86 are the prices for x86_64.
var PricesX86 = Prices{
	GBSecond:  0.0000166667,
	Request:   0.0000002,
	Described: "aws.amazon.com/lambda/pricing, us-east-1, first tier, November 2026",
}

// Billed is the time AWS charges for an invocation: init (billed on every runtime since August 2025)
// and duration, rounded up to the millisecond.
func Billed(init, duration time.Duration) time.Duration {
	const ms = time.Millisecond
	return (init + duration + ms - 1) / ms * ms
}

// Cost of one invocation in US dollars.
func (p Prices) Cost(memoryMB int, billed time.Duration) float64 {
	return p.Request + p.GBSecond*float64(memoryMB)/1024*billed.Seconds()
}
