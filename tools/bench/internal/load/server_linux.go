package load

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/process"
)

// server is a running server.
type server struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr bytes.Buffer
	addr   netip.AddrPort
	tls    *tls.Config // of its clients, or nil
}

// work is what a load does with a server.
type work func(*server) ([]measure.Figure, error)

// exitUnable is the status of a server that cannot be run on this machine.
const exitUnable = 3

// start starts a server, with variables of the environment, and learns its
// address.
func start(command []string, variables ...string) (*server, error) {
	if len(command) == 0 {
		return nil, errors.New("no server to run")
	}
	s := &server{cmd: exec.Command(command[0], command[1:]...)}
	s.cmd.Env = append(os.Environ(), variables...)
	s.cmd.Stderr = &s.stderr
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.stdin = stdin
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		// Why it ended is more to the point than that its output did.
		if ended := s.stop(); ended != nil {
			err = ended
		}
		return nil, fmt.Errorf("start server: %w", err)
	}
	s.addr, err = netip.ParseAddrPort(strings.TrimSpace(line))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("server printed %q: %w", line, err), s.stop())
	}
	return s, nil
}

// stop ends the server and says whether it ran well.
func (s *server) stop() error {
	s.stdin.Close()
	err := s.cmd.Wait()
	if err == nil {
		return nil
	}
	message := strings.TrimSpace(s.stderr.String())
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == exitUnable {
		return fmt.Errorf("server: %w: %s", measure.ErrUnable, message)
	}
	return fmt.Errorf("server: %w: %s", err, message)
}

// link returns what connections to the server carry, over a connected socket.
func (s *server) link(fd int) (link, error) {
	if s.tls == nil {
		return plain(fd), nil
	}
	return newSecure(fd, s.tls)
}

// with starts a server, lets use work with it, and ends it.
func with(command []string, use work) ([]measure.Figure, error) {
	s, err := start(command)
	if err != nil {
		return nil, err
	}
	return s.finish(use)
}

// finish lets use work with the server, and ends that.
func (s *server) finish(use work) ([]measure.Figure, error) {
	figures, err := use(s)
	if err := errors.Join(err, s.stop()); err != nil {
		return nil, err
	}
	return figures, nil
}

// meter measures the time that passes and the processor time of both ends.
type meter struct {
	server *server
	began  time.Time
	used   [2]time.Duration // of the server and of the load
}

// usage is what a meter measured.
type usage struct {
	elapsed, server, load time.Duration
}

// newMeter starts to measure.
func newMeter(s *server) (*meter, error) {
	m := &meter{server: s}
	var err error
	m.used, err = m.processors()
	m.began = time.Now()
	return m, err
}

func (m *meter) processors() (used [2]time.Duration, err error) {
	for i, pid := range []int{m.server.cmd.Process.Pid, os.Getpid()} {
		if used[i], err = process.CPU(pid); err != nil {
			return used, err
		}
	}
	return used, nil
}

// stop returns what was used since the start.
func (m *meter) stop() (usage, error) {
	elapsed := time.Since(m.began)
	used, err := m.processors()
	return usage{elapsed, used[0] - m.used[0], used[1] - m.used[1]}, err
}

// figures returns the share of the time that the processors of both ends were
// busy, in percent.
func (u usage) figures() []measure.Figure {
	share := func(t time.Duration) float64 { return 100 * float64(t) / float64(u.elapsed) }
	return []measure.Figure{
		{Name: "server busy", Value: share(u.server)},
		{Name: "load busy", Value: share(u.load)},
	}
}
