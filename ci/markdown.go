package ci

import (
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// mostPaths is how many paths a summary lists of a candidate.
const mostPaths = 10

var summary = template.Must(template.New("summary").Funcs(template.FuncMap{
	"caption": caption, "cell": cell, "code": code, "percent": percent, "interval": interval,
	"estimate": estimate, "mark": mark, "latency": latency, "cost": cost, "differing": differing, "first": firstPaths, "beyond": beyond,
}).Parse(`## {{mark .Outcome}} {{cell .Name}}: {{.Outcome}}

{{.Trials}} trials of {{.Requests}} requests{{with .InFlight}}, {{.}} in flight{{end}}.

| arm | verdict | trials | mismatches | true share of mismatches | p50, p99 | USD per million |
| --- | --- | ---: | ---: | --- | --- | ---: |
{{- range .Arms}}
| {{cell (caption .)}} | {{if .Candidate}}{{mark .Verdict.Outcome}} {{.Verdict.Outcome}}{{else}}{{.Role}}{{end}} | {{if .Candidate}}{{.Trials}}{{else}}{{.Observations}}{{end}} | {{if .Candidate}}{{.Mismatches}}{{end}} | {{if .Candidate}}{{interval .Verdict.Evidence.MismatchInterval}}{{end}} | {{latency .}} | {{cost .}} |
{{- end}}
{{range .Candidates}}
### {{cell (caption .)}}: {{.Verdict.Outcome}}

{{cell .Verdict.Reason}}
{{if .Verdict.Evidence.Checks}}
| claim | verdict | estimate | true value |
| --- | --- | ---: | --- |
{{- range .Verdict.Evidence.Checks}}
| {{cell .Clause}} | {{mark .Conclusion}} {{.Conclusion}} | {{estimate .}} | {{interval .Interval}} |
{{- end}}
{{end}}{{with differing .Paths}}
| where it differs | how | trials | the control from itself |
| --- | --- | ---: | ---: |
{{- range first .}}
| {{code .Path}} | {{.Kind}} | {{.Mismatches}} | {{.Noise}} |
{{- end}}
{{with beyond .}}
And {{.}} more.
{{end}}{{end}}{{with .Verdict.Change}}
What would change it: {{cell .}}
{{end}}{{with .Verdict.Needs}}
Trials needed: about {{.Trials}} in all, {{.More}} more.
{{end}}{{if .Verdict.NotSeen}}
Not seen:
{{range .Verdict.NotSeen}}
- {{cell .}}
{{- end}}
{{end}}{{end}}`))

// Markdown writes an experiment for the page of a run: GitHub's $GITHUB_STEP_SUMMARY, GitLab's notes.
func Markdown(w io.Writer, e *shape.Experiment) error { return summary.Execute(w, e) }

// mark shows an outcome at a glance.
func mark(c assay.Conclusion) string {
	switch c {
	case assay.Holds:
		return "✅"
	case assay.Refuted:
		return "❌"
	}
	return "⏳"
}

var escapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "\n", " ", "\r", " ")

// cell is text that Markdown and its tables leave as it is.
func cell(text any) string { return escapes.Replace(fmt.Sprint(text)) }

// code is text in the type of code; a path may hold what would end it.
func code(text string) string {
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + " " + strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ").Replace(text) + " " + fence
}

func latency(a shape.Arm) string {
	if a.LatencyMS == nil {
		return ""
	}
	return fmt.Sprintf("%.4g, %.4g ms", a.LatencyMS.P50, a.LatencyMS.P99)
}

func cost(a shape.Arm) string {
	if a.USDPerMillion == nil {
		return ""
	}
	return fmt.Sprintf("%.4g", *a.USDPerMillion)
}

// differing leaves out the paths at which everything is excused.
func differing(all []assay.PathCount) (paths []assay.PathCount) {
	for _, p := range all {
		if p.Mismatches > 0 {
			paths = append(paths, p)
		}
	}
	return paths
}

func firstPaths(all []assay.PathCount) []assay.PathCount { return all[:min(len(all), mostPaths)] }

func beyond(all []assay.PathCount) int { return max(0, len(all)-mostPaths) }
