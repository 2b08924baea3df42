package main

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// tally is what one watcher saw.
type tally struct {
	changes    *changes
	needle     []byte
	arrived    *atomic.Int64 // of all watchers
	seen       []bool        // by number
	last       []int         // by Job, the highest number so far
	latencies  []time.Duration
	duplicates int
	disorder   int
	foreign    int // changes by others
	bytes      int64
}

func newTally(c *changes, arrived *atomic.Int64) *tally {
	last := make([]int, c.options.jobs)
	for i := range last {
		last[i] = -1
	}
	return &tally{
		changes: c, needle: c.needle(), arrived: arrived, seen: make([]bool, c.total), last: last,
		latencies: make([]time.Duration, 0, c.total),
	}
}

func (t *tally) take(event []byte) error {
	number, sent, found := stamped(event, t.needle)
	if !found {
		t.foreign++
		return nil
	}
	latency := t.changes.age(sent)
	if number < 0 || number >= len(t.seen) {
		return fmt.Errorf("change %d was never sent", number)
	}
	if t.seen[number] {
		t.duplicates++
		return nil
	}
	t.seen[number] = true
	t.latencies = append(t.latencies, latency)
	if job := t.changes.job(number); number < t.last[job] {
		t.disorder++
	} else {
		t.last[job] = number
	}
	t.arrived.Add(1)
	return nil
}

type percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

type summary struct {
	Watchers      int          `json:"watchers"`
	Changes       int          `json:"changes"`
	Rate          float64      `json:"rate"`
	LoadCores     float64      `json:"load_cores"`
	Expected      int          `json:"expected"`
	Seen          int          `json:"seen"`
	Gaps          int          `json:"gaps"`
	Duplicates    int          `json:"duplicates"`
	Disorder      int          `json:"disorder"`
	Foreign       int          `json:"foreign"`
	Bytes         int64        `json:"bytes"`
	Broken        int          `json:"broken"`
	Errors        []string     `json:"errors"`
	LatencyMs     *percentiles `json:"latency_ms"`
	ReferenceMs   *percentiles `json:"reference_ms"`
	ReferenceSeen int          `json:"reference_seen"`
}

// summarize counts what the watchers saw; they must have ended.
func summarize(watchers []*watcher, c *changes) summary {
	s := summary{
		Changes:   c.acknowledged,
		Rate:      float64(c.acknowledged) / c.took.Seconds(),
		LoadCores: c.processor.Seconds() / c.took.Seconds(),
		Errors:    []string{},
	}
	var latencies []time.Duration
	for _, w := range watchers {
		if w.isExtra {
			s.ReferenceMs = percentilesOf(w.tally.latencies)
			s.ReferenceSeen = len(w.tally.latencies)
		} else {
			s.add(w)
			latencies = append(latencies, w.tally.latencies...)
		}
	}
	s.Expected = s.Watchers * s.Changes
	s.Gaps = s.Expected - s.Seen
	s.LatencyMs = percentilesOf(latencies)
	return s
}

func (s *summary) add(w *watcher) {
	s.Watchers++
	s.Seen += len(w.tally.latencies)
	s.Duplicates += w.tally.duplicates
	s.Disorder += w.tally.disorder
	s.Foreign += w.tally.foreign
	s.Bytes += w.tally.bytes
	if w.err != nil {
		s.Broken++
		if len(s.Errors) < 3 {
			s.Errors = append(s.Errors, w.err.Error())
		}
	}
}

func percentilesOf(latencies []time.Duration) *percentiles {
	if len(latencies) == 0 {
		return nil
	}
	slices.Sort(latencies)
	at := func(share float64) float64 {
		rank := max(1, int(math.Ceil(share*float64(len(latencies)))))
		return float64(latencies[rank-1]) / float64(time.Millisecond)
	}
	return &percentiles{P50: at(0.5), P90: at(0.9), P99: at(0.99), Max: at(1)}
}
