package assay

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// ARM64 is the one architecture of AWS Lambda with prices of its own; every other has those of x86_64.
const ARM64 = "arm64"

// Prices of AWS Lambda for one architecture, in US dollars.
type Prices struct {
	GBSecond float64 `json:"gb_second"` // per GB-second of billed time
	Request  float64 `json:"request"`   // per invocation
}

// PriceList is what invocations cost, and who says so.
type PriceList struct {
	Source string `json:"source"` // where the prices were read
	Date   string `json:"date"`   // and when
	Region string `json:"region"` // for which region and contract
	X86    Prices `json:"x86_64"`
	ARM    Prices `json:"arm64"`
}

//go:embed prices.json
var published []byte

// PublishedPrices are AWS's own, of the day that prices.json names.
func PublishedPrices() PriceList {
	var list PriceList
	if err := json.Unmarshal(published, &list); err != nil {
		panic(err) // a test reads it
	}
	return list
}

// ParsePrices reads a price list like prices.json, of which it may leave out what is as published.
func ParsePrices(data []byte) (PriceList, error) {
	list := PublishedPrices()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return PriceList{}, &Error{
			Code: CodeInvalid, What: "the price list cannot be read: " + err.Error(), Err: err,
			Hint: `write {"source": "...", "date": "...", "x86_64": {"gb_second": 0.0000166667, "request": 0.0000002}, "arm64": {...}}`,
		}
	}
	for _, p := range []struct {
		of string
		Prices
	}{{"arm64", list.ARM}, {"x86_64", list.X86}} {
		if !amount(p.GBSecond) || !amount(p.Request) {
			return PriceList{}, &Error{Code: CodeInvalid, What: fmt.Sprintf("the prices of %s are below zero or beyond bounds", p.of), Hint: "write US dollars"}
		}
	}
	return list, nil
}

func amount(usd float64) bool { return usd >= 0 && !math.IsInf(usd, 0) }

// For returns the prices of an architecture in AWS's words.
func (l PriceList) For(architecture string) Prices {
	if architecture == ARM64 {
		return l.ARM
	}
	return l.X86
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
