package notify

import (
	"fmt"
	"time"

	"github.com/assaylab/assay"
)

// A mass of drops: of the requests sampled within a window, a large share, and not just a few.
const (
	dropWindow = time.Minute
	dropShare  = 0.1
	dropCount  = 20
)

// drops sees masses of drops. An episode ends when a whole window was without.
type drops struct {
	looks []look
	began time.Time // of the episode; zero: there is none
	last  time.Time // when there were too many
}

// look is what was counted at a moment.
type look struct {
	at               time.Time
	since            int
	sampled, dropped int64
}

// add takes the counts of now, and returns the event of the episode that goes on.
func (d *drops) add(now time.Time, r *assay.Report) (Event, bool) {
	l := look{at: now, since: r.Experiment.Since, sampled: r.Counts.Sampled}
	for reason, n := range r.Counts.Dropped {
		if !ending[reason] {
			l.dropped += n
		}
	}
	if n := len(d.looks); n > 0 && (d.looks[n-1].since != l.since || d.looks[n-1].sampled > l.sampled) {
		d.looks = nil // counted anew
	}
	d.looks = append(d.looks, l)
	for len(d.looks) > 1 && now.Sub(d.looks[0].at) > dropWindow {
		d.looks = d.looks[1:]
	}
	return d.judge(now, r)
}

// ending are reasons that say nothing of too little room: what was dropped with the laboratory or the experiment.
var ending = map[string]bool{"shutdown": true, "deleted": true, "killed": true}

func (d *drops) judge(now time.Time, r *assay.Report) (Event, bool) {
	first, last := d.looks[0], d.looks[len(d.looks)-1]
	sampled, dropped := last.sampled-first.sampled, last.dropped-first.dropped
	switch {
	case dropped >= dropCount && float64(dropped) > dropShare*float64(sampled):
		if d.last = now; d.began.IsZero() {
			d.began = now
		}
	case now.Sub(d.last) > dropWindow:
		d.began = time.Time{}
	}
	if d.began.IsZero() {
		return Event{}, false
	}
	name, value := r.Experiment.Name, d.began.UTC().Format(time.RFC3339)
	key := string(assay.OnDrops) + "/" + name + "/"
	return Event{
		ID: key + "/" + value, Kind: assay.OnDrops, Experiment: name, key: key, value: value,
		Title: fmt.Sprintf("%s drops many trials", name),
		Text: fmt.Sprintf("Of %d requests sampled within a minute, %d did not become trials; the verdict does not speak for them. "+
			"Sample less, or give the budget more room: `assay describe %s` names the reasons.", sampled, dropped, name),
	}, true
}
