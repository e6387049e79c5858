package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

const (
	ndjson = "application/x-ndjson"

	// maxRecorded bounds one recorded trial as it is sent: two bodies of Lambda's largest size, in base64.
	maxRecorded = 32 << 20
)

// missedTrailer tells at the end of a recording how many trials are not in it.
const missedTrailer = "Assay-Missed"

// recording streams an experiment's requests and the control's answers as they come, one JSON object a
// line, until the caller goes.
func (c *Console) recording(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if _, err := c.opt.Laboratory.Report(r.Context(), name); err != nil {
		return err
	}
	ctx, done, ok := c.stream(r)
	if !ok {
		return closingError()
	}
	defer done()
	w.Header().Set("Content-Type", ndjson)
	w.Header().Set("Trailer", missedTrailer)
	out := http.NewResponseController(w)
	if err := out.Flush(); err != nil {
		return err
	}
	encode := json.NewEncoder(w)
	missed, err := c.opt.Laboratory.Record(ctx, name, func(t *assay.Trial) error {
		if err := encode.Encode(t); err != nil {
			return err
		}
		return out.Flush()
	})
	if err != nil && r.Context().Err() == nil {
		c.opt.Log.Warn("a recording broke off", "experiment", name, "err", err)
	}
	w.Header().Set(missedTrailer, strconv.FormatInt(missed, 10))
	return nil
}

// traffic takes recorded requests, one JSON object a line, and makes them again at the pace asked for:
// ?speed=1&concurrency=64&control=recorded. Fields to be set on each come in fields of the call, not in its
// address, for they may be secrets: "Assay-Set: Name: value". It answers when they are through.
func (c *Console) traffic(w http.ResponseWriter, r *http.Request) error {
	how, err := parseReplay(r)
	if err != nil {
		return err
	}
	ctx, done, ok := c.stream(r)
	if !ok {
		return closingError()
	}
	defer done()
	told, err := c.opt.Laboratory.Replay(ctx, r.PathValue("name"), how, recorded(r.Body))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, told)
}

func closingError() error {
	return &assay.Error{Code: assay.CodeUnreachable, What: "the laboratory is stopping", Hint: "start it again with `assay up`"}
}

func parseReplay(r *http.Request) (assay.Replay, error) {
	form := r.URL.Query()
	how := assay.Replay{Speed: 1, Recorded: form.Get("control") == "recorded", Header: assay.Header{}}
	if s := form.Get("speed"); s != "" {
		speed, err := strconv.ParseFloat(s, 64)
		if err != nil || !(speed >= 0 && speed <= 1e6) {
			return how, shape.Invalid("not a speed", s, "1 is the recorded pace, 2 twice as fast, 0 as fast as may be")
		}
		how.Speed = speed
	}
	if s := form.Get("concurrency"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 10000 {
			return how, shape.Invalid("not a number of requests at once", s, "1 to 10000")
		}
		how.Concurrency = n
	}
	for _, field := range r.Header.Values("Assay-Set") {
		name, value, ok := strings.Cut(field, ":")
		if !ok || strings.TrimSpace(name) == "" || strings.ContainsAny(field, "\r\n") {
			return how, shape.Invalid("not a header field", name, `"Name: value"`)
		}
		how.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return how, nil
}

// recorded reads trials one after the other; each is bounded, their number is not.
func recorded(body io.Reader) func() (*assay.Trial, error) {
	limited := &io.LimitedReader{R: body}
	dec := json.NewDecoder(limited)
	number := 0
	return func() (*assay.Trial, error) {
		number++
		limited.N = maxRecorded
		t := &assay.Trial{}
		switch err := dec.Decode(t); {
		case errors.Is(err, io.EOF) && limited.N > 0:
			return nil, io.EOF
		case err != nil:
			return nil, shape.Invalid("not a recorded trial: "+err.Error(), fmt.Sprintf("line %d", number), "send what GET …/recording gave")
		case t.Invocation.Request == nil:
			return nil, shape.Invalid("there is no request in it", fmt.Sprintf("line %d", number), "send what GET …/recording gave")
		}
		return t, nil
	}
}
