package serve

import (
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/assaylab/assay/console/metrics"
	"github.com/assaylab/assay/notify"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/reading"
)

// openNotifier makes ready to tell people of events. Nobody is told before `notify:` says whom.
func (h *house) openNotifier(p *process.Process) (err error) {
	h.reading = reading.New(reading.Options{
		Store: h.store, Laboratory: h.lab.Desk(h.urlOf("aws")), Now: time.Now, NewID: uuid.NewString,
	})
	h.notifier, err = notify.New(notify.Options{
		Reports: h.lab.Reports, Alarms: h.reading.Alarms, Env: p.Env, Console: h.urlOf("console"),
		Memory: filepath.Join(h.opt.data, "notified.json"), Log: h.log,
	})
	return err
}

// notifications is how telling people went.
func notifications(n *notify.Notifier) metrics.Family {
	return metrics.Family{
		Name: "assay_notifications_total", Help: "Attempts to tell somebody of an event, by what became of them.",
		Label: "outcome", Values: n.Counts,
	}
}
