// Package order puts a suite's tests into other orders, and finds out which tests depend on theirs. In come
// tests, and a function that runs sequences of them, each in a process of its own; out go orders, and the
// pairs of tests that must not, or must, follow one another. It is pure.
//
// A test that fails after some other one, and not without it, is that one's victim, and the other its
// polluter. A brittle test fails unless a state-setter ran before it. Both words are those of Lam, Oei,
// Shi, Marinov, Xie, "iDFlakies: A Framework for Detecting and Partially Classifying Flaky Tests" (2019)
// and Shi, Lam, Oei, Xie, Marinov, "iFixFlakies" (2019).
package order

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"
)

// Shuffle is an order of tests that a seed decides, as indexes. Tests of one group stay together; "" is no
// group. Two tests keep their order when others come and go.
func Shuffle(ids, groups []string, seed uint64) []int {
	order := make([]int, len(ids))
	for i := range order {
		order[i] = i
	}
	group := func(i int) uint64 {
		if groups[i] == "" {
			return place(seed, "test "+ids[i])
		}
		return place(seed, "group "+groups[i])
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(group(a), group(b)), cmp.Compare(place(seed, ids[a]), place(seed, ids[b])), cmp.Compare(ids[a], ids[b]))
	})
	return order
}

// place is a number that looks random, and depends on each bit of the seed and the text.
func place(seed uint64, text string) uint64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, seed))
	h.Write([]byte(text))
	x := h.Sum64() // its high bits do not depend on all of the last bytes: mix them, as splitmix64 does
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Deal cuts an order into n parts that are equally long.
func Deal(order []int, n int) [][]int {
	n = max(1, min(n, len(order)))
	parts := make([][]int, n)
	for i := range parts {
		parts[i] = order[i*len(order)/n : (i+1)*len(order)/n]
	}
	return parts
}
