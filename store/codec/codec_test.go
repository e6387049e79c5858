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
	if len(packed) > len(body)+200 {
		t.Errorf("%d bytes for three times the same %d", len(packed), len(body))
	}
	got := withoutBodies(&trial)
	if err := unpack(&got, packed); err != nil || !reflect.DeepEqual(got, trial) {
		t.Errorf("unpacked %+v, %v", got, err)
	}
}

func TestPackOfNothing(t *testing.T) {
	trial := withoutBodies(&storetest.Trials(1, 1)[0])
	if trial.Bodies = false; pack(&trial) != nil {
		t.Error("a trial without bodies has some")
	}
	if trial.Bodies = true; pack(&trial) == nil {
		t.Error("a trial whose bodies were kept, and are none, has none")
	}
}

func FuzzUnpack(f *testing.F) {
	trial := storetest.Trials(1, 1)[0]
	f.Add(pack(&trial))
	f.Add([]byte{})
	f.Add([]byte{0, 1, 3, 5})
	f.Add(bytes.Repeat([]byte{0xff}, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := withoutBodies(&trial)
		if unpack(&got, b) != nil {
			return
		}
		again := withoutBodies(&trial)
		if err := unpack(&again, pack(&got)); err != nil || !reflect.DeepEqual(parts(&again), parts(&got)) {
			t.Errorf("what was unpacked does not pack: %v", err)
		}
	})
}
