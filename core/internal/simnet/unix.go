package simnet

import (
	"net/netip"
	"syscall"

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
	if s.family != syscall.AF_UNIX || s.state != streamFresh || s.path != "" {
		return sysio.ErrInvalid
	}
	if s.host.ports.paths[path] != nil {
		return sysio.ErrAddrInUse
	}
	s.path = path
	s.host.ports.paths[path] = &binding{stream: s}
	return nil
}

// connectPath connects a Unix socket.
func connectPath(h *handle, path string) error {
	s, err := streamOf(h)
	if err != nil {
		return err
	}
	switch {
	case s.family != syscall.AF_UNIX:
		return errFamily
	case s.state == streamConnected:
		return sysio.ErrIsConnected
	case s.state != streamFresh:
		return sysio.ErrInvalid
	}
	b := s.host.ports.paths[path]
	switch {
	case b == nil:
		return errNoEntry
	case b.stream.state != streamListening:
		return sysio.ErrRefused
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

// peerPath returns the path of the other end of a connection.
func (s *stream) peerPath() string {
	if s.out == nil {
		return ""
	}
	return s.out.to.path
}

// Remove takes the path of a Unix socket away, as removing a file does.
func (h *Host) removePath(path string) error {
	if h.ports.paths[path] == nil {
		return errNoEntry
	}
	delete(h.ports.paths, path)
	return nil
}
