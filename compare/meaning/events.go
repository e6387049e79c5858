package meaning

import (
	"encoding/json"
	"strings"
)

// Events reads server-sent events (WHATWG HTML, section 9.2.6): an array of objects with the fields that each
// event has. Data that is JSON is read as such, but for strings, which could not be told from text; comments do
// not matter. What no empty line ends, clients throw away: it is "#incomplete".
func Events(data []byte) (any, error) {
	s, err := text(data)
	if err != nil {
		return nil, err
	}
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	events := []any{}
	for block := range strings.SplitAfterSeq(s, "\n\n") {
		e := event(block)
		if len(e) > 0 {
			events = append(events, e)
		}
		if len(e) > 0 && !strings.HasSuffix(block, "\n\n") {
			e["#incomplete"] = true
		}
		if len(events) > maxNodes {
			return nil, errNodes
		}
	}
	return events, nil
}

func event(block string) map[string]any {
	var lines []string
	e := map[string]any{}
	for line := range strings.SplitSeq(block, "\n") {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "data":
			lines = append(lines, value)
		case "event", "id", "retry":
			e[name] = value
		}
	}
	if len(lines) == 0 {
		return e
	}
	joined := strings.Join(lines, "\n")
	e["data"] = joined
	if trimmed := strings.Trim(joined, " \t\n"); !strings.HasPrefix(trimmed, `"`) && json.Valid([]byte(trimmed)) {
		e["data"] = json.RawMessage(trimmed)
	}
	return e
}
