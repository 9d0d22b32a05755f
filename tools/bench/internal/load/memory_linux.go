package load

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/process"
)

const (
	// memoryBatch is how many connections are busy at a time.
	memoryBatch = 100

	// memoryMessage is the length of the message each connection exchanges.
	memoryMessage = 64

	// memoryPause is how long connections are idle before the server's memory
	// is looked at.
	memoryPause = 2 * time.Second

	// otherDescriptors is how many descriptors either end needs besides those
	// of the connections.
	otherDescriptors = 100
)

// Memory measures the memory that a server has resident for each of many
// connections that have exchanged a message and went idle.
func Memory(command []string, conns int) ([]measure.Figure, error) {
	return with(command, memory(conns))
}

// TLSMemory is Memory over TLS.
func TLSMemory(command []string, conns int) ([]measure.Figure, error) {
	return withTLS(command, memory(conns))
}

func memory(conns int) work {
	return func(s *server) ([]measure.Figure, error) {
		if err := needDescriptors(conns + memoryBatch + otherDescriptors); err != nil {
			return nil, err
		}
		p, err := newPool()
		if err != nil {
			return nil, err
		}
		defer p.close()
		// What the server does at first is not counted.
		if err := p.grow(s, memoryBatch); err != nil {
			return nil, err
		}
		before, err := idleMemory(s)
		if err != nil {
			return nil, err
		}
		for left := conns; left > 0; left -= memoryBatch {
			if err := p.grow(s, min(left, memoryBatch)); err != nil {
				return nil, err
			}
		}
		after, err := idleMemory(s)
		return []measure.Figure{{Name: "memory", Value: float64(after-before) / float64(conns)}}, err
	}
}

// grow opens connections and exchanges a message on each.
func (p *pool) grow(s *server, conns int) error {
	first := len(p.fds)
	if err := p.open(s, conns, unix.EPOLLIN); err != nil {
		return err
	}
	return p.verify(first, memoryMessage)
}

// idleMemory returns the memory of a server that has had nothing to do for a
// while.
func idleMemory(s *server) (int64, error) {
	time.Sleep(memoryPause)
	return process.Resident(s.cmd.Process.Pid)
}

// needDescriptors fails if a process may not open as many descriptors, however
// far it raises its limit.
func needDescriptors(n int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("getrlimit: %w", err)
	}
	if limit.Max < uint64(n) {
		return fmt.Errorf("%w: at most %d open descriptors (ulimit -Hn), want %d", measure.ErrUnable, limit.Max, n)
	}
	return nil
}
