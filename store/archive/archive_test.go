package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

func written(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, "orders")
	for i := range n {
		err = errors.Join(err, w.Write(assay.Kept{Table: "arms", Data: json.RawMessage(fmt.Sprintf(`{"n":%d,"text":"<&>\u2028"}`, i))}))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(b []byte) (all []assay.Kept, err error) {
	r := NewReader(bytes.NewReader(b), "file")
	for {
		k, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, k)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	all, err := read(written(t, 3))
	if err != nil || len(all) != 3 || all[2].Table != "arms" || string(all[2].Data) != `{"n":2,"text":"<&>\u2028"}` {
		t.Errorf("read %s, %v", all, err)
	}
}

func TestFlawsAreFoundWithTheirLine(t *testing.T) {
	whole := string(written(t, 5))
	lines := strings.SplitAfter(whole, "\n")
	for _, c := range []struct{ name, text, where, what string }{
		{"a digit changed", strings.Replace(whole, `"n":3`, `"n":4`, 1), "file:5", "changed"},
		{"the table changed", strings.Replace(whole, `"arms"`, `"army"`, 1), "file:2", "changed"},
		{"a line is lost", strings.Replace(whole, lines[2], "", 1), "file:3", "changed, moved or lost"},
		{"two lines are exchanged", strings.Replace(whole, lines[2]+lines[3], lines[3]+lines[2], 1), "file:3", "moved"},
		{"a line comes twice", strings.Replace(whole, lines[2], lines[2]+lines[2], 1), "file:4", "changed"},
		{"the end is cut off", strings.TrimSuffix(whole, lines[6]), "file:7", "cut off"},
		{"it is cut off within a line", whole[:len(whole)-40], "file:7", "cut off"},
		{"more follows", whole + lines[2], "file:8", "more after the end"},
		{"nothing", "", "file:1", "cut off"},
		{"another file", "hello\n", "file:1", "no line of an export"},
		{"without its head", whole[len(lines[0]):], "file:1", "changed"},
	} {
		_, err := read([]byte(c.text))
		var made *assay.Error
		if !errors.As(err, &made) || made.Code != assay.CodeInvalid || made.Where != c.where || !strings.Contains(made.What, c.what) || made.Hint == "" {
			t.Errorf("%s: error is %v, want %q at %s", c.name, err, c.what, c.where)
		}
	}
}

func TestAnotherFormatIsRefused(t *testing.T) {
	w := &Writer{}
	sum := w.sums.add(begin, []byte(`{"format":2}`))
	_, err := read(fmt.Appendf(nil, "{\"table\":\"assay\",\"sum\":%q,\"data\":{\"format\":2}}\n", sum))
	if err == nil || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("error is %v", err)
	}
}

func FuzzReader(f *testing.F) {
	whole := written(f, 4)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := read(b)
		if err == nil && len(all) > 0 && !bytes.Contains(b, []byte(`"end"`)) {
			t.Error("an export without end was read")
		}
	})
}
