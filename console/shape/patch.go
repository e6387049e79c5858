package shape

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
)

// ParsePatch reads {"sample": ..., "state": ...} or {"rollout": ...}. The sample is a share such as "25%" or 0.25, which
// keeps what goes together now, or {"rate": ..., "by": ...}.
func ParsePatch(body []byte, now assay.Sample) (assay.Patch, error) {
	var raw struct {
		Sample json.RawMessage `json:"sample"`
		State  *assay.State    `json:"state"`

		Rollout string `json:"rollout"`
	}
	if err := Strict(body, &raw); err != nil {
		return assay.Patch{}, Invalid("not a change: "+err.Error(), "", `for example {"sample": "25%"} or {"state": "paused"}`)
	}
	patch := assay.Patch{State: raw.State, Rollout: raw.Rollout}
	if patch.Rollout != "" && (patch.State != nil || len(raw.Sample) > 0) {
		return patch, Invalid("an order to the rollout comes alone", patch.Rollout, "")
	}
	if s := raw.State; s != nil && *s != assay.StateRunning && *s != assay.StatePaused {
		return patch, Invalid("not a state to change to", string(*s), `"running" or "paused"`)
	}
	if len(raw.Sample) > 0 {
		sample, err := parseSample(raw.Sample, now)
		if err != nil {
			return patch, err
		}
		patch.Sample = &sample
	}
	if patch == (assay.Patch{}) {
		return patch, Invalid("nothing to change", "", `name "sample", "state" or "rollout"`)
	}
	return patch, nil
}

// strict decodes one JSON value and refuses what it does not know.
func Strict(body []byte, into any) error {
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
	if err := Strict(raw, &both); err != nil {
		return now, Invalid("not a sample: "+err.Error(), "sample", `for example {"rate": "10%", "by": "header:x-user"}`)
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
	rate, err := Shift(strings.TrimSpace(number), places)
	if err != nil || !(rate >= 0 && rate <= 1) {
		return 0, Invalid("not a share", text, `0 to 1, or "0%" to "100%"`)
	}
	return rate, nil
}

// Shift reads a decimal number with its point moved by places. Unlike a product with a power of ten the
// result is the number nearest to what is written.
func Shift(number string, places int) (float64, error) {
	mantissa, exponent, found := strings.Cut(strings.ToLower(number), "e")
	if found {
		power, err := strconv.Atoi(exponent)
		if err != nil {
			return 0, err
		}
		places += power
	}
	return strconv.ParseFloat(mantissa+"e"+strconv.Itoa(places), 64)
}
