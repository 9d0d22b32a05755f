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

// option returns an option of a socket.
func option(h *Host, o object, name sysio.OptionName) (int, error) {
	var opts *options
	kind, family, listens := syscall.SOCK_STREAM, 0, false
	var pending func() error
	switch o := o.(type) {
	case *stream:
		if o.pipe {
			return 0, sysio.ErrNotSocket
		}
		opts, family, listens, pending = &o.options, o.family, o.state == streamListening, o.pending
	case *datagram:
		opts, family, kind, pending = &o.options, o.family, syscall.SOCK_DGRAM, o.pending
	default:
		return 0, sysio.ErrNotSocket
	}
	switch name {
	case sysio.OptType:
		return kind, nil
	case sysio.OptDomain:
		return family, nil
	case sysio.OptAcceptConn:
		return number(listens), nil
	case sysio.OptError:
		if errno, ok := pending().(syscall.Errno); ok {
			h.failed(errno)
			return int(errno), nil
		}
		return 0, nil
	}
	if v := opts.integer(name); v != nil {
		return *v, nil
	}
	if v := opts.boolean(name); v != nil {
		return number(*v), nil
	}
	return 0, sysio.ErrNoOption
}

// setOption sets an option of a socket.
func setOption(o object, name sysio.OptionName, value int) error {
	var opts *options
	switch o := o.(type) {
	case *stream:
		if o.pipe {
			return sysio.ErrNotSocket
		}
		if name == sysio.OptNoDelay && o.family == syscall.AF_UNIX {
			return sysio.ErrOpNotSupported
		}
		opts = &o.options
	case *datagram:
		opts = &o.options
	default:
		return sysio.ErrNotSocket
	}
	if v := opts.boolean(name); v != nil {
		*v = value != 0
	} else if v := opts.integer(name); v != nil {
		*v = value
	} else {
		return sysio.ErrNoOption
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
	case sysio.OptSendBuf:
		return &o.sendBuf
	case sysio.OptReceiveBuf:
		return &o.receiveBuf
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
