package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load is what wrk does to one address: connections that send one request after another.
type load struct {
	connections int
	post        int // bytes of a POST; a GET if zero
}

// result of one measurement.
type result struct {
	perSecond float64
	p50, p99  time.Duration
	failed    int // requests without an answer, or with a status of 400 or more
}

// tell makes wrk print figures instead of a text.
const tell = `
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("FIGURES %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end`

// drive runs wrk against an address for a while.
func drive(ctx context.Context, dir, url string, l load, window time.Duration) (result, error) {
	script := tell
	if l.post > 0 {
		script += fmt.Sprintf("\nwrk.method = 'POST'\nwrk.body = string.rep('x', %d)\n", l.post)
	}
	path, err := keep(dir, script)
	if err != nil {
		return result{}, err
	}
	out, err := exec.CommandContext(ctx, "wrk", "-t", "1", "-c", strconv.Itoa(l.connections), "-d", strconv.Itoa(max(1, int(window.Seconds())))+"s",
		"--timeout", "30s", "-s", path, url).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	return figures(string(out))
}

// keep writes a script into a file of its own.
func keep(dir, script string) (string, error) {
	file, err := os.CreateTemp(dir, "*.lua")
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(script)
	return file.Name(), errors.Join(err, file.Close())
}

// figures reads what tell printed: times are in microseconds.
func figures(out string) (result, error) {
	_, line, found := strings.Cut(out, "FIGURES ")
	var requests, duration, p50, p99 int64
	var r result
	if !found {
		return r, fmt.Errorf("wrk told no figures: %s", out)
	}
	if _, err := fmt.Sscan(line, &requests, &duration, &p50, &p99, &r.failed); err != nil {
		return r, fmt.Errorf("wrk told %q: %w", line, err)
	}
	if requests == 0 {
		return r, errors.New("wrk made no requests")
	}
	r.perSecond = float64(requests) / (time.Duration(duration) * time.Microsecond).Seconds()
	r.p50, r.p99 = time.Duration(p50)*time.Microsecond, time.Duration(p99)*time.Microsecond
	return r, nil
}

// rival is one of those compared.
type rival struct {
	name, url string
	settle    func() error // waits until it has done with a measurement; none if nil
}

func at(name, url string) rival { return rival{name: name, url: url} }

// alternate measures all in turn, round after round, and returns the medians. Any failed request is an
// error: a proxy that fails fast is not fast.
func alternate(ctx context.Context, s *stage, o options, l load, rivals ...rival) (map[string]result, error) {
	all := map[string][]result{}
	for range o.rounds {
		for _, v := range rivals {
			r, err := drive(ctx, s.dir, v.url, l, o.window)
			if err == nil && r.failed > 0 {
				err = fmt.Errorf("%d requests failed", r.failed)
			}
			if err == nil && v.settle != nil {
				err = v.settle()
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v.name, err)
			}
			all[v.name] = append(all[v.name], r)
		}
	}
	medians := map[string]result{}
	for name, results := range all {
		medians[name] = result{
			perSecond: median(results, func(r result) float64 { return r.perSecond }),
			p50:       time.Duration(median(results, func(r result) float64 { return float64(r.p50) })),
			p99:       time.Duration(median(results, func(r result) float64 { return float64(r.p99) })),
		}
	}
	return medians, nil
}

// pace sends requests at a steady rate, whatever becomes of them, and returns how many were not answered
// well. As many are under way as it takes, up to 512.
func pace(ctx context.Context, url string, perSecond int, d time.Duration) (sent, failed int64, err error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	var bad atomic.Int64
	var clients sync.WaitGroup
	room := make(chan struct{}, 512)
	began := time.Now()
	for ; time.Since(began) < d && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		for due := int64(time.Since(began).Seconds() * float64(perSecond)); sent < due; sent++ {
			room <- struct{}{}
			clients.Go(func() {
				defer func() { <-room }()
				if !fetch(client, url) {
					bad.Add(1)
				}
			})
		}
	}
	clients.Wait()
	return sent, bad.Load(), ctx.Err()
}

func fetch(client *http.Client, url string) bool {
	resp, err := client.Get(url)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}
