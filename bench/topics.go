package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// topic is what one measurement is about; it gives one row or more.
type topic struct {
	name    string
	measure func(context.Context, *stage, options) ([]row, error)
}

var topics = []topic{
	{"throughput", throughput},
	{"mirrored", mirrored},
	{"latency", latency},
	{"failing", failing},
	{"memory", memory},
	{"upload", upload},
	{"keeping", keeping},
	{"many", many},
}

func topicNames() string {
	var all []string
	for _, t := range topics {
		all = append(all, t.name)
	}
	return strings.Join(all, ", ")
}

var small = load{connections: 32}

// unsampled is an experiment that makes no trials.
func unsampled(s *stage) experiment {
	return experiment{name: "quiet", control: s.direct, candidate: s.direct, sample: "0%"}
}

func throughput(ctx context.Context, s *stage, o options) ([]row, error) {
	return measured(s, o, []experiment{unsampled(s)}, func(l *laboratory) ([]row, error) {
		m, err := alternate(ctx, s, o, small, at("nginx", s.nginx+"/quiet/json"), at("haproxy", s.haproxy+"/quiet/json"),
			at("assay", l.gateway+"/quiet/json"), at("direct", s.direct+"/quiet/json"))
		if err != nil {
			return nil, err
		}
		r := atLeast("requests/s, nothing sampled, against nginx proxy_pass", m["assay"].perSecond, m["nginx"].perSecond, 0.8)
		r.note = fmt.Sprintf("HAProxy %.0f, no proxy %.0f", m["haproxy"].perSecond, m["direct"].perSecond)
		return []row{r}, nil
	})
}

// mirrored sends everything to a fast candidate too: nginx drops the copy's answer, Assay compares and
// keeps it. What does not fit Assay's budget is counted, and so is what nginx made wait.
func mirrored(ctx context.Context, s *stage, o options) ([]row, error) {
	e := experiment{name: "copied", control: s.direct, candidate: s.direct, sample: "100%"}
	return measured(s, o, []experiment{e}, func(l *laboratory) ([]row, error) {
		var busy time.Duration
		settle := func() error {
			began := time.Now()
			_, err := l.settled(e.name)
			busy += o.window + time.Since(began)
			return err
		}
		m, err := alternate(ctx, s, o, small, at("mirror", s.mirror+"/quiet/json"), rival{"assay", l.gateway + "/copied/json", settle})
		if err != nil {
			return nil, err
		}
		c, err := l.settled(e.name)
		if err != nil {
			return nil, err
		}
		r := atLeast("requests/s, everything mirrored, compared and kept, against nginx mirror", m["assay"].perSecond, m["mirror"].perSecond, 1)
		r.note = fmt.Sprintf("%.0f %% of them became trials, the others were dropped and counted", 100*float64(c.Trials)/float64(c.Sampled))
		kept := atLeast("trials kept per second through the gateway, counts exact", perSecond(c.Trials, busy), 10_000, 1)
		kept.note = "load generator, service and candidate on the same processors"
		return []row{r, kept}, nil
	})
}

// latency is what a proxy adds for a client alone.
func latency(ctx context.Context, s *stage, o options) ([]row, error) {
	return measured(s, o, []experiment{unsampled(s)}, func(l *laboratory) ([]row, error) {
		m, err := alternate(ctx, s, o, load{connections: 1}, at("direct", s.direct+"/quiet/json"), at("nginx", s.nginx+"/quiet/json"),
			at("haproxy", s.haproxy+"/quiet/json"), at("assay", l.gateway+"/quiet/json"))
		if err != nil {
			return nil, err
		}
		added := func(name string) float64 { return max(1, micros(m[name].p50-m["direct"].p50)) } // 1 µs is as fine as wrk tells
		r := atMost("added p50 at 1 connection, µs, against nginx proxy_pass", added("assay"), added("nginx"), 1.5)
		r.note = fmt.Sprintf("HAProxy %.0f, no proxy takes %.0f", added("haproxy"), micros(m["direct"].p50))
		return []row{r}, nil
	})
}

// failing lets the control take 2 ms, and the candidate fail: 16 clients must not notice. The floor is the
// same laboratory and control without trials.
func failing(ctx context.Context, s *stage, o options) ([]row, error) {
	paced, all := "http://"+s.origin.address, map[string]string{
		"hung": "http://" + s.origin.hung, "slow": "http://" + s.origin.address + "/slow", "down": "http://" + s.origin.down,
	}
	experiments := []experiment{{name: "none", control: paced, candidate: paced, sample: "0%"}}
	for name, candidate := range all {
		experiments = append(experiments, experiment{name: name, control: paced, candidate: candidate, sample: "100%"})
	}
	return measured(s, o, experiments, func(l *laboratory) ([]row, error) {
		with := func(name string) rival { return at(name, l.gateway+"/"+name+"/paced") }
		m, err := alternate(ctx, s, o, load{connections: 16}, with("none"), with("hung"), with("slow"), with("down"))
		if err != nil {
			return nil, err
		}
		var rows []row
		for _, c := range []struct{ name, what string }{{"hung", "hung"}, {"slow", "1 s slow"}, {"down", "down"}} {
			rows = append(rows, atMost("client p99, ms, candidate "+c.what+", against no experiment", millis(m[c.name].p99), millis(m["none"].p99), 1.1))
		}
		return rows, nil
	})
}

// memory is what a hung candidate costs: the most ever resident, against the budget and 64 MB.
func memory(ctx context.Context, s *stage, o options) ([]row, error) {
	const budget = 64 << 20
	hung := experiment{name: "hung", control: s.direct, candidate: "http://" + s.origin.hung, sample: "100%", budget: "{memory: 64MB, body: 16MB}"}
	watched := func(what string, e experiment, send func(*laboratory) error) ([]row, error) {
		return measured(s, o, []experiment{e}, func(l *laboratory) ([]row, error) {
			if err := send(l); err != nil {
				return nil, err
			}
			peak, err := l.peak()
			return []row{atMost("peak RSS, MB, candidate hung, "+what+", against budget + 64 MB", mega(peak), mega(budget+64<<20), 1)}, err
		})
	}
	rows, err := watched("1,700 requests/s", hung, func(l *laboratory) error {
		sent, failed, err := pace(ctx, l.gateway+"/hung/json", 1700, o.hold)
		if err == nil && failed > 0 {
			err = fmt.Errorf("%d of %d requests failed", failed, sent)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	hung.control = "http://" + s.origin.address
	more, err := watched("8 MB POSTs", hung, func(l *laboratory) error {
		_, err := alternate(ctx, s, o, load{connections: 4, post: 8 << 20}, at("assay", l.gateway+"/hung/sink"))
		return err
	})
	return append(rows, more...), err
}

// upload streams 8 MB to a service that reads them.
func upload(ctx context.Context, s *stage, o options) ([]row, error) {
	own := "http://" + s.origin.address
	quiet := experiment{name: "quiet", control: own, candidate: own, sample: "0%"}
	copied := experiment{name: "copied", control: own, candidate: own, sample: "100%", budget: "{body: 16MB}"}
	return measured(s, o, []experiment{quiet, copied}, func(l *laboratory) ([]row, error) {
		m, err := alternate(ctx, s, o, load{connections: 4, post: 8 << 20}, at("nginx", s.nginx+"/quiet/sink"), at("haproxy", s.haproxy+"/quiet/sink"),
			at("assay", l.gateway+"/quiet/sink"), at("copied", l.gateway+"/copied/sink"))
		if err != nil {
			return nil, err
		}
		r := atMost("p50 of an 8 MB POST, ms, nothing sampled, against nginx proxy_pass", millis(m["assay"].p50), millis(m["nginx"].p50), 1.3)
		r.note = fmt.Sprintf("4 connections; HAProxy %.1f", millis(m["haproxy"].p50))
		mirrored := atMost("p50 of an 8 MB POST, ms, everything mirrored, against nginx proxy_pass", millis(m["copied"].p50), millis(m["nginx"].p50), 1.3)
		mirrored.note = "the candidate reads its 8 MB on the same processors"
		return []row{r, mirrored}, nil
	})
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func mega(bytes int64) float64       { return float64(bytes) / (1 << 20) }
