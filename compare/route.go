package compare

import (
	"net/url"
	"strings"
)

// route is a pattern of paths like that of an experiment: "/a/{id}/b" or "/a/*"; "" takes every request.
type route string

// takes tells whether a request's path fits, segment by segment, however percent-encoded.
func (r route) takes(path string) bool {
	if r == "" {
		return true
	}
	pattern, segments := segmentsOf(string(r)), segmentsOf(path)
	for i, want := range pattern {
		if want == "*" && i == len(pattern)-1 {
			return true
		}
		if i >= len(segments) || !fits(want, segments[i]) {
			return false
		}
	}
	return len(segments) == len(pattern)
}

func segmentsOf(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

func fits(pattern, segment string) bool {
	if strings.HasPrefix(pattern, "{") && strings.HasSuffix(pattern, "}") {
		return segment != ""
	}
	return plainSegment(pattern) == plainSegment(segment)
}

// plainSegment resolves percent-encoding; a segment that is not well encoded stays as it is.
func plainSegment(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}
