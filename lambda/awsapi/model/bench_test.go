package model

import "testing"

// BenchmarkLoad is what reading the model adds to the start of `assay up`.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}
