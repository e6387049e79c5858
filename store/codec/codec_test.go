package codec

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/assaylab/assay/store/storetest"
)

func TestPackKeepsEqualBodiesOnce(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 10_000)
	trial := storetest.Trials(1, 1)[0]
	trial.Invocation.Request.Body = []byte{}
	trial.Control.Body = body
	for i := range trial.Candidates {
		trial.Candidates[i].Observation.Body = bytes.Clone(body)
	}
	packed := pack(&trial)
	if packed.Len() > len(body)+200 {
		t.Errorf("%d bytes for three times the same %d", packed.Len(), len(body))
	}
	got := withoutBodies(&trial)
	if err := unpack(&got, packed.Bytes()); err != nil || !reflect.DeepEqual(got, trial) {
		t.Errorf("unpacked %+v, %v", got, err)
	}
}

func TestPackOfNothing(t *testing.T) {
	trial := withoutBodies(&storetest.Trials(1, 1)[0])
	if trial.Bodies = false; pack(&trial).Len() > 0 {
		t.Error("a trial without bodies has some")
	}
	if trial.Bodies = true; pack(&trial).Len() == 0 {
		t.Error("a trial whose bodies were kept, and are none, has none")
	}
}

func TestPieces(t *testing.T) {
	trial := storetest.Trials(1, 1)[0]
	packed := pack(&trial)
	for _, size := range []int{1, 7, 100, packed.Len() - 1, packed.Len(), packed.Len() + 1} {
		var all []byte
		for n, piece := range packed.Pieces(size) {
			if last := len(all)+len(piece) == packed.Len(); len(piece) > size || len(piece) < size && !last || n*size != len(all) {
				t.Fatalf("piece %d of size %d has %d bytes", n, size, len(piece))
			}
			all = append(all, piece...)
		}
		if !bytes.Equal(all, packed.Bytes()) {
			t.Errorf("pieces of size %d are not the whole", size)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	trial := storetest.Trials(1, 1)[0]
	f.Add(pack(&trial).Bytes())
	f.Add([]byte{})
	f.Add([]byte{0, 1, 3, 5})
	f.Add(bytes.Repeat([]byte{0xff}, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := withoutBodies(&trial)
		if unpack(&got, b) != nil {
			return
		}
		again := withoutBodies(&trial)
		if err := unpack(&again, pack(&got).Bytes()); err != nil || !reflect.DeepEqual(parts(&again), parts(&got)) {
			t.Errorf("what was unpacked does not pack: %v", err)
		}
	})
}
