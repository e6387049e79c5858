// Package local runs a suite's workers as processes of this machine, in the project's own folder: for
// when there is no engine. In comes a batch as an invocation, out goes an answer as an observation; a
// process that ends is a crash, and the next batch gets a new one.
package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite/runner"
)

// Workers is an assay.Invoker. It starts as many processes as there are invocations at once.
type Workers struct {
	place runner.Place

	mu   sync.Mutex
	idle []*process
	all  map[*process]bool
}

// New prepares workers at a place; none is started yet.
func New(p runner.Place) *Workers { return &Workers{place: p, all: map[*process]bool{}} }

// process is one worker.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// Invoke hands a batch to a worker and waits for its answer, or for the end of ctx, with which the
// worker ends.
func (w *Workers) Invoke(ctx context.Context, inv *assay.Invocation) (*assay.Observation, error) {
	began := time.Now()
	p, err := w.get()
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeUnreachable, What: "a worker cannot be started: " + err.Error(), Where: w.place.Python, Err: err}
	}
	stop := context.AfterFunc(ctx, p.kill)
	answer, err := p.ask(inv.Payload)
	o := &assay.Observation{Started: began, Duration: time.Since(began), Status: 200, Body: answer, BodySize: int64(len(answer))}
	if !stop() || err != nil {
		ended := w.end(p)
		o.Body, o.BodySize = nil, 0
		o.Fault = &assay.Fault{Kind: assay.FaultCrash, Type: "Runtime.ExitError", Message: fmt.Sprint("the worker ended: ", errors.Join(err, ended))}
		if ctx.Err() != nil {
			o.Fault = &assay.Fault{Kind: assay.FaultCanceled, Message: "the caller went away"}
		}
		return o, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = append(w.idle, p)
	return o, nil
}

// get takes an idle worker, or starts one.
func (w *Workers) get() (*process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.idle); n > 0 {
		p := w.idle[n-1]
		w.idle = w.idle[:n-1]
		return p, nil
	}
	cmd := exec.Command(w.place.Python, filepath.Join(w.place.Worker, "worker.py"), w.place.Dir)
	cmd.Dir, cmd.Env = w.place.Dir, w.place.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, in: in, out: bufio.NewReader(out)}
	w.all[p] = true
	return p, nil
}

func (p *process) ask(batch []byte) ([]byte, error) {
	if _, err := p.in.Write(append(batch[:len(batch):len(batch)], '\n')); err != nil {
		return nil, err
	}
	return p.out.ReadBytes('\n')
}

// kill asks the worker to end, which ends its runner.
func (p *process) kill() { p.cmd.Process.Signal(syscall.SIGTERM) }

func (w *Workers) end(p *process) error {
	w.mu.Lock()
	delete(w.all, p)
	w.mu.Unlock()
	p.in.Close()
	p.kill()
	late := time.AfterFunc(5*time.Second, func() { syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	return p.cmd.Wait()
}

// Close ends all workers and waits. No invocation is under way.
func (w *Workers) Close() {
	w.mu.Lock()
	w.idle = nil
	all := w.all
	w.all = map[*process]bool{}
	w.mu.Unlock()
	var ending sync.WaitGroup
	for p := range all {
		ending.Go(func() { w.end(p) }) // how it ends is of no interest any longer
	}
	ending.Wait()
}
