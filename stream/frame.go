package stream

import (
	"bytes"
	"encoding/gob"
	"fmt"

	"github.com/assaylab/assay"
)

// frame is what one message holds: offers of one experiment, and what their source had counted with them.
type frame struct {
	Ledger assay.Ledger
	Offers []assay.Trial
}

// whatOffers is what frames are sealed as.
const whatOffers = "offers"

// pack writes a frame; gob keeps what JSON would not: header fields that are not UTF-8.
func (s *sealer) pack(f *frame) ([]byte, error) {
	var plain bytes.Buffer
	if err := gob.NewEncoder(&plain).Encode(f); err != nil {
		return nil, fmt.Errorf("an offer cannot be written: %w", err)
	}
	return s.seal(plain.Bytes(), whatOffers)
}

func (s *sealer) unpack(data []byte) (*frame, error) {
	plain, err := s.open(data, whatOffers)
	if err != nil {
		return nil, err
	}
	f := new(frame)
	if err := gob.NewDecoder(bytes.NewReader(plain)).Decode(f); err != nil {
		return nil, fmt.Errorf("an offer cannot be read: %w", err)
	}
	return f, nil
}
