package image

import (
	"bytes"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/image/imagetest"
)

func FuzzImages(f *testing.F) {
	t := new(testing.T)
	for _, seed := range []string{"png wk/r.", "palette-png wk/kr", "jpeg wkr", "gif wk@10 1,0+k!2@10 0,0+r!3", "gif kk"} {
		format, drawing, _ := strings.Cut(seed, " ")
		data := imagetest.Draw(t, format, drawing)
		f.Add(data, data[:len(data)/2])
		f.Add(data, bytes.Replace(data, []byte{0}, []byte{3}, 1))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a) > 4096 || len(b) > 4096 {
			return
		}
		got := pictures{}.compare(a, a)
		if len(got) > 0 && got[0].Kind != assay.KindMalformed {
			t.Fatalf("it differs from itself: %+v", got)
		}
		there, back := pictures{}.compare(a, b), pictures{}.compare(b, a)
		if (len(there) == 0) != (len(back) == 0) {
			t.Fatalf("%+v but %+v", there, back)
		}
		if _, err := Pixels(a, b); (err != nil) != (len(there) > 0 && there[0].Kind == assay.KindMalformed) {
			t.Fatalf("%v but %+v", err, there)
		}
	})
}
