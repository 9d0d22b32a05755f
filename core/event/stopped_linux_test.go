package event_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

const (
	// stopTimer is the timeout of every loop of a process that is stopped for
	// as long as that before it passes.
	stopTimer = 3 * time.Second
	// stopSlack is how long after the process goes on its timers may come.
	stopSlack = stopTimer / 2
)

// Timeouts count the time during which the process was stopped.
func TestTimersOfAStoppedProcess(t *testing.T) {
	if os.Getenv("EVENT_TEST_STOPPED") != "" {
		waitToBeStopped(t)
		return
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "EVENT_TEST_STOPPED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ok(t, err)
	if err := cmd.Start(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("the system cannot run this program without the emulator: ", err)
	} else {
		ok(t, err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "waiting" {
	}
	time.Sleep(100 * time.Millisecond) // the loops wait by now
	ok(t, cmd.Process.Signal(syscall.SIGSTOP))
	time.Sleep(stopTimer)
	ok(t, cmd.Process.Signal(syscall.SIGCONT))
	for lines.Scan() {
		if late, found := strings.CutPrefix(lines.Text(), "late "); found {
			t.Error(late)
		}
	}
	ok(t, cmd.Wait())
}

// waitToBeStopped runs a loop on every backend, and says which timers come when
// the process has gone on for long.
func waitToBeStopped(t *testing.T) {
	type result struct {
		name  string
		fired time.Time
	}
	results := make(chan result)
	loops := 0
	for _, on := range backends() {
		if on.locked {
			continue
		}
		loops++
		b := on.base(t)
		go func() {
			addTimer(t, b, stopTimer, func(*event.Event, event.What) {
				results <- result{on.method + "/" + on.variant, time.Now()}
			})
			dispatch(t, b)
		}()
	}
	gap := make(chan time.Time) // when the process went on
	go func() {
		last := time.Now()
		for now := range time.Tick(10 * time.Millisecond) {
			if now.Sub(last) > stopTimer/2 {
				gap <- now
				return
			}
			last = now
		}
	}()
	fmt.Println("waiting")
	on := <-gap
	for range loops {
		if r := <-results; r.fired.Sub(on) > stopSlack {
			fmt.Printf("late %s: the timer came %v after the process went on\n", r.name, r.fired.Sub(on))
		}
	}
}
