package stats

import (
	"cmp"
	"slices"
)

// EBH tells which of the claims with these e-values to reject so that at most the share alpha of the
// rejected ones is expected to be true, however the e-values depend on one another: the e-BH procedure.
func EBH(evalues []float64, alpha float64) []bool {
	order := make([]int, len(evalues))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(evalues[b], evalues[a]) })
	rejected := make([]bool, len(evalues))
	for k := len(order); k >= 1; k-- {
		if float64(k)*evalues[order[k-1]]*alpha < float64(len(order)) {
			continue
		}
		for _, i := range order[:k] {
			rejected[i] = true
		}
		break
	}
	return rejected
}
