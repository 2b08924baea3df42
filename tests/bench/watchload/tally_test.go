package main

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func event(c *changes, number int) []byte {
	return fmt.Appendf(nil, `{"type":"MODIFIED","object":{"metadata":{"annotations":{"%s":"%s.%d.%d"},"managedFields":[`+
		`{"f:annotations":{"f:%s":{}}}]}}}`, annotation, c.run, number, time.Since(c.born).Nanoseconds(), annotation)
}

func watched(t *testing.T, c *changes, numbers ...int) summary {
	t.Helper()
	tally := newTally(c, new(atomic.Int64))
	for _, number := range numbers {
		if err := tally.take(event(c, number)); err != nil {
			t.Fatal(err)
		}
	}
	return summarize([]*watcher{{tally: tally}}, c)
}

func TestEachFaultIsCountedAsWhatItIs(t *testing.T) {
	c := newChanges(options{jobs: 2, rate: 6, duration: time.Second})
	c.acknowledged, c.took = c.total, time.Second
	cases := []struct {
		name                       string
		numbers                    []int
		gaps, duplicates, disorder int
	}{
		{"whole", []int{0, 1, 2, 3, 4, 5}, 0, 0, 0},
		{"the order of different Jobs is nobody's business", []int{1, 0, 3, 2, 5, 4}, 0, 0, 0},
		{"lost", []int{0, 1, 3, 4}, 2, 0, 0},
		{"twice", []int{0, 1, 2, 2, 3, 4, 5, 0}, 0, 2, 0},
		{"one Job's out of order", []int{0, 1, 4, 2, 3, 5}, 0, 0, 1},
	}
	for _, each := range cases {
		t.Run(each.name, func(t *testing.T) {
			s := watched(t, c, each.numbers...)
			if s.Gaps != each.gaps || s.Duplicates != each.duplicates || s.Disorder != each.disorder {
				t.Errorf("%d gaps, %d duplicates, %d out of order", s.Gaps, s.Duplicates, s.Disorder)
			}
		})
	}
}

func TestChangesByOthersAndOfOtherRunsAreForeign(t *testing.T) {
	c := newChanges(options{jobs: 1, rate: 1, duration: time.Second})
	tally := newTally(c, new(atomic.Int64))
	other := &changes{run: "other", born: time.Now()}
	for _, each := range [][]byte{event(other, 0), []byte(`{"type":"MODIFIED","object":{}}`)} {
		if err := tally.take(each); err != nil {
			t.Fatal(err)
		}
	}
	if tally.foreign != 2 || len(tally.latencies) != 0 {
		t.Errorf("%d foreign, %d seen", tally.foreign, len(tally.latencies))
	}
}

func TestPercentilesAreThoseOfTheNearestRank(t *testing.T) {
	var latencies []time.Duration
	for i := 100; i > 0; i-- {
		latencies = append(latencies, time.Duration(i)*time.Millisecond)
	}
	if got := *percentilesOf(latencies); got != (percentiles{P50: 50, P90: 90, P99: 99, Max: 100}) {
		t.Error(got)
	}
}
