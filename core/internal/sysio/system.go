package sysio

import "net/netip"

// A System is what the functions of the package ask in place of the kernel once
// SetSystem has been called: each calls the method of its name, from any goroutine.
// The descriptors that a System hands out must be ones that the kernel does not.
//
// The methods return errors of the kind that the kernel's calls return on this
// platform, bare: ErrAgain, ErrNotSocket and the others are told from others
// with ==. What fails with ErrInterrupted is tried again, but for Connect. KnownOption
// tells what the numbers of an option mean.
type System interface {
	// Recv, Send, Read and Write move bytes that are in one piece: at most as many as
	// they are asked for, which belong to the receiver of the slice then.
	Recv(fd, most int) ([]byte, error)
	Send(fd int, p []byte) (int, error)
	Read(fd, most int) ([]byte, error)
	Write(fd int, p []byte) (int, error)

	Sendfile(dst, src int, offset int64, n int) (int, error)
	Pread(fd int, p []byte, offset int64) (int, error)
	Size(fd int) (int64, error)
	Map(fd int, offset int64, n int) ([]byte, error) // offset is a multiple of the kernel's granularity
	Unmap(data []byte) error
	Close(fd int) error

	Socket(family, kind int, mode Mode) (int, error)
	Bind(fd int, sa Sockaddr) error
	Listen(fd, backlog int) error
	Connect(fd int, sa Sockaddr) error
	Sockname(fd int) (Sockaddr, error)
	Peername(fd int) (Sockaddr, error)
	Accept(listener int, mode Mode) (int, netip.AddrPort, error)
	ShutdownWrite(fd int) error
	CloseSocket(fd int) error
	Duplicate(fd int) (int, error)
	PutNull(fd int) error

	Option(fd, level, option int) (int, error)
	SetOption(fd, level, option, value int) error
	SetNoDelay(fd int) error
	Nonblocking(fd int) (bool, error)
	SetNonblock(fd int) error
	SetCloseOnExec(fd int) error

	// FindSocket returns what tells the Unix socket that is bound to path from a later
	// one, or an error if there is none. RemoveSocket frees the path unless another has
	// it.
	FindSocket(path string) (id uint64, err error)
	RemoveSocket(path string, id uint64) error
	LocalAddrs() ([]netip.Addr, error)

	Socketpair(family, kind, proto int) ([2]int, error)
	LoopbackPair() ([2]int, error)
	WakeChannel() (r, w int, err error)
	Signal(w int) error
	Drain(r int, p []byte) (int, error)

	// RecvMessage receives one message into p, and SendMessage sends p as one, to
	// peer and from local unless they are zero.
	RecvMessage(fd int, p []byte) (Received, error)
	SendMessage(fd int, p []byte, peer netip.AddrPort, local netip.Addr) error
	RecvError(fd int) (QueuedError, error)
}

// SetSystem makes s take the kernel's place for all calls of the process from now
// on; nil is the kernel. The hook, if there is one, still sees each call first.
// The result puts back what was there before.
func SetSystem(s System) (restore func()) {
	var before System
	change(func(m *seam) { before, m.system = m.system, s })
	return func() { change(func(m *seam) { m.system = before }) }
}

// system returns what has taken the kernel's place, or nil.
func system() System {
	if m := current.Load(); m != nil {
		return m.system
	}
	return nil
}

// transferOther is transfer for a system that moves bytes in one piece. They are
// copied, so that the callers' memory does not escape to the heap on account of it.
func transferOther(s System, op Op, fd int, bufs [][]byte, n int) (int, error) {
	switch op {
	case OpRecv, OpRead:
		call := s.Recv
		if op == OpRead {
			call = s.Read
		}
		p, err := call(fd, n)
		for rest := p; len(rest) > 0; bufs = bufs[1:] {
			rest = rest[copy(bufs[0], rest):]
		}
		return len(p), err
	default:
		call := s.Send
		if op == OpWrite {
			call = s.Write
		}
		p := make([]byte, n)
		for rest := p; len(rest) > 0; bufs = bufs[1:] {
			rest = rest[copy(rest, bufs[0]):]
		}
		return call(fd, p)
	}
}

// drainOther is Drain by another system, with a copy as in transferOther.
func drainOther(s System, r int, p []byte) (int, error) {
	signals := make([]byte, len(p))
	n, err := s.Drain(r, signals)
	copy(p, signals[:max(n, 0)])
	return n, err
}

// preadOther is Pread by another system, with a copy as in transferOther.
func preadOther(s System, fd int, p []byte, offset int64) (int, error) {
	data := make([]byte, len(p))
	n, err := s.Pread(fd, data, offset)
	copy(p, data[:max(n, 0)])
	return n, err
}

// recvOther receives message i from another system.
func (m *Messages) recvOther(s System, fd, i int) error {
	r, err := s.RecvMessage(fd, m.bytes(i))
	if err != nil {
		return err
	}
	return m.put(i, r)
}

// sendOther sends message i by another system.
func (m *Messages) sendOther(s System, fd, i int) error {
	peer, local := m.addresses(i)
	return s.SendMessage(fd, m.bytes(i), peer, local)
}
