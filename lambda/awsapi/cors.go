package awsapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/assaylab/assay/lambda/control"
)

// cors is a function URL's configuration of cross-origin requests.
type cors control.Cors

// answer answers a preflight request itself, as AWS does: the function does not see it.
func (c cors) answer(w http.ResponseWriter, r *http.Request) bool {
	method := r.Header.Get("Access-Control-Request-Method")
	if r.Method != http.MethodOptions || method == "" {
		return false
	}
	h := w.Header()
	c.allow(h, r.Header.Get("Origin"))
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","))
		h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
		if c.MaxAge != nil {
			h.Set("Access-Control-Max-Age", strconv.Itoa(*c.MaxAge))
		}
	}
	w.WriteHeader(http.StatusOK)
	return true
}

// allow sets the fields that answers to an origin have. They replace the function's own.
func (c cors) allow(h http.Header, origin string) {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
	h.Add("Vary", "Origin")
	allowed := c.origin(origin)
	if origin == "" || allowed == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", allowed)
	if c.AllowCredentials != nil && *c.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
}

func (c cors) origin(origin string) string {
	for _, allowed := range c.AllowOrigins {
		switch {
		case allowed == "*" && c.AllowCredentials != nil && *c.AllowCredentials:
			return origin // "*" means nothing with credentials
		case allowed == "*", strings.EqualFold(allowed, origin):
			return allowed
		}
	}
	return ""
}
