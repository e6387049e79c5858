// Package metrics tells Prometheus of a laboratory. In come reports and the embedded engine's functions; out
// go metrics whose labels are bounded.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/clients"
	"github.com/assaylab/assay/console/shape"
)

// collectWithin bounds one scrape; Prometheus gives up after 10 s.
const collectWithin = 8 * time.Second

// other stands for a reason or kind that this version does not know, so that no label grows with the data.
const other = "other"

// Label values known beforehand.
var (
	metricReasons = map[string]bool{"queue_full": true, "too_large": true, "breaker": true, "shutdown": true,
		"memory": true, "deleted": true, "killed": true, "store": true, "panic": true, "control_fault": true,
		"control_error": true, "client_gone": true, "body_unread": true, "upgrade": true,
		"canary": true, "comparator": true, "stream": true, "definition": true, "poison": true}
	metricChoices = map[string]bool{"chance": true, "unsafe": true, "paused": true, "done": true, "loop": true,
		"store": true, "holdout": true, "canary": true}
	metricFaults = map[string]bool{string(assay.FaultTimeout): true, string(assay.FaultCrash): true,
		string(assay.FaultThrottle): true, string(assay.FaultTransport): true,
		string(assay.FaultFunction): true, string(assay.FaultCanceled): true}
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("assay_"+name, help, append([]string{"experiment"}, labels...), nil)
}

// The metrics. Labels name experiments, arms, roles, outcomes, reasons and kinds: never a path or an id.
var (
	requestsDesc     = desc("requests_total", "Requests routed to the experiment.")
	offeredDesc      = desc("offered_total", "Requests offered for trials.")
	sampledDesc      = desc("sampled_total", "Offered requests chosen to become trials.")
	trialsDesc       = desc("trials_total", "Trials kept.")
	droppedDesc      = desc("dropped_total", "Sampled requests that did not become trials.", "reason")
	observationsDesc = desc("arm_observations_total", "Invocations observed.", "arm", "role")
	faultsDesc       = desc("arm_faults_total", "Invocations that faulted.", "arm", "role", "kind")
	coldDesc         = desc("arm_cold_total", "Invocations that waited for a sandbox's init.", "arm", "role")
	costDesc         = desc("arm_cost_usd_total", "Cost of the invocations in US dollars.", "arm", "role")
	latencyDesc      = desc("arm_latency_seconds", "Duration of warm invocations that answered or timed out.", "arm", "role")
	comparisonsDesc  = desc("comparisons_total", "Trials of a candidate by outcome.", "arm", "outcome")
	weightDesc       = desc("rollout_weight", "Share of the requests that a candidate serves.", "arm")
	servedDesc       = desc("rollout_answers", "Answers to clients since the rollout's step began.", "arm", "role")
	failedDesc       = desc("rollout_errors", "Of these, errors.", "arm", "role")
	stageDesc        = desc("rollout_stage", "1 for the stage that the rollout is at, 0 for the others.", "arm", "stage")
	memoryDesc       = desc("arm_max_memory_bytes", "The most memory that one invocation used, where the engine tells.", "arm", "role")
	ignoredDesc      = desc("comparisons_ignored_total", "Matches of a candidate with a difference that a rule excuses.", "arm")
	pairedDesc       = desc("paired_comparisons_total", "Trials with a secondary, by who of the candidate and it mismatched.", "arm", "outcome")
	shareLowerDesc   = desc("mismatch_lower_ratio", "Lower bound of the share of trials that mismatch, true at every look.", "arm")
	shareUpperDesc   = desc("mismatch_upper_ratio", "Upper bound of the share of trials that mismatch, true at every look.", "arm")
	shareLimitDesc   = desc("mismatch_limit_ratio", "The share of trials that the hypothesis lets mismatch.", "arm")
	alarmsDesc       = desc("masking_alarms", "Rules that hide more in the candidate than the control shows of itself.", "arm")
	openedDesc       = desc("breaker_opened_total", "Times that the candidate's breaker has opened.", "arm")
	runningDesc      = desc("experiment_running", "1 while the experiment makes trials, 0 while it is paused or done.")
	inFlightDesc     = desc("trials_in_flight", "Sampled requests that are neither kept as trials nor dropped yet.")
	maxCallsDesc     = desc("lane_max_calls", "Candidate calls that the budget allows at once.")
	maxWaitingDesc   = desc("lane_max_waiting", "Trials that the budget lets wait.")
	maxHeldDesc      = desc("lane_max_held_bytes", "Bytes of bodies that the budget lets be held.")
	leftOutDesc      = desc("left_out_total", "Sampled requests for which the candidate's breaker was open.", "arm")
	breakerDesc      = desc("breaker_open", "1 while the candidate is left out because it faults.", "arm")
	limitDesc        = desc("lane_limit", "Candidate calls allowed at once: the budget's, or fewer for the control's sake.")
	callsDesc        = desc("lane_calls", "Candidate calls under way.")
	waitingDesc      = desc("lane_waiting", "Trials waiting.")
	heldDesc         = desc("lane_held_bytes", "Bytes of bodies held for trials.")
	notSampledDesc   = desc("not_sampled_total", "Offered requests that were not chosen to become trials.", "reason")
	overheadDesc     = desc("overhead_seconds", "By how much longer clients wait for sampled requests than for those held out, on average.")
	lowerDesc        = desc("overhead_lower_seconds", "Lower bound of assay_overhead_seconds.")
	upperDesc        = desc("overhead_upper_seconds", "Upper bound of assay_overhead_seconds.")
	switchDesc       = desc("kill_switch", "1 if the experiment has paused itself because that limit of its protection was passed.", "reason")
	verdictDesc      = desc("verdict", "1 for the candidate's present verdict, 0 for the others.", "arm", "outcome")
)

// Reader tells of the experiments.
type Reader interface {
	Reports(context.Context) ([]assay.Report, error)
}

// Functions tells what the embedded engine runs.
type Functions interface {
	Deployments() []assay.Deployment
}

// Alarms tells of rules that hide more than noise.
type Alarms interface {
	// Alarms lists those that ring, by candidate.
	Alarms(ctx context.Context, of *assay.Report) (map[string][]string, error)
}

// Sources are what metrics are made of; all are needed, but for Alarms and Others.
type Sources struct {
	Laboratory Reader
	Functions  Functions
	Alarms     Alarms
	Outage     func() string                    // why the store takes no trials; ""
	Clients    func() map[string]clients.Counts // by address
	Version    string                           // of the program
	Others     []Family                         // of other rooms
	Log        *slog.Logger
}

// collector turns reports into metrics at each scrape; it holds no number itself.
type collector struct {
	lab    Reader
	alarms Alarms
}

// Handler serves the metrics of a laboratory.
func Handler(from Sources) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{from.Laboratory, from.Alarms}, functionCollector{from.Functions}, outageGauge(from.Outage),
		clientCollector{from.Clients}, buildGauge(from.Version), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, f := range from.Others {
		registry.MustRegister(newFamily(f))
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, // without reports the process's own metrics still matter
		ErrorLog:      slog.NewLogLogger(from.Log.Handler(), slog.LevelWarn),
	})
}

func buildGauge(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "assay_build_info", Help: "1, labelled with the version of Assay.", ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
}

func outageGauge(outage func() string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "assay_store_outage", Help: "1 while the store takes no trials, and none are made.",
	}, func() float64 {
		if outage() != "" {
			return 1
		}
		return 0
	})
}

// Describe implements prometheus.Collector.
func (collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{requestsDesc, offeredDesc, sampledDesc, trialsDesc, droppedDesc, observationsDesc,
		faultsDesc, coldDesc, costDesc, latencyDesc, comparisonsDesc, verdictDesc, weightDesc, servedDesc, failedDesc,
		leftOutDesc, breakerDesc, limitDesc, callsDesc, waitingDesc, heldDesc, notSampledDesc,
		overheadDesc, lowerDesc, upperDesc, switchDesc, stageDesc, memoryDesc, ignoredDesc, pairedDesc, shareLowerDesc,
		shareUpperDesc, shareLimitDesc, alarmsDesc, openedDesc, runningDesc, inFlightDesc, maxCallsDesc, maxWaitingDesc,
		maxHeldDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectWithin)
	defer cancel()
	reports, err := c.lab.Reports(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(requestsDesc, err)
		return
	}
	for i := range reports {
		m := emitter{out, strings.ToValidUTF8(reports[i].Experiment.Name, "?")}
		m.report(&reports[i])
		c.alarmsOf(ctx, m, &reports[i])
	}
}

// alarmsOf leaves out what cannot be told: no alarm must not look like silence.
func (c collector) alarmsOf(ctx context.Context, m emitter, r *assay.Report) {
	if c.alarms == nil {
		return
	}
	ringing, err := c.alarms.Alarms(ctx, r)
	if err != nil {
		m.out <- prometheus.NewInvalidMetric(alarmsDesc, err)
		return
	}
	for _, a := range r.Experiment.Candidates {
		m.gauge(alarmsDesc, float64(len(ringing[a.Name])), a.Name)
	}
}

// emitter sends the metrics of one experiment.
type emitter struct {
	out        chan<- prometheus.Metric
	experiment string
}

func (m emitter) report(r *assay.Report) {
	m.ledger(&r.Counts)
	m.rollout(r.Rollout)
	m.lane(r)
	for _, a := range shape.ArmsOf(r) {
		m.arm(&a)
		if a.Role == assay.RoleCandidate {
			m.candidate(&a, shape.VerdictOf(r.Verdicts[a.Arm.Name]))
		}
	}
}

func (m emitter) count(d *prometheus.Desc, value float64, labels ...string) {
	m.send(prometheus.NewConstMetric(d, prometheus.CounterValue, value, m.labels(labels)...))
}

func (m emitter) labels(rest []string) []string {
	all := []string{m.experiment}
	for _, l := range rest {
		all = append(all, strings.ToValidUTF8(l, "?"))
	}
	return all
}

func (m emitter) send(metric prometheus.Metric, err error) {
	if err != nil {
		metric = prometheus.NewInvalidMetric(requestsDesc, err)
	}
	m.out <- metric
}

func (m emitter) ledger(n *assay.Counts) {
	m.count(requestsDesc, float64(n.Requests))
	m.count(offeredDesc, float64(n.Offered))
	m.count(sampledDesc, float64(n.Sampled))
	m.count(trialsDesc, float64(n.Trials))
	m.gauge(inFlightDesc, float64(n.InFlight()))
	for reason, v := range bounded(n.NotSampled, metricChoices) {
		m.count(notSampledDesc, float64(v), reason)
	}
	for reason, v := range bounded(shape.WithReasons(n.Dropped), metricReasons) {
		m.count(droppedDesc, float64(v), reason)
	}
}

func (m emitter) gauge(d *prometheus.Desc, value float64, labels ...string) {
	m.send(prometheus.NewConstMetric(d, prometheus.GaugeValue, value, m.labels(labels)...))
}

func (m emitter) rollout(s *assay.Standing) {
	if s == nil {
		return
	}
	m.gauge(weightDesc, s.Weight, s.Candidate)
	for _, stage := range []assay.Stage{assay.StageShadow, assay.StageCanary, assay.StagePromoted, assay.StageRolledBack, assay.StagePaused} {
		m.gauge(stageDesc, truth(s.Stage == stage), s.Candidate, string(stage))
	}
	for role, served := range map[assay.Role]assay.Served{assay.RoleControl: s.Control, assay.RoleCandidate: s.Canary} {
		name := s.Candidate
		if role == assay.RoleControl {
			name = string(role)
		}
		m.gauge(servedDesc, float64(served.Requests), name, string(role))
		m.gauge(failedDesc, float64(served.Errors), name, string(role))
	}
}

func (m emitter) lane(r *assay.Report) {
	m.gauge(limitDesc, float64(r.Lane.Limit))
	m.gauge(callsDesc, float64(r.Lane.Calls))
	m.gauge(waitingDesc, float64(r.Lane.Waiting))
	m.gauge(heldDesc, float64(r.Lane.Held))
	m.gauge(maxCallsDesc, float64(r.Experiment.Budget.Concurrency))
	m.gauge(maxWaitingDesc, float64(r.Experiment.Budget.Queue))
	m.gauge(maxHeldDesc, float64(r.Experiment.Budget.Memory))
	m.gauge(runningDesc, truth(r.Experiment.State == assay.StateRunning))
	for _, limit := range []string{assay.SwitchOverhead, assay.SwitchErrors} {
		m.gauge(switchDesc, truth(r.Experiment.Tripped == limit), limit)
	}
	m.overhead(shape.OverheadOf(r.Lane.Overhead))
	for _, b := range r.Lane.Breakers {
		m.count(leftOutDesc, float64(r.Counts.LeftOut(b.Arm)), b.Arm)
		m.gauge(breakerDesc, truth(b.Open), b.Arm)
		m.count(openedDesc, float64(b.Opened), b.Arm)
	}
}

// overhead is left out as far as it is not known.
func (m emitter) overhead(o *shape.Overhead) {
	if o == nil || o.Seconds == nil {
		return
	}
	m.gauge(overheadDesc, *o.Seconds)
	if i := o.Interval; i != nil {
		m.gauge(lowerDesc, i[0])
		m.gauge(upperDesc, i[1])
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (m emitter) arm(a *shape.Counted) {
	name, role := a.Name(), string(a.Role)
	m.count(observationsDesc, float64(a.Observations), name, role)
	m.count(coldDesc, float64(a.Cold), name, role)
	m.count(costDesc, a.CostUSD, name, role)
	if a.MaxMemoryMB > 0 {
		m.gauge(memoryDesc, float64(a.MaxMemoryMB)*(1<<20), name, role)
	}
	for kind, v := range bounded(a.Faults, metricFaults) {
		m.count(faultsDesc, float64(v), name, role, kind)
	}
	m.latency(a.Latency, name, role)
}

// latency is left out until there is one: a quantile of nothing would read as zero seconds.
func (m emitter) latency(l assay.Latency, labels ...string) {
	var n uint64
	var sum float64
	for _, b := range l.Buckets {
		n += uint64(b.Count)
		sum += b.Value * float64(b.Count) / 1000
	}
	if n == 0 {
		return
	}
	quantiles := map[float64]float64{0.5: l.P50 / 1000, 0.9: l.P90 / 1000, 0.99: l.P99 / 1000}
	m.send(prometheus.NewConstSummary(latencyDesc, n, sum, quantiles, m.labels(labels)...))
}

func (m emitter) candidate(a *shape.Counted, v assay.Verdict) {
	m.count(comparisonsDesc, float64(a.Matches), a.Name(), string(assay.OutcomeMatch))
	m.count(comparisonsDesc, float64(a.Mismatches), a.Name(), string(assay.OutcomeMismatch))
	m.count(ignoredDesc, float64(a.Ignored), a.Name())
	for who, n := range map[string]int64{
		"candidate_only": a.CandidateOnly, "secondary_only": a.SecondaryOnly, "both": a.Both,
		"neither": a.Paired - a.CandidateOnly - a.SecondaryOnly - a.Both,
	} {
		m.count(pairedDesc, float64(n), a.Name(), who)
	}
	m.gauge(shareLowerDesc, v.Evidence.MismatchInterval[0], a.Name())
	m.gauge(shareUpperDesc, v.Evidence.MismatchInterval[1], a.Name())
	m.gauge(shareLimitDesc, v.Evidence.MismatchLimit, a.Name())
	for _, outcome := range []assay.Conclusion{assay.Holds, assay.Refuted, assay.Inconclusive} {
		m.gauge(verdictDesc, truth(outcome == v.Outcome), a.Name(), string(outcome))
	}
}

// bounded folds what is not known into one entry.
func bounded[K ~string](counts map[K]int64, known map[string]bool) map[string]int64 {
	folded := map[string]int64{}
	for k, v := range counts {
		label := string(k)
		if !known[label] {
			label = other
		}
		folded[label] += v
	}
	return folded
}
