package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/assaylab/assay"
)

// parsePatch reads {"sample": ..., "state": ...} or {"rollout": ...}. The sample is a share such as "25%" or 0.25, which
// keeps what goes together now, or {"rate": ..., "by": ...}.
func parsePatch(body []byte, now assay.Sample) (assay.Patch, error) {
	var raw struct {
		Sample json.RawMessage `json:"sample"`
		State  *assay.State    `json:"state"`

		Rollout string `json:"rollout"`
	}
	if err := strict(body, &raw); err != nil {
		return assay.Patch{}, invalid("not a change: "+err.Error(), "", `for example {"sample": "25%"} or {"state": "paused"}`)
	}
	patch := assay.Patch{State: raw.State, Rollout: raw.Rollout}
	if patch.Rollout != "" && (patch.State != nil || len(raw.Sample) > 0) {
		return patch, invalid("an order to the rollout comes alone", patch.Rollout, "")
	}
	if s := raw.State; s != nil && *s != assay.StateRunning && *s != assay.StatePaused {
		return patch, invalid("not a state to change to", string(*s), `"running" or "paused"`)
	}
	if len(raw.Sample) > 0 {
		sample, err := parseSample(raw.Sample, now)
		if err != nil {
			return patch, err
		}
		patch.Sample = &sample
	}
	if patch == (assay.Patch{}) {
		return patch, invalid("nothing to change", "", `name "sample", "state" or "rollout"`)
	}
	return patch, nil
}

// strict decodes one JSON value and refuses what it does not know.
func strict(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

func parseSample(raw json.RawMessage, now assay.Sample) (assay.Sample, error) {
	if raw[0] != '{' {
		rate, err := parseRate(raw)
		now.Rate = rate
		return now, err
	}
	var both struct {
		Rate json.RawMessage `json:"rate"`
		By   string          `json:"by"`
		Rare int             `json:"rare"`
	}
	if err := strict(raw, &both); err != nil {
		return now, invalid("not a sample: "+err.Error(), "sample", `for example {"rate": "10%", "by": "header:x-user"}`)
	}
	rate, err := parseRate(both.Rate)
	return assay.Sample{Rate: rate, By: both.By, Rare: both.Rare}, err
}

// parseRate reads a share of 0 to 1, or a percentage.
func parseRate(raw json.RawMessage) (float64, error) {
	text := strings.Trim(string(raw), `"`)
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	places := 0
	if percent {
		places = -2
	}
	rate, err := shift(strings.TrimSpace(number), places)
	if err != nil || !(rate >= 0 && rate <= 1) {
		return 0, invalid("not a share", text, `0 to 1, or "0%" to "100%"`)
	}
	return rate, nil
}
