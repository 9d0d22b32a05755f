package simnet

import (
	"syscall"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Option implements sysio.System.
func (s system) Option(fd, level, number int) (int, error) {
	return on(s.n, opOption, fd, func(h *handle) (int, int, error) {
		v, err := option(h.file.host, h.file.object, sysio.KnownOption(level, number))
		return v, 0, err // which differs from system to system
	})
}

// SetOption implements sysio.System.
func (s system) SetOption(fd, level, number, value int) error {
	return s.n.do(opSetOption, fd, func(h *handle) error {
		return setOption(h.file.object, sysio.KnownOption(level, number), value)
	})
}

// SetNoDelay implements sysio.System.
func (s system) SetNoDelay(fd int) error {
	return s.n.do(opSetOption, fd, func(h *handle) error {
		return setOption(h.file.object, sysio.OptNoDelay, 1)
	})
}

// A socket is what options need to know of one.
type socket struct {
	options      *options
	family, kind int
	listens      bool
	bound        bool
	pending      func() error
}

func socketOf(o object) (socket, error) {
	switch o := o.(type) {
	case *stream:
		if !o.pipe {
			return socket{&o.options, o.family, syscall.SOCK_STREAM, o.state == streamListening, o.binding != nil, o.pending}, nil
		}
	case *datagram:
		return socket{&o.options, o.family, syscall.SOCK_DGRAM, false, o.binding != nil, o.pending}, nil
	}
	return socket{}, sysio.ErrNotSocket
}

// has reports whether there is an option for sockets of this kind.
func (s *socket) has(name sysio.OptionName) bool {
	switch name {
	case sysio.OptNoDelay, sysio.OptKeepIdle, sysio.OptKeepInterval, sysio.OptKeepCount, sysio.OptDeferAccept:
		return s.kind == syscall.SOCK_STREAM && s.family != syscall.AF_UNIX
	case sysio.OptV6Only:
		return s.family == syscall.AF_INET6
	}
	return true
}

// option returns an option of a socket.
func option(h *Host, o object, name sysio.OptionName) (int, error) {
	s, err := socketOf(o)
	if err != nil {
		return 0, err
	}
	switch name {
	case sysio.OptType:
		return s.kind, nil
	case sysio.OptDomain:
		return s.family, nil
	case sysio.OptAcceptConn:
		return number(s.listens), nil
	case sysio.OptError:
		if errno, ok := s.pending().(syscall.Errno); ok {
			h.failed(errno)
			return int(errno), nil
		}
		return 0, nil
	case sysio.OptSendBuf:
		return 2 * s.options.sendBuf, nil
	case sysio.OptReceiveBuf:
		return 2 * s.options.receiveBuf, nil
	}
	if !s.has(name) {
		return 0, sysio.ErrOpNotSupported
	}
	if v := s.options.integer(name); v != nil {
		return *v, nil
	}
	if v := s.options.boolean(name); v != nil {
		return number(*v), nil
	}
	return 0, sysio.ErrNoOption
}

// The sizes of buffers that Linux takes. It tells twice as much, as it counts what the
// bytes are packed in.
const (
	leastSendBuf    = 2304
	leastReceiveBuf = 1152
	mostBuf         = 212992
)

// setOption sets an option of a socket.
func setOption(o object, name sysio.OptionName, value int) error {
	s, err := socketOf(o)
	if err != nil {
		return err
	}
	switch {
	case !s.has(name) && s.family == syscall.AF_UNIX:
		return sysio.ErrOpNotSupported
	case !s.has(name):
		return sysio.ErrNoOption
	case name == sysio.OptV6Only && s.bound:
		return sysio.ErrInvalid
	case name == sysio.OptSendBuf:
		s.options.sendBuf = min(max(value, leastSendBuf), mostBuf)
	case name == sysio.OptReceiveBuf:
		s.options.receiveBuf = min(max(value, leastReceiveBuf), mostBuf)
	default:
		if v := s.options.boolean(name); v != nil {
			*v = value != 0
		} else if v := s.options.integer(name); v != nil {
			*v = value
		} else {
			return sysio.ErrNoOption
		}
	}
	if s, ok := o.(*stream); ok {
		s.resized()
		s.watchSilence()
	}
	return nil
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// boolean returns where the option is, or nil if it is none.
func (o *options) boolean(name sysio.OptionName) *bool {
	switch name {
	case sysio.OptReuseAddr:
		return &o.reuseAddr
	case sysio.OptReusePort:
		return &o.reusePort
	case sysio.OptKeepAlive:
		return &o.keepAlive
	case sysio.OptNoDelay:
		return &o.noDelay
	case sysio.OptV6Only:
		return &o.v6only
	case sysio.OptTellLocal:
		return &o.tellLocal
	case sysio.OptQueueErrors:
		return &o.queueErrs
	}
	return nil
}

// integer returns where the option is, or nil if it is none.
func (o *options) integer(name sysio.OptionName) *int {
	switch name {
	case sysio.OptKeepIdle:
		return &o.idle
	case sysio.OptKeepInterval:
		return &o.interval
	case sysio.OptKeepCount:
		return &o.count
	case sysio.OptDeferAccept:
		return &o.deferAccept
	}
	return nil
}

// resized has the buffers of a connection take what the options say.
func (s *stream) resized() {
	if s.out != nil {
		s.out.room = s.options.sendBuf
	}
	if s.in != nil {
		s.in.window = s.options.receiveBuf
		s.in.transmit()
	}
}
