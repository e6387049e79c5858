package pages

import "strings"

// remedies says what it means that requests were dropped, and what can be done; nothing of reasons that need
// no doing.
var remedies = map[string]string{
	"queue_full":    "Candidates take longer than requests come. Sample less, or give them more calls at once (budget: concurrency) or a longer queue (budget: queue).",
	"memory":        "The bodies held have reached the budget. Sample less, or give it more (budget: memory).",
	"too_large":     "A body is larger than the budget allows (budget: body).",
	"breaker":       "Every candidate was left out because it faults.",
	"control_fault": "The control could not be reached, which says nothing of a candidate.",
	"control_error": "The control's engine observed nothing; the log says why.",
	"store":         "The store refused them; the log says why.",
	"stream":        "The stream takes no more, or cannot be reached.",
	"comparator":    "A comparator of your own failed; the log says why.",
	"panic":         "This is a defect of Assay. The log has it.",
	"killed":        "They were in flight when the laboratory was killed.",
	"poison":        "Workers died of them, too often.",
}

// Why says what a reason for dropping means, and what can be done about it.
func (c reasonCount) Why() string { return remedies[strings.ReplaceAll(c.Reason, " ", "_")] }
