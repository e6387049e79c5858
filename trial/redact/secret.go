package redact

import (
	"bytes"
	"strings"
)

// secretWords mark a name as that of a secret, whatever stands before and after: header fields,
// parameters, form fields, JSON members, XML elements. In lower case.
var secretWords = []string{
	"api-key", "api_key", "apikey", "authorization", "cookie", "credential", "passwd", "password",
	"private-key", "private_key", "privatekey", "secret", "signature", "token",
}

// wordsBy lists the words by their first letter, in both cases: most bytes need no second look.
var wordsBy = func() (by [256][]string) {
	for _, w := range secretWords {
		by[w[0]] = append(by[w[0]], w)
		by[w[0]-'a'+'A'] = by[w[0]]
	}
	return by
}()

// secretName tells whether the value of a name is not to be kept.
func secretName(name string) bool {
	_, end := nextWord([]byte(name), 0)
	return end >= 0
}

// nextWord finds the first secret word at or after a place, and where it ends; -1 if there is none.
func nextWord(b []byte, at int) (word string, end int) {
	for i := at; i < len(b); i++ {
		for _, w := range wordsBy[b[i]] {
			if len(b)-i >= len(w) && b[i+1]|0x20 == w[1] && strings.EqualFold(string(b[i:i+len(w)]), w) {
				return w, i + len(w)
			}
		}
	}
	return "", -1
}

// secretIn finds the next secret word at or after a place, the value b[from:to] that belongs to it, if
// any, and where to go on; next is -1 when there is no such word. It takes time linear in b.
func secretIn(b []byte, at int) (from, to, next int) {
	word, end := nextWord(b, at)
	if end < 0 {
		return 0, 0, -1
	}
	from, to = valueAfter(b, end, word)
	return from, to, max(end, to)
}

// passwordIn finds the next password of a URL's user information (RFC 3986, section 3.2.1: scheme://user:password@host)
// at or after a place, as secretIn finds values.
func passwordIn(b []byte, at int) (from, to, next int) {
	n := bytes.IndexByte(b[at:], ':')
	if n < 0 {
		return 0, 0, -1
	}
	user := skip(b, at+n+1, 4, func(c byte) bool { return c == '/' || c == '\\' }) // JSON may escape slashes
	if user < at+n+3 {
		return 0, 0, at + n + 1
	}
	colon := until(b, user, urlEnds+":@")
	if colon == len(b) || b[colon] != ':' {
		return 0, 0, colon
	}
	end := until(b, colon+1, urlEnds+"@")
	if end == len(b) || b[end] != '@' {
		return 0, 0, colon // another URL may begin with it
	}
	return colon + 1, end, end
}

// urlEnds are the bytes that end a URL's authority.
const urlEnds = " \t\r\n/?#\"'<>\\"

// How far a name goes on after its word, and how much may stand between it and its value.
const (
	nameRest = 64
	gap      = 8
)

// valueAfter finds the value of the name whose secret word ends at a place: after "=" or ":", in the
// forms of headers, queries, forms, JSON (also within a string), assignments, XML and multipart.
func valueAfter(b []byte, at int, word string) (from, to int) {
	i := skip(b, at, nameRest, func(c byte) bool { return isNameByte(c) })
	if i < len(b) && b[i] == '>' {
		return i + 1, until(b, i+1, "<")
	}
	i = skip(b, i, gap, func(c byte) bool { return strings.IndexByte("\"'\\ \t", c) >= 0 })
	if bytes.HasPrefix(b[i:], []byte("\r\n\r\n")) { // the head of a multipart's part
		return i + 4, until(b, i+4, "\r\n")
	}
	if i >= len(b) || b[i] != ':' && b[i] != '=' {
		return 0, 0
	}
	lines := b[i] == ':' && (word == "cookie" || word == "authorization")
	i = skip(b, i+1, gap, func(c byte) bool { return c == ' ' || c == '\t' })
	return value(b, i, lines)
}

// value finds the end of the value that begins at i: of what is quoted the closing quote, of what is
// bracketed the end of all, of a header field the end of its line.
func value(b []byte, i int, lines bool) (from, to int) {
	rest := b[i:]
	switch {
	case bytes.HasPrefix(rest, []byte(`\"`)):
		return i + 2, untilText(b, i+2, `\"`)
	case len(rest) > 0 && (rest[0] == '"' || rest[0] == '\''):
		return i + 1, untilQuote(b, i+1, rest[0])
	case len(rest) > 0 && (rest[0] == '{' || rest[0] == '['):
		return i, len(b)
	case lines:
		return i, until(b, i, "\r\n\"")
	}
	for _, scheme := range []string{"bearer ", "basic "} {
		if len(rest) > len(scheme) && strings.EqualFold(string(rest[:len(scheme)]), scheme) {
			return i, until(b, i+len(scheme), ends)
		}
	}
	return i, until(b, i, ends)
}

// ends are the bytes that end a bare value.
const ends = " \t\r\n,;&\"'<>{}[]\\"

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.-[]%", c) >= 0
}

func skip(b []byte, i, most int, pass func(byte) bool) int {
	for end := min(len(b), i+most); i < end && pass(b[i]); i++ {
	}
	return i
}

func until(b []byte, i int, any string) int {
	if n := bytes.IndexAny(b[i:], any); n >= 0 {
		return i + n
	}
	return len(b)
}

func untilText(b []byte, i int, text string) int {
	if n := bytes.Index(b[i:], []byte(text)); n >= 0 {
		return i + n
	}
	return len(b)
}

// untilQuote finds the closing quote, which no backslash escapes; the end if it is missing.
func untilQuote(b []byte, i int, quote byte) int {
	for ; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return len(b)
}
