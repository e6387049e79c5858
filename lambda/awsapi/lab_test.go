package awsapi

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay/lambda"
)

// built is the test's handler, built once.
var built struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	if dir := os.Getenv("ASSAY_BENCH_ENGINE"); dir != "" { // this process is a benchmark's engine
		if err := benchEngine(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(built.dir)
		os.Exit(code)
	}))
}

// handlerZip is the path of a zip with the handler of testdata/handler as its bootstrap.
func handlerZip(t testing.TB) string {
	t.Helper()
	built.Do(func() { built.dir, built.err = buildHandler() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "handler.zip")
}

func buildHandler() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "assay-awsapi-test"); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "./testdata/handler")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w: %s", err, out)
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		return dir, err
	}
	return dir, os.WriteFile(filepath.Join(dir, "handler.zip"), zipOf(map[string]string{"bootstrap": string(program)}), 0o600)
}

func zipOf(files map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		f, err := z.CreateHeader(h)
		if err != nil {
			panic(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			panic(err)
		}
	}
	z.Close()
	return b.Bytes()
}

// lab is an API over an engine, under test.
type lab struct {
	t      testing.TB
	engine *lambda.Engine
	api    *API
	server *httptest.Server
	http   *http.Client
}

func newLab(t testing.TB, opts Options) *lab {
	t.Helper()
	engine, err := lambda.New(lambda.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	opts.Plane, opts.Engine = engine.Plane, engine
	api, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, engine: engine, api: api, server: httptest.NewServer(api), http: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(func() {
		l.http.CloseIdleConnections()
		l.server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second) // some functions hang
		defer cancel()
		if err := engine.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return l
}
