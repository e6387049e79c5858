package browser

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// startCrowd runs a laboratory of many experiments, some with all that is long: names, paths, queries, keys.
func startCrowd(t *testing.T) *lab {
	t.Helper()
	needed(t)
	server := httptest.NewServer(services())
	t.Cleanup(server.Close)
	text := "experiments:\n"
	var paths []string
	for i := range 20 {
		name, deep := fmt.Sprint("orders-", i), ""
		if i%5 == 4 {
			name = fmt.Sprint("settlement-of-international-purchase-orders-of-region-", i)
			deep = strings.Repeat("warehouse-of-a-very-long-name/", 6)
		}
		text += fmt.Sprintf(`  %[1]s:
    path: /long/%[2]d/*
    control: {name: "The implementation that has been in production since the beginning of time", url: "%[3]s/control"}
    candidates:
      rewritten-in-a-language-whose-name-nobody-remembers: {name: "Rewritten in a language whose name nobody remembers any more", url: "%[3]s/wrong"}
      second: {url: "%[3]s/control"}
    comparators: [{statuscode: }, {body: {as: json}}]
    hypothesis: {mismatch: "<= 5%%"}
`, name, i, server.URL)
		for n := range 30 {
			paths = append(paths, fmt.Sprintf("/long/%d/%s%d?note=%s", i, deep, n, strings.Repeat("a-query-without-an-end-", 8)))
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "assay.yaml"), text)
	l := runLab(t, "-f", dir)
	l.send(t, paths)
	return l
}
