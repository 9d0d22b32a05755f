package evtls

import (
	"crypto/tls"
	"fmt"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

const (
	// maxRecord is the most plain text that a record has (RFC 8446 section
	// 5.1).
	maxRecord = 16 << 10
	// lowQueued is how much encrypted output is left below when more is made, of up
	// to twice as much: what is not encrypted yet is still the user's to see.
	lowQueued = bufferevent.DefaultFilterBacklog / 2
	// maxAnswers is how much may wait there if what crypto/tls has to say to
	// the peer is counted, too.
	maxAnswers = 4 * lowQueued
	// maxHandshake is how much input is taken at a time from a peer that has
	// not proved to be one; it is more than any message of a handshake. As
	// much again may wait below.
	maxHandshake = 64 << 10
)

// A Conn is a TLS connection apart from the bufferevent that moves its data.
type Conn struct {
	tls   *tls.Conn
	mem   memory
	done  bool // the handshake is
	more  bool // tls may have decrypted more than there was room for
	taken bool // by a bufferevent
}

// stream is the transport of TLS over another bufferevent.
type stream struct {
	bev   bufferevent.Bufferevent
	c     bufferevent.Control
	layer bufferevent.Layer
	conn  *Conn

	handshake *handshake    // or nil
	timeout   time.Duration // of the handshake, or 0
	deadline  event.Event   // when that passes
	workers   *Workers
	unnamed   *tls.Config // of a client that does not know the server's name, or nil

	flags     Flags
	state     State // at the beginning
	phase     phase
	cut       bool // the stream below has ended in the handshake
	addressed bool // a function of the configuration asks for addresses
	abandoned bool // the memory belongs to a handshake that was given up
}

// A phase is how far a stream is. They follow one another in this order; any but the
// last may be followed by phaseFailed.
type phase uint8

const (
	phaseWaiting     phase = iota // for what is below to be connected
	phaseHandshaking              // until crypto/tls has an outcome
	phaseOpen                     // data moves, in the directions that have not ended
	phaseFailed                   // an error has ended both directions
	phaseDetached                 // the connection goes on over another bufferevent
)

// NewSocket makes a TLS bufferevent over a socket, as bufferevent.NewSocket and
// NewFilter together do; fd may be -1, and the bufferevent be connected later.
// CloseOnFree closes the descriptor, also if NewSocket fails; without it the
// descriptor is the caller's (bufferevent_openssl_socket_new).
func NewSocket(base *event.Base, fd int, state State, cfg *Config, opts bufferevent.Options) (*bufferevent.Bufferevent, error) {
	below := opts &^ (bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks)
	under, err := bufferevent.NewSocket(base, fd, below)
	if err != nil {
		return nil, err
	}
	return NewFilter(under, state, cfg, opts|bufferevent.CloseOnFree)
}

// NewFilter makes a TLS bufferevent over another one, which belongs to it from
// now on, as with bufferevent.NewFilter: a socket, a pair, a filter or a TLS
// bufferevent. The handshake begins when that is connected, or at once if it is
// already. The event callback is told EventConnected when the handshake is done,
// and EventError if it fails, with a Go error that errors.As can take apart. If
// NewFilter itself fails, it has freed under if opts has CloseOnFree
// (bufferevent_openssl_filter_new).
func NewFilter(under *bufferevent.Bufferevent, state State, cfg *Config, opts bufferevent.Options) (*bufferevent.Bufferevent, error) {
	b, err := newFilter(under, state, cfg, opts)
	if err != nil && under != nil && opts&bufferevent.CloseOnFree != 0 {
		under.Free()
	}
	return b, err
}

func newFilter(under *bufferevent.Bufferevent, state State, cfg *Config, opts bufferevent.Options) (*bufferevent.Bufferevent, error) {
	const op = "new filter"
	if under == nil || cfg == nil {
		return nil, opError(op, event.ErrNil)
	}
	conn, config, err := newConn(state, cfg)
	if err != nil {
		return nil, opError(op, err)
	}
	s := &stream{
		layer: bufferevent.LayerOver(under), conn: conn, flags: cfg.Flags, state: state,
		timeout: cfg.handshakeTimeout(), workers: cfg.Workers,
		addressed: state != Open && wantsAddresses(state, cfg.TLS),
	}
	if state == Connecting && cfg.TLS.ServerName == "" {
		s.unnamed = config
	}
	if s.c, err = bufferevent.Init(&s.bev, under.Base(), s, opts); err != nil {
		return nil, err
	}
	under.Lock()
	defer under.Unlock()
	if err := s.setUp(); err != nil {
		return nil, opError(op, err)
	}
	conn.taken = true
	return &s.bev, nil
}

// newConn returns the connection that a configuration asks for, and crypto/tls's
// configuration of it if it is a new one.
func newConn(state State, cfg *Config) (*Conn, *tls.Config, error) {
	if cfg.Flags&^allFlags != 0 {
		return nil, nil, ErrFlags
	}
	if state == Open {
		if cfg.Conn == nil || !cfg.Conn.done {
			return nil, nil, fmt.Errorf("open: no Conn: %w", event.ErrNil)
		}
		if cfg.Conn.taken {
			return nil, nil, ErrInUse
		}
		return cfg.Conn, nil, nil
	}
	if cfg.TLS == nil {
		return nil, nil, fmt.Errorf("%v: no TLS configuration: %w", state, event.ErrNil)
	}
	if cfg.TLS.Renegotiation != tls.RenegotiateNever {
		return nil, nil, ErrRenegotiation
	}
	c, config := &Conn{mem: memory{in: evbuffer.New(), out: evbuffer.New()}}, cfg.TLS
	switch state {
	case Connecting:
		c.tls = tls.Client(&c.mem, config)
	case Accepting:
		c.tls = tls.Server(&c.mem, config)
	default:
		return nil, nil, ErrState
	}
	return c, config, nil
}

// setUp takes over what is below, and begins the handshake if there is to be
// one and what is below is connected.
func (s *stream) setUp() error {
	if err := s.c.UseTimers(); err != nil {
		return err
	}
	s.deadline.Data = s
	if err := s.deadline.Assign(s.bev.Base(), -1, event.Finalize, onDeadline); err != nil {
		return err
	}
	const batch = bufferevent.LayerBatch | bufferevent.LayerReportSent
	if err := s.layer.Attach(s.c, s, batch, s.onRead, s.onEvent); err != nil {
		return err
	}
	s.layer.SetBounds(maxHandshake, lowQueued)
	if err := s.under().Enable(event.Read | event.Write); err != nil {
		s.layer.Detach(false)
		return err
	}
	if name := s.under().PeerName(); name != "" {
		s.NamePeer(name)
	}
	if s.state == Open {
		s.conn.mem.addrs = nil // those of where it was before
		s.open()
	} else if s.under().Connected() {
		s.begin()
	}
	return nil
}

// String describes the transport.
func (s *stream) String() string { return "TLS" }

// Underlying implements bufferevent.Wrapper.
func (s *stream) Underlying() *bufferevent.Bufferevent { return s.under() }

func (s *stream) under() *bufferevent.Bufferevent { return s.layer.Underlying() }

// FD implements bufferevent.Describer.
func (s *stream) FD() int { return s.layer.FD() }

// SetFD implements bufferevent.Describer. A handshake begins that has waited for
// a descriptor.
func (s *stream) SetFD(fd int) error {
	if err := s.under().SetFD(fd); err != nil {
		return err
	}
	if !s.opened() && s.under().Connected() {
		s.connected()
	}
	return nil
}

// NegotiatedProtocol implements bufferevent.Negotiator: it returns what ALPN has
// chosen (RFC 7301).
func (s *stream) NegotiatedProtocol() string { return s.ConnectionState().NegotiatedProtocol }

// opened reports whether the handshake is done.
func (s *stream) opened() bool { return s.conn.done }

// Enable implements bufferevent.Transport.
func (s *stream) Enable(what event.What) error { return s.layer.Enable(what) }

// Disable implements bufferevent.Transport.
func (s *stream) Disable(what event.What) error { return s.layer.Disable(what) }

// OutputAdded implements bufferevent.Transport: what several callbacks add goes
// into as few records as possible.
func (s *stream) OutputAdded() { s.layer.OutputAdded() }

// InputRemoved implements bufferevent.Transport.
func (s *stream) InputRemoved() { s.layer.InputRemoved() }

// TimeoutsChanged implements bufferevent.Transport.
func (s *stream) TimeoutsChanged() { s.layer.TimeoutsChanged() }

// Flush implements bufferevent.Transport: it encrypts what there is, says that
// we have ended if mode is ModeFinished, and flushes what is below. Input is decrypted
// as it arrives.
func (s *stream) Flush(what event.What, mode bufferevent.FlushMode) (moved bool, err error) {
	if what&event.Write == 0 || mode == bufferevent.ModeNormal {
		return false, nil
	}
	return s.layer.Flush(event.Write, mode)
}

// CloseWrite implements bufferevent.WriteCloser: it sends a close_notify alert
// after everything else (RFC 8446 section 6.1).
func (s *stream) CloseWrite() error { return s.layer.CloseWrite() }

// EndWriting implements bufferevent.Ender: it encrypts what there is and sends a
// close_notify alert (RFC 8446 section 6.1), if the handshake is done. A handshake
// goes on only for what there is to send.
func (s *stream) EndWriting() { s.layer.EndWriting() }

// Queued implements bufferevent.Queuer: it returns how much was encrypted and has not
// left yet.
func (s *stream) Queued() int { return s.layer.Queued() }

// Unlink implements bufferevent.Transport.
func (s *stream) Unlink() {
	s.giveUp()
	s.deadline.Free()
	free := s.phase != phaseDetached && s.c.Options()&bufferevent.CloseOnFree != 0
	s.layer.Detach(free)
	if m := &s.conn.mem; !s.conn.done && !s.abandoned {
		m.in.Free()
		m.out.Free()
	}
}
