package schedule

import (
	"cmp"
	"slices"
	"time"
)

// Shard returns the i-th of n parts of about the same duration, as indexes in the order of tasks: each
// scope, longest first, goes to the part that has least. All who know the same make the same parts.
func Shard(tasks []Task, i, n int) []int {
	filled := Fill(tasks)
	all := units(filled, n)
	slices.SortStableFunc(all, func(a, b unit) int { return cmp.Compare(b.estimate, a.estimate) })
	sums, counts := make([]time.Duration, n), make([]int, n)
	var part []int
	for _, u := range all {
		least := 0
		for j := range n {
			if sums[j] < sums[least] || sums[j] == sums[least] && counts[j] < counts[least] {
				least = j
			}
		}
		sums[least] += u.estimate
		counts[least] += len(u.tests)
		if least == i {
			part = append(part, u.tests...)
		}
	}
	slices.Sort(part)
	return part
}

// Fill gives tests that nothing is known of the mean of the others.
func Fill(tasks []Task) []Task {
	var sum time.Duration
	known := 0
	for _, t := range tasks {
		if t.Known {
			sum, known = sum+t.Estimate, known+1
		}
	}
	filled := slices.Clone(tasks)
	for i := range filled {
		if !filled[i].Known && known > 0 {
			filled[i].Estimate = sum / time.Duration(known)
		}
	}
	return filled
}
