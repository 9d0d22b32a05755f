package load

import (
	"errors"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/strace"
)

// rare is the number of calls a message below which a system call has no
// figure of its own.
const rare = 0.005

// warmupMessages are exchanged before the count begins.
const warmupMessages = 1000

// Syscalls counts the system calls that a server makes for each of a number of
// messages, by name, with strace.
func Syscalls(command []string, size, conns, messages int) ([]measure.Figure, error) {
	return countSyscalls(command, messages, func(s *server) (*turns, error) {
		x, err := newExchange(s, size, conns)
		if err != nil {
			return nil, err
		}
		return &x.turns, nil
	})
}

// countSyscalls counts those of a server during an exchange that prepare has
// made ready.
func countSyscalls(command []string, messages int, prepare func(*server) (*turns, error)) ([]measure.Figure, error) {
	return with(command, func(s *server) ([]measure.Figure, error) {
		x, err := prepare(s)
		if err != nil {
			return nil, err
		}
		defer x.pool.close()
		if err := x.exchangeOnce(warmupMessages); err != nil {
			return nil, err
		}
		t, err := strace.Attach(s.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		err = x.exchangeOnce(messages)
		counts, ended := t.Detach()
		if err := errors.Join(err, ended); err != nil {
			return nil, err
		}
		return perMessage(counts, len(x.latencies)), nil
	})
}

// perMessage returns the calls a message, their sums first.
func perMessage(counts []strace.Count, messages int) []measure.Figure {
	var figures []measure.Figure
	var total, few float64
	for _, c := range counts {
		value := float64(c.Calls) / float64(messages)
		total += value
		if value < rare {
			few += value
			continue
		}
		figures = append(figures, measure.Figure{Name: c.Name, Value: value})
	}
	sums := []measure.Figure{{Name: "all calls", Value: total}, {Name: "rare calls", Value: few}}
	return append(sums, figures...)
}
