package runtimeapi

import "time"

// InitStart is the record of platform.initStart.
type InitStart struct {
	InitializationType string `json:"initializationType"` // "on-demand" or "provisioned-concurrency"
	RuntimeVersion     string `json:"runtimeVersion,omitempty"`
	RuntimeVersionARN  string `json:"runtimeVersionArn,omitempty"`
	FunctionName       string `json:"functionName,omitempty"`
	FunctionVersion    string `json:"functionVersion,omitempty"`
	InstanceID         string `json:"instanceId,omitempty"`
	InstanceMaxMemory  int64  `json:"instanceMaxMemory,omitempty"` // bytes
	Phase              string `json:"phase"`                       // "init", or "invoke" when an invocation waits for it
}

// initDone is the record of platform.initRuntimeDone.
type initDone struct {
	InitializationType string `json:"initializationType"`
	Phase              string `json:"phase"`
	Status             string `json:"status"`
	ErrorType          string `json:"errorType,omitempty"`
}

// InitReport is the record of platform.initReport.
type InitReport struct {
	InitializationType string      `json:"initializationType"`
	Phase              string      `json:"phase"`
	Status             string      `json:"status"`
	ErrorType          string      `json:"errorType,omitempty"`
	Metrics            InitMetrics `json:"metrics"`
}

// InitMetrics are those of platform.initReport.
type InitMetrics struct {
	DurationMS float64 `json:"durationMs"`
}

// Tracing is how records tell the trace they belong to.
type Tracing struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// NewTracing is the trace of an X-Amzn-Trace-Id.
func NewTracing(id string) Tracing { return Tracing{"X-Amzn-Trace-Id", id} }

// Start is the record of platform.start.
type Start struct {
	RequestID string  `json:"requestId"`
	Version   string  `json:"version"`
	Tracing   Tracing `json:"tracing"`
}

// span is a part of the runtime's time.
type span struct {
	Name       string  `json:"name"`
	Start      string  `json:"start"`
	DurationMS float64 `json:"durationMs"`
}

type doneMetrics struct {
	DurationMS    float64 `json:"durationMs"`
	ProducedBytes int64   `json:"producedBytes"`
}

// done is the record of platform.runtimeDone.
type done struct {
	RequestID string       `json:"requestId"`
	Status    string       `json:"status"`
	ErrorType string       `json:"errorType,omitempty"`
	Tracing   Tracing      `json:"tracing"`
	Spans     []span       `json:"spans,omitempty"`
	Metrics   *doneMetrics `json:"metrics,omitempty"`
}

// Report is the record of platform.report.
type Report struct {
	RequestID string        `json:"requestId"`
	Status    string        `json:"status"` // "success", "error", "failure" or "timeout"
	ErrorType string        `json:"errorType,omitempty"`
	Tracing   Tracing       `json:"tracing"`
	Metrics   ReportMetrics `json:"metrics"`
}

// ReportMetrics are those of platform.report.
type ReportMetrics struct {
	DurationMS       float64 `json:"durationMs"`
	BilledDurationMS int64   `json:"billedDurationMs"`
	MemorySizeMB     int     `json:"memorySizeMB"`
	MaxMemoryUsedMB  int     `json:"maxMemoryUsedMB"`
	InitDurationMS   float64 `json:"initDurationMs,omitempty"`
}

// Abort tells the subscribers that the runtime did not finish what it had begun: status is "timeout",
// "failure" or "error", errorType the platform's.
func (s *Server) Abort(status, errorType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runtime.current != nil {
		s.emitDone(status, errorType)
	} else if s.open {
		s.emitInitDone(status, errorType)
	}
}

// emitInitDone tells that the runtime's init has ended. The lock is held.
func (s *Server) emitInitDone(status, errorType string) {
	s.emit("platform.initRuntimeDone", initDone{s.config.Init.InitializationType, s.config.Init.Phase, status, errorType})
}

// emitDone tells that the runtime has done with the current invocation. The lock is held.
func (s *Server) emitDone(status, errorType string) {
	if !s.listening.Load() {
		return
	}
	now, x, a := s.config.Now(), s.runtime.current, s.runtime.answer
	if a.Fault != nil && status == "success" {
		status, errorType = "error", a.ErrorType
	}
	record := done{
		RequestID: x.ID, Status: status, ErrorType: errorType, Tracing: NewTracing(x.TraceID),
		Metrics: &doneMetrics{milliseconds(now.Sub(s.began)), max(int64(len(a.Body)), a.Streamed)},
	}
	if !a.Began.IsZero() && !s.runtime.sent.Before(a.Began) {
		record.Spans = []span{
			newSpan("responseLatency", s.began, a.Began), newSpan("responseDuration", a.Began, s.runtime.sent), newSpan("runtimeOverhead", s.runtime.sent, now),
		}
	}
	s.emit("platform.runtimeDone", record)
}

func newSpan(name string, from, to time.Time) span {
	return span{name, from.UTC().Format(timestamp), milliseconds(to.Sub(from))}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
