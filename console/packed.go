package console

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// packedTypes are what pages are made of. What streams is not among them.
var packedTypes = []string{"text/html", "text/css", "text/javascript", "application/json", "text/csv", "image/svg+xml"}

// packed answers pages and charts compressed, to those who take it.
func packed(next http.Handler) (http.Handler, error) {
	pack, err := gzhttp.NewWrapper(gzhttp.ContentTypes(packedTypes))
	if err != nil {
		return nil, err
	}
	smaller := pack(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") && !strings.Contains(r.URL.Path, "/charts/") {
			next.ServeHTTP(w, r)
			return
		}
		smaller.ServeHTTP(w, r)
	}), nil
}
