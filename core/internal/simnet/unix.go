package simnet

import (
	"net/netip"
	"strings"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Unix sockets have paths, each host's for itself. Nothing between two of them takes
// time.

// bindPath gives a Unix socket its path, which stays when it is closed.
func bindPath(h *handle, path string) error {
	s, err := streamOf(h)
	if err != nil {
		return err
	}
	if s.state == streamListening || s.path != "" {
		return sysio.ErrInvalid
	}
	if s.host.ports.paths[path] != nil {
		return sysio.ErrAddrInUse
	}
	s.path = path
	s.host.bound++
	s.host.ports.paths[path] = &binding{stream: s, id: s.host.bound}
	return nil
}

// connectPath connects a Unix socket.
func connectPath(h *handle, path string) error {
	s, err := streamOf(h)
	if err != nil {
		return err
	}
	switch {
	case s.state == streamConnected:
		return sysio.ErrIsConnected
	case s.state != streamFresh:
		return sysio.ErrInvalid
	}
	b := s.host.ports.paths[path]
	switch {
	case b == nil && isAbstract(path):
		return sysio.ErrRefused
	case b == nil:
		return errNoEntry
	case b.stream.state != streamListening:
		return sysio.ErrRefused
	case b.stream.backlog.full() && sysio.ErrAgain == sysio.ErrInProgress:
		return sysio.ErrRefused // where the other error would say that connecting goes on
	case b.stream.backlog.full():
		return sysio.ErrAgain
	}
	l := b.stream
	t := s.network.newStream(l.host, l.family)
	t.path = path
	join(s, t, nil, nil)
	s.state, t.state = streamConnected, streamConnected
	s.remote = netip.AddrPort{}
	l.backlog.waiting = append(l.backlog.waiting, t)
	l.file.changed(poller.Read)
	s.file.changed(poller.Write)
	return nil
}

// isAbstract reports whether a path is a name that no file has.
func isAbstract(path string) bool { return strings.HasPrefix(path, "@") }

// peerPath returns the path of the other end of a connection.
func (s *stream) peerPath() string {
	if s.out == nil {
		return ""
	}
	return s.out.to.path
}

// onHost makes a call that is about the host that runs with the lock held, and traces
// it.
func onHost[T any](n *Network, o op, call func(h *Host) (T, error)) (result T, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	host := n.here()
	switch {
	case host == nil:
		err = errNoHost
	case n.interrupted():
		err = sysio.ErrInterrupted
	default:
		result, err = call(host)
	}
	n.trace.add(n, host, o, sysio.InvalidSocket, 0, err)
	return result, err
}

// FindSocket implements sysio.System.
func (s system) FindSocket(path string) (uint64, error) {
	return onHost(s.n, opFind, func(h *Host) (uint64, error) {
		b := h.ports.paths[path]
		if b == nil {
			return 0, errNoEntry
		}
		return b.id, nil
	})
}

// RemoveSocket implements sysio.System.
func (s system) RemoveSocket(path string, id uint64) error {
	_, err := onHost(s.n, opRemove, func(h *Host) (none, error) {
		if b := h.ports.paths[path]; b != nil && b.id == id {
			delete(h.ports.paths, path)
		}
		return none{}, nil
	})
	return err
}

// LocalAddrs implements sysio.System.
func (s system) LocalAddrs() ([]netip.Addr, error) {
	return onHost(s.n, opFind, func(h *Host) ([]netip.Addr, error) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback(), h.addrs[0], h.addrs[1]}, nil
	})
}
