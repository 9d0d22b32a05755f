package fixed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/go-libevent/libevent/tools/bench/internal/callgrind"
	"github.com/go-libevent/libevent/tools/bench/internal/certificate"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/strace"
)

// A Cost is what a unit of work costs.
type Cost struct {
	Instructions float64 // in user mode
	Calls        float64 // of the system
	Allocations  float64
	Bytes        float64 // allocated
}

// Measure does a piece of work with the command of a subject twice: once under
// valgrind for the instructions, and once under strace for the rest.
func Measure(command string, w Work) (Cost, error) {
	var cost Cost
	err := withCertificate(func(variable string) error {
		var err error
		if cost.Instructions, err = instructions(command, w, variable); err != nil {
			return err
		}
		return cost.countRest(command, w, variable)
	})
	return cost, err
}

// withCertificate calls use with the variable of the environment that names a
// new certificate.
func withCertificate(use func(variable string) error) error {
	dir, err := os.MkdirTemp("", "evbench-fixed")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path, err := certificate.Create(dir)
	if err != nil {
		return err
	}
	return use(certificate.Variable + "=" + path)
}

// instructions counts those of a unit.
func instructions(command string, w Work, variables ...string) (float64, error) {
	counter, err := callgrind.New()
	if err != nil {
		return 0, err
	}
	defer counter.Close()
	line := counter.Command(BeginSymbol, EndSymbol, command)
	if _, err := drive(line, w, nil, append(variables, callgrind.Environment)...); err != nil {
		return 0, err
	}
	n, err := counter.Instructions()
	return float64(n) / float64(w.Units()), err
}

// countRest counts system calls, but for those by which the subject is told what
// to do, and allocations.
func (c *Cost) countRest(command string, w Work, variables ...string) error {
	calls := 0
	observe := func(pid int, rounds func() error) error {
		trace, err := strace.Attach(pid)
		if err != nil {
			return err
		}
		err = rounds()
		counts, ended := trace.Detach()
		for _, count := range counts {
			calls += count.Calls
		}
		return errors.Join(err, ended)
	}
	if w.local() {
		observe = nil // there is nothing but what Go's runtime does by the clock
	}
	allocated, err := drive([]string{command}, w, observe, variables...)
	if err != nil {
		return err
	}
	units := float64(w.Units())
	c.Calls = max(float64(calls-w.orders()), 0) / units
	c.Allocations, c.Bytes = float64(allocated.objects)/units, float64(allocated.bytes)/units
	return nil
}

// orders returns how many system calls the subject makes to get its orders and
// to answer them, in the measured part.
func (w Work) orders() int {
	if w.Name == "resolver" {
		return 4 * w.Round // it is also told to issue
	}
	return 2 * w.Round
}

// allocated is what a subject has allocated in the measured part.
type allocated struct{ objects, bytes int64 }

// A peer does the other side of a piece of work.
type peer interface {
	// address is where the subject finds it, or empty.
	address() string

	// connect makes connections to the subject, which takes them meanwhile.
	connect(addr string) error

	// send sends what the subject is to do in a round.
	send() error

	// receive receives what the subject has done.
	receive() error

	close()
}

// drive does a piece of work with a subject that a command starts. observe, if
// there is one, does the rounds that count.
func drive(command []string, w Work, observe func(pid int, rounds func() error) error, variables ...string) (allocated, error) {
	p, err := newPeer(w)
	if err != nil {
		return allocated{}, err
	}
	defer p.close()
	s, err := startSubject(append(command, w.Label, p.address()), variables)
	if err != nil {
		return allocated{}, err
	}
	result, err := s.work(w, p, observe)
	if ended := s.stop(); err != nil || ended != nil {
		return allocated{}, fmt.Errorf("%s: %w", w.Label, errors.Join(err, ended))
	}
	return result, nil
}

// driven is a subject's process, as its peer sees it.
type driven struct {
	cmd    *exec.Cmd
	orders io.WriteCloser
	lines  *bufio.Reader
	stderr bytes.Buffer
}

func startSubject(command, variables []string) (*driven, error) {
	s := &driven{cmd: exec.Command(command[0], command[1:]...)}
	s.cmd.Env = append(os.Environ(), variables...)
	s.cmd.Stderr = &s.stderr
	orders, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	lines, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.orders, s.lines = orders, bufio.NewReader(lines)
	return s, s.cmd.Start()
}

// stop ends the process and says whether it ran well.
func (s *driven) stop() error {
	s.orders.Close() // if it has ended, Wait says why
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(s.stderr.String()))
	}
	return nil
}

// order sends an order and returns the answer.
func (s *driven) order(order byte) (string, error) {
	if _, err := s.orders.Write([]byte{order}); err != nil {
		return "", err
	}
	return s.line()
}

func (s *driven) line() (string, error) {
	line, err := s.lines.ReadString('\n')
	return strings.TrimSpace(line), err
}

// work does all rounds.
func (s *driven) work(w Work, p peer, observe func(pid int, rounds func() error) error) (allocated, error) {
	addr, err := s.line()
	if err != nil {
		return allocated{}, err
	}
	if err := s.prepare(p, addr); err != nil {
		return allocated{}, err
	}
	if err := s.rounds(w, p, w.Warm); err != nil {
		return allocated{}, err
	}
	if _, err := s.order(orderBegin); err != nil {
		return allocated{}, err
	}
	counted := func() error { return s.rounds(w, p, w.Round) }
	if observe != nil {
		err = observe(s.cmd.Process.Pid, counted)
	} else {
		err = counted()
	}
	if err != nil {
		return allocated{}, err
	}
	text, err := s.order(orderEnd)
	if err != nil {
		return allocated{}, err
	}
	var result allocated
	_, err = fmt.Sscan(text, &result.objects, &result.bytes)
	return result, err
}

// prepare has the subject take connections while the peer makes them.
func (s *driven) prepare(p peer, addr string) error {
	connected := make(chan error, 1)
	go func() { connected <- p.connect(addr) }()
	_, err := s.order(orderPrepare)
	if err != nil {
		return err
	}
	return <-connected
}

func (s *driven) rounds(w Work, p peer, n int) error {
	for range n {
		if w.Name == "resolver" {
			if _, err := s.order(orderIssue); err != nil {
				return err
			}
		}
		if err := p.send(); err != nil {
			return err
		}
		if _, err := s.order(orderStep); err != nil {
			return err
		}
		if err := p.receive(); err != nil {
			return err
		}
	}
	return nil
}

// newPeer returns the peer of a piece of work.
func newPeer(w Work) (peer, error) {
	switch w.Name {
	case "echo", "tls":
		return &echoPeer{streams{work: w}}, nil
	case "http", "http-close":
		return newHTTPPeer(w), nil
	case "dns-server":
		return &asker{work: w}, nil
	case "resolver":
		return newUpstream(w)
	}
	return nobody{}, nil
}

// A subject that needs no peer has this one.
type nobody struct{}

func (nobody) address() string      { return "" }
func (nobody) connect(string) error { return nil }
func (nobody) send() error          { return nil }
func (nobody) receive() error       { return nil }
func (nobody) close()               {}

// ErrUnable says that a cost cannot be counted on this machine.
var ErrUnable = measure.ErrUnable
