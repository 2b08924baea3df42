// Watchload opens many watches on one collection of Jobs, changes these Jobs through the apiserver, and reports how
// and when each change arrived at each watch. Sender and receivers are one process, so that they share one clock.
//
// It writes READY once every watch has the initial state, waits for a line on standard input, changes the Jobs, and
// writes one JSON object. When standard input ends before that, so does the program.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// quietTime is how long nothing arrives before what is missing is called lost.
const quietTime = 10 * time.Second

type options struct {
	watch, reference, collection string
	prefix, ca                   string
	watchers, jobs               int
	rate                         float64
	duration, patience           time.Duration
	sse                          bool
}

func main() {
	ctx, stop := context.WithCancel(context.Background())
	started := make(chan struct{})
	go listen(started, stop)
	err := run(ctx, readOptions(), started)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "watchload:", err)
		os.Exit(1)
	}
}

func readOptions() options {
	var o options
	flag.StringVar(&o.watch, "watch", "", "URL that the watchers read")
	flag.StringVar(&o.reference, "reference", "", "URL that one further watcher reads, to compare with; may be empty")
	flag.StringVar(&o.collection, "collection", "", "URL of the Jobs at the apiserver, where they are changed")
	flag.StringVar(&o.prefix, "prefix", "", "the Jobs' names are this and a number of four digits")
	flag.StringVar(&o.ca, "ca", "", "file of the authority that https servers are verified with")
	flag.IntVar(&o.watchers, "watchers", 1000, "how many watch")
	flag.IntVar(&o.jobs, "jobs", 20, "how many Jobs the collection has")
	flag.Float64Var(&o.rate, "rate", 20, "changes a second")
	flag.DurationVar(&o.duration, "duration", 30*time.Second, "how long the Jobs are changed")
	flag.DurationVar(&o.patience, "patience", time.Minute, "how long to wait for the initial state")
	flag.BoolVar(&o.sse, "sse", false, "ask for Server-Sent Events")
	flag.Parse()
	return o
}

// listen makes a line on standard input the start, and its end the end.
func listen(started chan<- struct{}, stop func()) {
	input := bufio.NewScanner(os.Stdin)
	if input.Scan() {
		close(started)
	}
	for input.Scan() {
	}
	stop()
}

func run(ctx context.Context, o options, started <-chan struct{}) error {
	dial, err := newDialer(o.ca)
	if err != nil {
		return err
	}
	var arrived atomic.Int64
	changes := newChanges(o)
	watchers := newWatchers(o, changes, &arrived)
	defer closeAll(watchers)
	if err := openAll(ctx, watchers, dial, o.patience); err != nil {
		return err
	}
	fmt.Println("READY")
	select {
	case <-started:
	case <-ctx.Done():
		return fmt.Errorf("told to stop before the start")
	}
	if err := changes.send(ctx, dial.transport()); err != nil {
		return err
	}
	waitForAll(ctx, &arrived, int64(changes.acknowledged*len(watchers)))
	closeAll(watchers)
	return json.NewEncoder(os.Stdout).Encode(summarize(watchers, changes))
}

// waitForAll returns when everything arrived, or when nothing more does.
func waitForAll(ctx context.Context, arrived *atomic.Int64, expected int64) {
	before, quiet := int64(-1), time.Now()
	for ctx.Err() == nil && arrived.Load() < expected && time.Since(quiet) < quietTime {
		if now := arrived.Load(); now != before {
			before, quiet = now, time.Now()
		}
		time.Sleep(20 * time.Millisecond)
	}
	// What is sent twice comes late; give it a moment to show.
	time.Sleep(500 * time.Millisecond)
}
