package simnet

import (
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// system answers the calls that sysio would ask the kernel for.
type system struct{ n *Network }

var _ sysio.System = system{}

// interrupted reports whether a call fails as one that a signal has interrupted.
func (n *Network) interrupted() bool { return n.chance(n.faults.Interrupt) }

// interruptible reports whether calls of this kind can fail as interrupted. Those on
// options cannot, which is as well: systems differ in what they are asked for, and a
// random number for each would make all that follows differ.
// What connects goes on when it was interrupted (POSIX), so it has a way of its own.
func (o op) interruptible() bool {
	return o != opClose && o != opOption && o != opSetOption && o != opConnect
}

// on makes a call on a descriptor with the lock held, and traces it.
func on[T any](n *Network, o op, fd int, call func(h *handle) (T, int, error)) (T, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var (
		result T
		count  int
		host   *Host
	)
	h, err := n.handle(fd)
	if err == nil {
		host = h.file.host
		if o.interruptible() && n.interrupted() {
			err = sysio.ErrInterrupted
		} else {
			result, count, err = call(h)
		}
	}
	n.trace.add(n, host, o, fd, count, err)
	return result, err
}

// none is the result of a call that has none.
type none struct{}

// do is on for a call without a result.
func (n *Network) do(o op, fd int, call func(h *handle) error) error {
	_, err := on(n, o, fd, func(h *handle) (none, int, error) { return none{}, 0, call(h) })
	return err
}

// streamOf returns the stream socket of a descriptor.
func streamOf(h *handle) (*stream, error) {
	switch o := h.file.object.(type) {
	case *stream:
		return o, nil
	case *datagram:
		return nil, sysio.ErrOpNotSupported
	}
	return nil, sysio.ErrNotSocket
}

// Recv implements sysio.System.
func (s system) Recv(fd, most int) ([]byte, error) {
	return on(s.n, opRecv, fd, func(h *handle) ([]byte, int, error) {
		switch o := h.file.object.(type) {
		case *stream:
			if o.pipe {
				return nil, 0, sysio.ErrNotSocket
			}
			p, err := o.receive(most)
			return p, len(p), err
		case *datagram:
			p, err := o.read(most)
			return p, len(p), err
		}
		return nil, 0, sysio.ErrNotSocket
	})
}

// Send implements sysio.System.
func (s system) Send(fd int, p []byte) (int, error) {
	return on(s.n, opSend, fd, func(h *handle) (int, int, error) {
		switch o := h.file.object.(type) {
		case *stream:
			if o.pipe {
				return 0, 0, sysio.ErrNotSocket
			}
			n, err := o.send(p)
			return n, n, err
		case *datagram:
			n, err := o.write(p)
			return n, n, err
		}
		return 0, 0, sysio.ErrNotSocket
	})
}

// Read implements sysio.System.
func (s system) Read(fd, most int) ([]byte, error) {
	return on(s.n, opRead, fd, func(h *handle) ([]byte, int, error) {
		switch o := h.file.object.(type) {
		case *stream:
			p, err := o.receive(most)
			return p, len(p), err
		case *datagram:
			p, err := o.read(most)
			return p, len(p), err
		case *channel:
			n, err := o.drain()
			return make([]byte, min(n, most)), n, err
		case null:
			return nil, 0, nil
		}
		return nil, 0, sysio.ErrInvalid
	})
}

// Write implements sysio.System.
func (s system) Write(fd int, p []byte) (int, error) {
	return on(s.n, opWrite, fd, func(h *handle) (int, int, error) {
		switch o := h.file.object.(type) {
		case *stream:
			n, err := o.send(p)
			return n, n, err
		case *datagram:
			n, err := o.write(p)
			return n, n, err
		case *channel:
			o.signal()
			return len(p), len(p), nil
		case null:
			return len(p), len(p), nil
		}
		return 0, 0, sysio.ErrInvalid
	})
}

// Files are none of the network's: what programs read from them, they are given as an
// fs.FS.

// Sendfile implements sysio.System.
func (s system) Sendfile(_, src int, _ int64, _ int) (int, error) { return 0, s.fileError(src) }

// Pread implements sysio.System.
func (s system) Pread(fd int, _ []byte, _ int64) (int, error) { return 0, s.fileError(fd) }

// Size implements sysio.System.
func (s system) Size(fd int) (int64, error) { return 0, s.fileError(fd) }

// Map implements sysio.System.
func (s system) Map(fd int, _ int64, _ int) ([]byte, error) { return nil, s.fileError(fd) }

// Unmap implements sysio.System.
func (s system) Unmap([]byte) error { return sysio.ErrInvalid }

func (s system) fileError(fd int) error {
	return s.n.do(opFile, fd, func(*handle) error { return errNoFiles })
}

// Close implements sysio.System.
func (s system) Close(fd int) error {
	return s.n.do(opClose, fd, func(h *handle) error {
		s.n.closeHandle(h)
		return nil
	})
}

// CloseSocket implements sysio.System.
func (s system) CloseSocket(fd int) error { return s.Close(fd) }

// make opens count descriptors for the host that runs.
func (s system) make(o op, count int, create func(h *Host) ([2]int, error)) ([2]int, error) {
	n := s.n
	n.mu.Lock()
	defer n.mu.Unlock()
	host := n.here()
	fds := [2]int{sysio.InvalidSocket, sysio.InvalidSocket}
	err := n.mayOpen(host, count)
	if err == nil && n.interrupted() {
		err = sysio.ErrInterrupted
	}
	if err == nil {
		fds, err = create(host)
	}
	n.trace.add(n, host, o, fds[0], count, err)
	return fds, err
}

// Socket implements sysio.System. A blocking socket would stop the world.
func (s system) Socket(family, kind int, _ sysio.Mode) (int, error) {
	fds, err := s.make(opSocket, 1, func(h *Host) ([2]int, error) {
		var o object
		switch kind {
		case syscall.SOCK_STREAM:
			o = s.n.newStream(h, family)
		case syscall.SOCK_DGRAM:
			o = s.n.newDatagram(h, family)
		default:
			return [2]int{sysio.InvalidSocket}, sysio.ErrOpNotSupported
		}
		return [2]int{s.n.open(h, o)}, nil
	})
	return fds[0], err
}

// Bind implements sysio.System.
func (s system) Bind(fd int, sa sysio.Sockaddr) error {
	return s.n.do(opBind, fd, func(h *handle) error {
		switch o := h.file.object.(type) {
		case *stream:
			at, path, err := addressFor(o.family, sa)
			if err != nil {
				return err
			}
			if o.family == syscall.AF_UNIX {
				return bindPath(h, path)
			}
			return o.bind(at)
		case *datagram:
			at, _, err := addressFor(o.family, sa)
			if err != nil {
				return err
			}
			return o.bind(at)
		}
		return sysio.ErrNotSocket
	})
}

// Listen implements sysio.System.
func (s system) Listen(fd, backlog int) error {
	return s.n.do(opListen, fd, func(h *handle) error {
		o, err := streamOf(h)
		if err != nil {
			return err
		}
		return o.listen(backlog)
	})
}

// Connect implements sysio.System.
func (s system) Connect(fd int, sa sysio.Sockaddr) error {
	return s.n.do(opConnect, fd, func(h *handle) error {
		switch o := h.file.object.(type) {
		case *stream:
			to, path, err := addressFor(o.family, sa)
			if err != nil {
				return err
			}
			if o.family == syscall.AF_UNIX {
				return connectPath(h, path)
			}
			err = o.connect(to)
			if err == sysio.ErrInProgress && s.n.interrupted() {
				return sysio.ErrInterrupted
			}
			return err
		case *datagram: // which takes IPv4 at IPv6
			to, err := sysio.SockaddrToAddrPort(sa)
			if err != nil {
				return sysio.ErrFamily
			}
			return o.connect(to)
		}
		return sysio.ErrNotSocket
	})
}

// addressFor returns an address for a socket of a family, which for Unix sockets is a
// path. The error is what Linux says of an address of another family.
func addressFor(family int, sa sysio.Sockaddr) (at netip.AddrPort, path string, err error) {
	path, isPath := sysio.UnixPath(sa)
	if !isPath {
		at, err = sysio.SockaddrToAddrPort(sa)
	}
	switch {
	case err != nil:
	case isPath && family != syscall.AF_UNIX, at.Addr().Is6() && family == syscall.AF_INET:
		err = sysio.ErrFamily
	case !isPath && family == syscall.AF_UNIX, at.Addr().Is4() && family == syscall.AF_INET6:
		err = sysio.ErrInvalid
	}
	return at, path, err
}

// Sockname implements sysio.System.
func (s system) Sockname(fd int) (sysio.Sockaddr, error) {
	return on(s.n, opOption, fd, func(h *handle) (sysio.Sockaddr, int, error) {
		switch o := h.file.object.(type) {
		case *stream:
			sa, err := sockaddr(o.family, o.local, o.path)
			return sa, 0, err
		case *datagram:
			sa, err := sockaddr(o.family, o.local, "")
			return sa, 0, err
		}
		return nil, 0, sysio.ErrNotSocket
	})
}

// Peername implements sysio.System.
func (s system) Peername(fd int) (sysio.Sockaddr, error) {
	return on(s.n, opOption, fd, func(h *handle) (sysio.Sockaddr, int, error) {
		switch o := h.file.object.(type) {
		case *stream:
			if o.state != streamConnected || o.over() && o.family != syscall.AF_UNIX {
				return nil, 0, sysio.ErrNotConnected
			}
			sa, err := sockaddr(o.family, o.remote, o.peerPath())
			return sa, 0, err
		case *datagram:
			if !o.remote.IsValid() && o.other == nil {
				return nil, 0, sysio.ErrNotConnected
			}
			sa, err := sockaddr(o.family, o.remote, "")
			return sa, 0, err
		}
		return nil, 0, sysio.ErrNotSocket
	})
}

// sockaddr returns an address in the form of the system.
func sockaddr(family int, at netip.AddrPort, path string) (sysio.Sockaddr, error) {
	if family == syscall.AF_UNIX {
		return sysio.UnixSockaddr(path), nil
	}
	if !at.IsValid() {
		any := netip.IPv4Unspecified()
		if family == syscall.AF_INET6 {
			any = netip.IPv6Unspecified()
		}
		at = netip.AddrPortFrom(any, 0)
	}
	return sysio.AddrPortToSockaddr(at)
}

// Accept implements sysio.System.
func (s system) Accept(listener int, _ sysio.Mode) (int, netip.AddrPort, error) {
	type accepted struct {
		fd   int
		peer netip.AddrPort
	}
	r, err := on(s.n, opAccept, listener, func(h *handle) (accepted, int, error) {
		none := accepted{fd: sysio.InvalidSocket}
		l, err := streamOf(h)
		if err != nil {
			return none, 0, err
		}
		if err := s.n.mayOpen(l.host, 1); err != nil {
			return none, 0, err
		}
		t, err := l.accept()
		if err != nil {
			return none, 0, err
		}
		a := accepted{fd: s.n.open(l.host, t)}
		if l.family != syscall.AF_UNIX {
			a.peer = netip.AddrPortFrom(t.remote.Addr().Unmap(), t.remote.Port())
		}
		return a, a.fd - FirstFD, nil
	})
	if err != nil {
		return sysio.InvalidSocket, netip.AddrPort{}, err
	}
	return r.fd, r.peer, nil
}

// ShutdownWrite implements sysio.System.
func (s system) ShutdownWrite(fd int) error {
	return s.n.do(opShutdown, fd, func(h *handle) error {
		switch o := h.file.object.(type) {
		case *stream:
			return o.shutdown()
		case *datagram:
			return o.shutdown()
		}
		return sysio.ErrNotSocket
	})
}

// Duplicate implements sysio.System.
func (s system) Duplicate(fd int) (int, error) {
	n, err := on(s.n, opDuplicate, fd, func(h *handle) (int, int, error) {
		if err := s.n.mayOpen(h.file.host, 1); err != nil {
			return sysio.InvalidSocket, 0, err
		}
		other := s.n.addHandle(h.file)
		return other, other - FirstFD, nil
	})
	if err != nil {
		return sysio.InvalidSocket, err
	}
	return n, nil
}

// PutNull implements sysio.System.
func (s system) PutNull(fd int) error {
	return s.n.do(opNull, fd, func(h *handle) error {
		s.n.closeHandle(h)
		f := &file{host: h.file.host, object: null{}}
		s.n.putHandle(fd-FirstFD, &handle{file: f})
		return nil
	})
}

// null is the null device.
type null struct{}

func (null) opened(*file)           {}
func (null) close()                 {}
func (null) describe() string       { return "null device" }
func (null) ready() poller.Interest { return poller.Read | poller.Write }

// Nonblocking implements sysio.System.
func (s system) Nonblocking(fd int) (bool, error) {
	return on(s.n, opOption, fd, func(*handle) (bool, int, error) { return true, 0, nil })
}

// SetNonblock implements sysio.System: all descriptors are non-blocking.
func (s system) SetNonblock(fd int) error {
	return s.n.do(opSetOption, fd, func(*handle) error { return nil })
}

// SetCloseOnExec implements sysio.System: no program is ever started.
func (s system) SetCloseOnExec(fd int) error { return s.SetNonblock(fd) }

// Socketpair implements sysio.System.
func (s system) Socketpair(family, kind, _ int) ([2]int, error) {
	return s.make(opPair, 2, func(h *Host) ([2]int, error) {
		if kind == syscall.SOCK_DGRAM {
			return s.n.datagramPair(h, family), nil
		}
		return s.n.streamPair(h, family)
	})
}

// LoopbackPair implements sysio.System.
func (s system) LoopbackPair() ([2]int, error) {
	return s.Socketpair(syscall.AF_INET, syscall.SOCK_STREAM, 0)
}

// WakeChannel implements sysio.System.
func (s system) WakeChannel() (r, w int, err error) {
	fds, err := s.make(opChannel, 1, func(h *Host) ([2]int, error) {
		return [2]int{s.n.open(h, &channel{})}, nil
	})
	return fds[0], fds[0], err
}

// Signal implements sysio.System.
func (s system) Signal(w int) error {
	_, err := s.Write(w, []byte{1})
	return err
}

// Drain implements sysio.System.
func (s system) Drain(r int, p []byte) (int, error) {
	data, err := s.Read(r, len(p))
	return copy(p, data), err
}

// RecvMessage implements sysio.System.
func (s system) RecvMessage(fd int, p []byte) (sysio.Received, error) {
	return on(s.n, opRecvMessage, fd, func(h *handle) (sysio.Received, int, error) {
		if s, ok := h.file.object.(*stream); ok { // which has neither boundaries nor senders
			data, err := s.receive(len(p))
			return sysio.Received{N: copy(p, data)}, len(data), err
		}
		d, ok := h.file.object.(*datagram)
		if !ok {
			return sysio.Received{}, 0, sysio.ErrNotSocket
		}
		m, err := d.receive()
		if err != nil {
			return sysio.Received{}, 0, err
		}
		r := sysio.Received{N: copy(p, m.data), Truncated: len(m.data) > len(p)}
		if m.from.IsValid() {
			r.Peer = netip.AddrPortFrom(d.mapped(m.from.Addr()), m.from.Port())
		}
		if d.options.tellLocal {
			r.Local = d.mapped(m.to)
		}
		return r, r.N, nil
	})
}

// SendMessage implements sysio.System.
func (s system) SendMessage(fd int, p []byte, peer netip.AddrPort, local netip.Addr) error {
	_, err := on(s.n, opSendMessage, fd, func(h *handle) (none, int, error) {
		if s, ok := h.file.object.(*stream); ok {
			n, err := s.send(p)
			return none{}, n, err
		}
		d, ok := h.file.object.(*datagram)
		if !ok {
			return none{}, 0, sysio.ErrNotSocket
		}
		return none{}, len(p), d.send(p, peer, local)
	})
	return err
}

// RecvError implements sysio.System.
func (s system) RecvError(fd int) (sysio.QueuedError, error) {
	return on(s.n, opRecvError, fd, func(h *handle) (sysio.QueuedError, int, error) {
		d, ok := h.file.object.(*datagram)
		if !ok {
			return sysio.QueuedError{}, 0, sysio.ErrAgain
		}
		e, err := d.receiveError()
		return e, 0, err
	})
}
