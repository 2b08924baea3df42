package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxLine = 4 << 20
	// Enough to be quick, and fewer than a listening socket usually lets wait.
	openedAtOnce = 32
)

var (
	linePrefix  = []byte(`{"type":"`)
	eventPrefix = []byte("event: ")
	dataPrefix  = []byte("data: ")
)

// watcher is one watch. What it finds is its own until done is closed.
type watcher struct {
	address string
	sse     bool
	isExtra bool // the reference
	jobs    int

	connection net.Conn
	closing    atomic.Bool
	ready      chan struct{}
	done       chan struct{}
	err        error
	initial    int
	tally      *tally
}

func newWatchers(o options, c *changes, arrived *atomic.Int64) []*watcher {
	var all []*watcher
	add := func(address string, sse, isExtra bool) {
		all = append(all, &watcher{
			address: address, sse: sse, isExtra: isExtra, jobs: o.jobs, tally: newTally(c, arrived),
			ready: make(chan struct{}), done: make(chan struct{}),
		})
	}
	if o.reference != "" {
		add(o.reference, false, true)
	}
	for range o.watchers {
		add(o.watch, o.sse, false)
	}
	return all
}

// openAll returns once every watcher has the initial state.
func openAll(ctx context.Context, watchers []*watcher, dial *dialer, patience time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no initial state within %s", patience))
	defer cancel()
	turns := make(chan struct{}, openedAtOnce)
	failures := make([]error, len(watchers))
	var group sync.WaitGroup
	for i, w := range watchers {
		group.Add(1)
		go func() {
			defer group.Done()
			turns <- struct{}{}
			defer func() { <-turns }()
			failures[i] = w.open(ctx, dial)
		}()
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) open(ctx context.Context, dial *dialer) error {
	accept := "application/json"
	if w.sse {
		accept = "text/event-stream"
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	connection, body, err := dial.get(ctx, w.address, accept)
	if err != nil {
		return err
	}
	w.connection = connection
	go w.read(body)
	select {
	case <-w.ready:
		return nil
	case <-w.done:
		return fmt.Errorf("a watch ended before its initial state: %w", w.err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *watcher) read(body io.Reader) {
	defer close(w.done)
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 8<<10), maxLine)
	var kind byte
	for lines.Scan() {
		line := lines.Bytes()
		w.tally.bytes += int64(len(line)) + 1
		switch {
		case bytes.HasPrefix(line, linePrefix):
			w.take(line[len(linePrefix)], line)
		case w.sse && bytes.HasPrefix(line, eventPrefix):
			kind = line[len(eventPrefix)]
		case w.sse && bytes.HasPrefix(line, dataPrefix):
			w.take(kind, line)
		case !w.sse && len(line) > 0:
			w.err = fmt.Errorf("not a watch event: %.100q", line)
		}
		if w.err != nil {
			return
		}
	}
	if w.err = lines.Err(); w.err == nil {
		w.err = errors.New("the server ended the watch")
	}
}

// take looks at an event of whose type only the first letter is needed.
func (w *watcher) take(kind byte, event []byte) {
	switch kind {
	case 'A':
		w.initial++
		if w.initial == w.jobs {
			close(w.ready)
		}
	case 'M':
		w.err = w.tally.take(event)
	case 'B':
	default:
		w.err = fmt.Errorf("an event that does not belong here: %.300s", event)
	}
}

// closeAll ends the watches and returns when nothing reads any more.
func closeAll(watchers []*watcher) {
	for _, w := range watchers {
		if w.connection != nil && !w.closing.Swap(true) {
			select {
			case <-w.done: // it ended by itself, and its error says how
			default:
				w.connection.Close()
				<-w.done
				w.err = nil
			}
		}
	}
}

// stamped reads the number and the time that follow the needle in an event.
func stamped(event, needle []byte) (number int, sent int64, found bool) {
	_, rest, found := bytes.Cut(event, needle)
	if !found {
		return 0, 0, false
	}
	stamp, _, _ := bytes.Cut(rest, []byte(`"`))
	first, second, _ := bytes.Cut(stamp, []byte("."))
	number, err := strconv.Atoi(string(first))
	if err != nil {
		return 0, 0, false
	}
	sent, err = strconv.ParseInt(string(second), 10, 64)
	return number, sent, err == nil
}
