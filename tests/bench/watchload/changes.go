package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

const annotation = "job-api.bench/change"

// changes are what is done to the Jobs, one after another: each gives the next Job's annotation a new stamp.
//
// A stamp is RUN.NUMBER.SENT: the number counts the changes of all Jobs, so it rises for each of them, and SENT is
// the nanoseconds from the program's start to the moment before the request was written.
type changes struct {
	options      options
	token        string
	run          string
	born         time.Time
	total        int
	acknowledged int
	took         time.Duration
	processor    time.Duration // what this program took of it meanwhile
}

func newChanges(o options) *changes {
	born := time.Now()
	return &changes{
		options: o,
		token:   os.Getenv(tokenVariable),
		run:     strconv.FormatInt(born.UnixNano(), 36),
		born:    born,
		total:   int(o.rate * o.duration.Seconds()),
	}
}

// needle is what comes before the number in an event of this run. The name alone occurs in managedFields, too.
func (c *changes) needle() []byte {
	return []byte(`"` + annotation + `":"` + c.run + ".")
}

// job is the index of the Job that a change is made to.
func (c *changes) job(number int) int { return number % c.options.jobs }

// age is the time since a moment that a stamp names.
func (c *changes) age(sent int64) time.Duration { return time.Since(c.born) - time.Duration(sent) }

// send makes all changes at the rate asked for, or as fast as the apiserver takes them.
func (c *changes) send(ctx context.Context, transport http.RoundTripper) error {
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	interval := time.Duration(float64(time.Second) / c.options.rate)
	start, before := time.Now(), processorTime()
	for number := range c.total {
		select {
		case <-time.After(time.Until(start.Add(time.Duration(number) * interval))):
		case <-ctx.Done():
			return fmt.Errorf("told to stop after %d changes", number)
		}
		if err := c.patch(ctx, client, number); err != nil {
			return fmt.Errorf("change %d: %w", number, err)
		}
		c.acknowledged++
	}
	c.took, c.processor = time.Since(start), processorTime()-before
	return nil
}

// processorTime is what this program took so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func (c *changes) patch(ctx context.Context, client *http.Client, number int) error {
	address := fmt.Sprintf("%s/%s%04d", c.options.collection, c.options.prefix, c.job(number))
	stamp := fmt.Sprintf("%s.%d.%d", c.run, number, time.Since(c.born).Nanoseconds())
	body := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, annotation, stamp)
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, address, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/merge-patch+json")
	request.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.300s", answer.Status, text)
	}
	return err
}
