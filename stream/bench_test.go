package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/assaylab/assay/stream/natstest"
)

// BenchmarkOffer is what one offer of 1 kB costs a gateway, from Carry until JetStream has it on disk, when as many
// wait as there is room for: frames fill up while the one before is on its way. Alone, an offer costs a round trip.
// On two busy cores, with a disk that is written to at each message: 1.6 ms one by one, 0.1 ms in frames.
func BenchmarkOffer(b *testing.B) {
	server := natstest.Start(b)
	gateway := open(b, server.URL, func(o *Options) { o.MaxBytes, o.Waiting = 3<<30, 10_000 })
	if err := gateway.Reached(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, at := range []int{1, 5000} {
		b.Run(fmt.Sprint("waiting=", at), func(b *testing.B) {
			from := newSource(fmt.Sprint("gateway-", b.Name(), b.N))
			for i := range b.N {
				for from.unsettled() >= int64(at) {
					time.Sleep(10 * time.Microsecond)
				}
				from.offer(gateway, fmt.Sprint(b.Name(), b.N, "-", i))
			}
			for from.unsettled() > 0 {
				time.Sleep(10 * time.Microsecond)
			}
		})
	}
}
