package lambda

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestRingKeepsTheLastLines(t *testing.T) {
	r := &ring{}
	for i := range 100_000 {
		r.add(line{text: fmt.Appendf(nil, "line %d\n", i)})
	}
	var log bytes.Buffer
	if err := r.copyTo(t.Context(), &log, anyLine, false); err != nil {
		t.Fatal(err)
	}
	if log.Len() > ringBytes || log.Len() < ringBytes-20 || !strings.HasSuffix(log.String(), "line 99998\nline 99999\n") {
		t.Errorf("%d bytes, ending in %q", log.Len(), log.String()[log.Len()-30:])
	}
}

func TestRecorderSplitsLines(t *testing.T) {
	r := &recorder{ring: &ring{}}
	for _, s := range []string{"one\ntw", "o\n", "\n", "three"} {
		r.Write([]byte(s))
	}
	r.printf("END\n")
	var log bytes.Buffer
	r.ring.copyTo(t.Context(), &log, anyLine, false)
	if log.String() != "one\ntwo\n\nthree\nEND\n" {
		t.Errorf("log %q", &log)
	}
}

func TestRecorderCutsEndlessLines(t *testing.T) {
	r := &recorder{ring: &ring{}}
	for range 3 * lineBytes / 1024 {
		r.Write(bytes.Repeat([]byte("x"), 1024))
	}
	if lines, next, _ := r.ring.since(0); next != 3 || len(lines) != 1 || len(lines[0].text) != lineBytes+1 {
		t.Errorf("%d lines kept of %d", len(lines), next)
	}
}

func TestTailIsTheLast4KB(t *testing.T) {
	r := &recorder{ring: &ring{}}
	r.Write([]byte("before\n"))
	r.begin()
	r.Write([]byte("short\n"))
	if got := string(r.last()); got != "short\n" {
		t.Errorf("tail %q", got)
	}
	for i := range 3000 {
		fmt.Fprintf(r, "line %d\n", i)
	}
	r.Write(bytes.Repeat([]byte("y"), 3*tailBytes))
	r.Write([]byte("end"))
	if got := r.last(); len(got) != tailBytes || !bytes.HasSuffix(got, []byte("yyend")) {
		t.Errorf("%d bytes ending in %q", len(got), got[len(got)-10:])
	}
}

func anyLine(line) bool { return true }
