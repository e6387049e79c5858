package assay_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/assaylab/assay"

// law is the import law of the house (HOUSE in ARCHITECTURE.md): what each room may import beside
// package assay and the standard library. An entry ending in "/..." stands for all below it. Tests
// of a room may import more; rooms that are missing here may import nothing more.
var law = map[string][]string{
	"":                    {},
	"cmd/assay":           {module + "/cli"},
	"check":               {},
	"config":              {module + "/check", "go.yaml.in/yaml/v4"},
	"config/template":     {"go.yaml.in/yaml/v4", module + "/check", module + "/config"},
	"deploy":              {"github.com/aws/aws-sdk-go-v2/...", "github.com/aws/smithy-go"},
	"event":               {"github.com/aws/aws-lambda-go/events"},
	"gateway":             {module + "/wire", module + "/clients", "github.com/google/uuid"},
	"lambda":              {module + "/lambda/sandbox", module + "/lambda/runtimeapi", module + "/lambda/control", module + "/lambda/code", module + "/lambda/async", "github.com/google/uuid"},
	"lambda/runtimeapi":   {},
	"remote/plainhttp":    {module + "/wire", module + "/clients"},
	"wire":                {module + "/clients"},
	"wire/wiretest":       {},
	"clients":             {},
	"bench":               {"golang.org/x/sync/errgroup", module + "/store/sqlite", module + "/store/storetest"},
	"bench/suites":        {module + "/suite/schedule"},
	"certificates":        {},
	"ci":                  {module + "/console/shape", "github.com/jstemmer/go-junit-report/v2/junit", "github.com/owenrumney/go-sarif/v3/..."},
	"certificates/testca": {module + "/certificates"},
	"remote/awslambda":    {"github.com/aws/aws-sdk-go-v2/..."},
	"compare":             {module + "/compare/decimal", module + "/compare/expression", module + "/compare/format", module + "/compare/image", module + "/compare/json", module + "/compare/multipart", module + "/compare/report", module + "/compare/text", "github.com/klauspost/compress/zstd", "github.com/andybalholm/brotli"},
	"compare/decimal":     {},
	"compare/format":      {},
	"compare/image":       {module + "/compare/format", module + "/compare/report"},
	"compare/json":        {module + "/compare/decimal", module + "/compare/format", module + "/compare/lcs", module + "/compare/meaning", module + "/compare/report", "github.com/theory/jsonpath/...", "golang.org/x/text/unicode/norm"},
	"compare/multipart":   {module + "/compare/format", module + "/compare/report"},
	"compare/report":      {},
	"compare/text":        {module + "/compare/format", module + "/compare/lcs", module + "/compare/report"},
	"compare/protobuf":    {module + "/compare/format", module + "/compare/json", "google.golang.org/protobuf/..."},
	"compare/expression":  {"github.com/expr-lang/expr/..."},
	"compare/lcs":         {},
	"compare/meaning":     {"golang.org/x/net/html"},
	"stats":               {"github.com/DataDog/sketches-go/...", "gonum.org/v1/gonum/..."},
	"judge":               {module + "/stats"},
	"store/archive":       {},
	"store/codec":         {},
	"store/tables":        {module + "/stats", module + "/cluster", module + "/store/codec"},
	"store/sqlite":        {"modernc.org/sqlite/...", module + "/store/codec", module + "/store/tables"},
	"store/postgres":      {"github.com/jackc/pgx/v5/...", module + "/store/codec", module + "/store/tables"},
	"store/storetest":     {},

	// Comparators that are code of the user's own.
	"compare/own":     {},
	"compare/command": {module + "/compare/own", module + "/lambda/sandbox"},
	"compare/pdf":     {module + "/compare/format", module + "/compare/json", "github.com/ledongthuc/pdf"},
	"compare/wasm":    {module + "/compare/own", "github.com/tetratelabs/wazero/..."},

	// Servers for tests.
	"compare/image/imagetest":     {},
	"store/postgres/postgrestest": {},
	"stream/natstest":             {"github.com/nats-io/nats-server/v2/server"},

	// Past one machine.
	"stream": {"github.com/nats-io/nats.go/..."},

	"console":             {"github.com/klauspost/compress/gzhttp", module + "/clients", module + "/console/charts", module + "/console/metrics", module + "/console/pages", module + "/console/shape", module + "/reading", module + "/noise", module + "/drift", module + "/whatif", module + "/export", "github.com/google/uuid"},
	"console/browser":     {},
	"console/charts":      {},
	"console/metrics":     {module + "/clients", module + "/console/shape", "github.com/prometheus/client_golang/..."},
	"console/pages":       {module + "/console/shape", module + "/compare/lcs", module + "/cluster", module + "/export", module + "/reading", module + "/noise", module + "/drift", module + "/whatif"},
	"console/shape":       {module + "/noise"},
	"machine":             {module + "/lambda", module + "/lambda/sandbox", "golang.org/x/sys/unix"},
	"ignore":              {"github.com/bmatcuk/doublestar/v4"},
	"pack":                {module + "/ignore", "github.com/bmatcuk/doublestar/v4", "github.com/klauspost/compress/flate"},
	"lambda/awsapi":       {module + "/event", module + "/lambda", module + "/lambda/awsapi/model", module + "/lambda/control", module + "/lambda/sigv4", "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream", "github.com/google/uuid"},
	"lambda/awsapi/model": {},
	"lambda/sigv4":        {},
	"lambda/async":        {module + "/lambda/control", "github.com/google/uuid"},
	"lambda/code":         {},
	"lambda/control":      {module + "/lambda/code", "github.com/google/uuid"},

	// The embedded engine's hold on processes.
	"lambda/sandbox":        {"golang.org/x/sys/unix", module + "/lambda/sandbox/cgroup", module + "/lambda/sandbox/loader"},
	"lambda/sandbox/cgroup": {"golang.org/x/sys/unix"},
	"lambda/sandbox/loader": {"golang.org/x/sys/unix"},

	// Reading differences.
	"noise":     {module + "/stats"},
	"cluster":   {module + "/noise"},
	"drift":     {},
	"whatif":    {},
	"top":       {module + "/console/shape", "charm.land/bubbletea/v2", "charm.land/lipgloss/v2/..."},
	"reference": {},
	"reading":   {module + "/noise", module + "/cluster", module + "/drift", module + "/whatif", module + "/reduce", module + "/export"},
	"reduce":    {},
	"export":    {},

	// Recorded traffic.
	"recording": {"github.com/klauspost/compress/zstd"},
	"replay":    {"github.com/google/uuid"},

	// The lane.
	"trial":          {module + "/trial/breaker", module + "/trial/limiter", module + "/trial/overhead", module + "/trial/redact"},
	"trial/redact":   {"github.com/theory/jsonpath/..."},
	"trial/breaker":  {},
	"trial/limiter":  {},
	"trial/overhead": {module + "/stats"},

	// Test suites.
	"suite":                {},
	"suite/schedule":       {},
	"suite/order":          {},
	"suite/contrast":       {module + "/suite", module + "/stats"},
	"suite/quarantine":     {module + "/suite"},
	"suite/dispatch":       {module + "/suite", module + "/suite/schedule"},
	"suite/runner":         {module + "/suite", module + "/suite/runner/gotests"},
	"suite/runner/gotests": {},
	"suite/local":          {module + "/suite/runner"},
	"suite/tree":           {module + "/ignore", "github.com/klauspost/compress/flate"},
	"suite/ship":           {module + "/suite", module + "/suite/tree"},
	"suite/history":        {module + "/suite", "modernc.org/sqlite/..."},
	"suite/report":         {module + "/suite"},

	// What commands touch of their process.
	"process": {"golang.org/x/term"},
	"watch":   {"github.com/fsnotify/fsnotify"},

	// Traces.
	"telemetry": {"go.opentelemetry.io/otel/...", "github.com/go-logr/logr"},

	// Telling people.
	"notify": {"github.com/wneessen/go-mail"},

	// Taking over.
	"rollout": {module + "/stats"},
}

// pure rooms have no side effects: no system, network, clock, random source or goroutine of their own.
var pure = []string{
	"",
	"check",
	"ci",
	"cluster",
	"compare", "compare/decimal", "compare/expression", "compare/format", "compare/image", "compare/json", "compare/lcs", "compare/meaning", "compare/multipart",
	"compare/protobuf", "compare/report", "compare/text",
	"config/template",
	"console/charts", "console/shape",
	"drift",
	"event",
	"export",
	"ignore",
	"judge",
	"lambda/awsapi/model",
	"noise",
	"reduce",
	"stats",
	"store/codec",
	"suite", "suite/contrast", "suite/order", "suite/quarantine", "suite/report", "suite/schedule",
	"trial/breaker", "trial/limiter", "trial/overhead", "trial/redact",
	"whatif",
}

// wiring rooms know the others.
var wiring = []string{"cli", "laboratory", "serve", "suite/run"}

var impure = []string{"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "sync", "syscall", "os/exec", "os/signal"}

type room struct {
	ImportPath string
	Imports    []string
}

func TestImportLaw(t *testing.T) {
	for _, r := range rooms(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(r.ImportPath, module), "/")
		if slices.Contains(wiring, name) || strings.HasPrefix(name, "examples") || strings.HasPrefix(name, "internal/tool") {
			continue // examples are programs of their own
		}
		allowed, known := law[name]
		if !known {
			t.Errorf("room %q is not in the table: add it here and in ARCHITECTURE.md", name)
			continue
		}
		for _, imp := range r.Imports {
			if !lawful(imp, allowed) {
				t.Errorf("%s imports %s", name, imp)
			}
			if slices.Contains(pure, name) && slices.Contains(impure, imp) {
				t.Errorf("%s is pure and imports %s", name, imp)
			}
		}
	}
}

// TestNoServerIsLinked keeps what tests run out of the binary.
func TestNoServerIsLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./cmd/assay").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if strings.Contains(string(out), "nats-io/nats-server") {
		t.Error("the NATS server is linked into assay")
	}
}

func lawful(imp string, allowed []string) bool {
	if imp == module || !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
		return true // ourselves, the standard library
	}
	for _, a := range allowed {
		base, tree := strings.CutSuffix(a, "/...")
		if imp == base || tree && strings.HasPrefix(imp, base+"/") {
			return true
		}
	}
	return false
}

func rooms(t *testing.T) []room {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []room
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var r room
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}
