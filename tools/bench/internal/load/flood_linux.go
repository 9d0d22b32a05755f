package load

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

const (
	// floodMessage is the length of the messages that are exchanged beside a
	// flood.
	floodMessage = 64

	// floodAtOnce is how many connections of a flood are on their way to the
	// server at any time.
	floodAtOnce = 50
)

// TLSFlood measures what a flood of new connections does to the exchange of
// messages on others. The flood is a process of its own, which runs Flood: its
// command gets the server's address as one more argument.
func TLSFlood(command, flood []string, conns int, d time.Duration) ([]measure.Figure, error) {
	return withTLS(command, func(s *server) ([]measure.Figure, error) {
		x, err := newExchange(s, floodMessage, conns)
		if err != nil {
			return nil, err
		}
		defer x.pool.close()
		if err := x.begin(); err != nil {
			return nil, err
		}
		quiet, err := x.sample(d)
		if err != nil {
			return nil, err
		}
		f, err := startFlood(flood, s.addr)
		if err != nil {
			return nil, err
		}
		flooded, err := x.sample(d)
		handshakes, ended := f.stop()
		if err := errors.Join(err, ended); err != nil {
			return nil, err
		}
		return []measure.Figure{
			{Name: "quiet", Value: microseconds(quiet.tail)},
			{Name: "flooded", Value: microseconds(flooded.tail)},
			{Name: "flooded/quiet", Value: float64(flooded.tail) / float64(quiet.tail)},
			{Name: "messages, quiet", Value: quiet.rate / 1000},
			{Name: "messages, flooded", Value: flooded.rate / 1000},
			{Name: "handshakes", Value: handshakes},
		}, nil
	})
}

// sample is what an exchange was like for a while.
type sample struct {
	tail time.Duration // the 99th percentile of the latency
	rate float64       // messages a second
}

// sample exchanges messages for a while, after one that does not count.
func (x *exchange) sample(d time.Duration) (sample, error) {
	if err := x.run(warmup); err != nil {
		return sample{}, err
	}
	x.latencies = make([]time.Duration, 0, int(d.Seconds()*fastest))
	began := time.Now()
	if err := x.run(d); err != nil {
		return sample{}, err
	}
	if err := x.runMessages(1); err != nil {
		return sample{}, err
	}
	slices.Sort(x.latencies)
	return sample{
		tail: stats.Quantile(x.latencies, 0.99),
		rate: float64(len(x.latencies)) / time.Since(began).Seconds(),
	}, nil
}

// flood is a running flood.
type flood struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *bufio.Reader
	stderr bytes.Buffer
}

// startFlood starts a flood and returns when it has begun to arrive.
func startFlood(command []string, addr netip.AddrPort) (*flood, error) {
	f := &flood{cmd: exec.Command(command[0], append(slices.Clone(command[1:]), addr.String())...)}
	f.cmd.Stderr = &f.stderr
	stdin, err := f.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := f.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	f.stdin, f.stdout = stdin, bufio.NewReader(stdout)
	if err := startIdle(f.cmd); err != nil {
		return nil, err
	}
	if _, err := f.stdout.ReadString('\n'); err != nil {
		_, ended := f.stop()
		return nil, errors.Join(fmt.Errorf("start flood: %w", err), ended)
	}
	return f, nil
}

// startIdle starts a program that gets what others leave of the processor: the
// load has the same, and it is the server's being slow that counts, not that of
// the load.
func startIdle(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		// The program alone inherits the thread's policy: the
		// thread ends with its goroutine, for it is never unlocked.
		runtime.LockOSThread()
		err := unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_IDLE}, 0)
		if err != nil {
			err = fmt.Errorf("sched_setattr: %w", err)
		} else {
			err = cmd.Start()
		}
		started <- err
	}()
	return <-started
}

// stop ends the flood and returns how many connections a second it has made.
func (f *flood) stop() (float64, error) {
	f.stdin.Close()
	line, _ := f.stdout.ReadString('\n')
	if err := f.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("flood: %w: %s", err, strings.TrimSpace(f.stderr.String()))
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
	if err != nil {
		return 0, fmt.Errorf("flood: %w", err)
	}
	return rate, nil
}

// Flood makes new connections to a server until stdin ends. It writes a line to
// stdout when it has made the first and, in the end, how many more a second.
func Flood(address string, stdin io.Reader, stdout io.Writer) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("flood %q: %w", address, err)
	}
	h := startHandshakes(addr, clientConfig(tls.X25519), floodAtOnce, false)
	select {
	case <-h.first:
	case <-h.ctx.Done():
		return h.stop()
	}
	began, before := time.Now(), h.done.Load()
	fmt.Fprintln(stdout, "begun")
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, stdin)
		ended <- err
	}()
	select {
	case err = <-ended:
	case <-h.ctx.Done():
	}
	rate := float64(h.done.Load()-before) / time.Since(began).Seconds()
	if err := errors.Join(err, h.stop()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, rate)
	return err
}
