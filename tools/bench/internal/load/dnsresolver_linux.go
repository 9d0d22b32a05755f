package load

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/process"
	"github.com/go-libevent/libevent/tools/bench/internal/rawio"
)

const (
	// upstreamBatch is how many queries an upstream takes at a time.
	upstreamBatch = 64

	// upstreamBuffer is the size of an upstream's receive buffer in bytes, so that
	// no query is lost.
	upstreamBuffer = 4 << 20

	// upstreamPoll is how often an upstream without queries asks whether it shall
	// end.
	upstreamPoll = 50 * time.Millisecond
)

// DNSResolve has a resolver look up distinct names, of which so many are under way
// at any time, and answers all of its queries. The resolver is a program that gets
// three more arguments, the upstream's address and the numbers, and prints its
// figures.
func DNSResolve(command []string, lookups, atOnce int) ([]measure.Figure, error) {
	u, err := newUpstream(true)
	if err != nil {
		return nil, err
	}
	figures, used, err := u.use(command, lookups, atOnce)
	if err != nil {
		return nil, err
	}
	if u.queries.Load() < int64(lookups) {
		return nil, fmt.Errorf("%d queries for %d names", u.queries.Load(), lookups)
	}
	return append(figures, measure.Figure{Name: "load busy", Value: 100 * used}), nil
}

// DNSHold has a resolver tell its memory while lookups are outstanding: no query
// is answered. The resolver gets the upstream's address and the number.
func DNSHold(command []string, lookups int) ([]measure.Figure, error) {
	u, err := newUpstream(false)
	if err != nil {
		return nil, err
	}
	figures, _, err := u.use(command, lookups)
	if err == nil && u.queries.Load() == 0 {
		err = errors.New("the resolver has sent nothing")
	}
	return figures, err
}

// upstream is a nameserver that is faster than any resolver, or one that never
// answers.
type upstream struct {
	fd      int
	addr    netip.AddrPort
	answers bool
	queries atomic.Int64 // that have come
	ending  atomic.Bool
}

func newUpstream(answers bool) (*upstream, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	u := &upstream{fd: fd, answers: answers}
	if err := u.listen(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return u, nil
}

func (u *upstream) listen() error {
	// Within net.core.rmem_max any process may; beyond, only root.
	if unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, upstreamBuffer) != nil {
		if err := unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, upstreamBuffer); err != nil {
			return fmt.Errorf("set SO_RCVBUF: %w", err)
		}
	}
	wait := unix.NsecToTimeval(upstreamPoll.Nanoseconds())
	if err := unix.SetsockoptTimeval(u.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return fmt.Errorf("set SO_RCVTIMEO: %w", err)
	}
	if err := unix.Bind(u.fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	sa, err := unix.Getsockname(u.fd)
	if err != nil {
		return fmt.Errorf("getsockname: %w", err)
	}
	u.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(sa.(*unix.SockaddrInet4).Port))
	return nil
}

// use runs a resolver with the upstream, and returns its figures and the share of
// the time that the upstream's process was busy.
func (u *upstream) use(command []string, numbers ...int) ([]measure.Figure, float64, error) {
	served := make(chan error, 1)
	go func() { served <- u.serve() }()
	defer unix.Close(u.fd)
	began := time.Now()
	before, err := process.CPU(os.Getpid())
	if err != nil {
		return nil, 0, err
	}
	figures, err := runResolver(command, u.addr, numbers)
	after, failed := process.CPU(os.Getpid())
	elapsed := time.Since(began)
	u.ending.Store(true)
	if err := errors.Join(err, failed, <-served); err != nil {
		return nil, 0, err
	}
	return figures, float64(after-before) / float64(elapsed), nil
}

// serve takes queries until the upstream is to end.
func (u *upstream) serve() error {
	batch := rawio.NewBatch(upstreamBatch, dnsQueryMax)
	for !u.ending.Load() {
		n, errno := batch.Receive(u.fd)
		if errno == unix.EAGAIN || errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return fmt.Errorf("receive queries: %w", errno)
		}
		u.queries.Add(int64(n))
		if !u.answers {
			continue
		}
		for i := range n {
			size, err := answer(batch.Buffer(i), len(batch.Received(i)))
			if err != nil {
				return err
			}
			batch.SetLen(i, size)
		}
		if errno := batch.Reply(u.fd, n); errno != 0 {
			return fmt.Errorf("send responses: %w", errno)
		}
	}
	return nil
}

// runResolver runs a resolver and returns the figures that it prints.
func runResolver(command []string, addr netip.AddrPort, numbers []int) ([]measure.Figure, error) {
	if len(command) == 0 {
		return nil, errors.New("no resolver to run")
	}
	args := append(command[1:len(command):len(command)], addr.String())
	for _, n := range numbers {
		args = append(args, strconv.Itoa(n))
	}
	cmd := exec.Command(command[0], args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == exitUnable {
		err = measure.ErrUnable
	}
	if err != nil {
		return nil, fmt.Errorf("resolver: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return measure.Parse(bytes.NewReader(output))
}
