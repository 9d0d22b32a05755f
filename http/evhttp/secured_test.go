package evhttp

import (
	"crypto/tls"
	"errors"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A secured stream is one that passes everything on and says of itself that it is
// TLS: what evhttp knows of TLS it has from there.
type secured struct {
	bev   bufferevent.Bufferevent
	layer bufferevent.Layer
	state tls.ConnectionState
}

// OverSecured makes a stream over another one, which it frees with itself.
func OverSecured(under *bufferevent.Bufferevent, state tls.ConnectionState) (*bufferevent.Bufferevent, error) {
	s := &secured{layer: bufferevent.LayerOver(under), state: state}
	c, err := bufferevent.Init(&s.bev, under.Base(), s, bufferevent.CloseOnFree)
	if err != nil {
		return nil, err
	}
	err = errors.Join(c.UseTimers(), s.layer.Attach(c, s, bufferevent.LayerEndsBelow, nil, nil))
	if err != nil {
		return nil, err
	}
	s.layer.Open(false)
	return &s.bev, under.Enable(event.Read | event.Write)
}

// NegotiatedProtocol implements bufferevent.Negotiator.
func (s *secured) NegotiatedProtocol() string { return s.state.NegotiatedProtocol }

func (s *secured) ConnectionState() tls.ConnectionState { return s.state }

func (s *secured) Underlying() *bufferevent.Bufferevent { return s.layer.Underlying() }
func (s *secured) Enable(what event.What) error         { return s.layer.Enable(what) }
func (s *secured) Disable(what event.What) error        { return s.layer.Disable(what) }
func (s *secured) InputRemoved()                        { s.layer.InputRemoved() }
func (s *secured) OutputAdded()                         { s.layer.OutputAdded() }
func (s *secured) TimeoutsChanged()                     { s.layer.TimeoutsChanged() }
func (s *secured) CloseWrite() error                    { return s.layer.CloseWrite() }
func (s *secured) Unlink()                              { s.layer.Detach(true) }

func (s *secured) Flush(what event.What, mode bufferevent.FlushMode) (bool, error) {
	return s.layer.Flush(what, mode)
}

// Decode implements bufferevent.Transform.
func (s *secured) Decode(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	if limit < 0 {
		limit = src.Len()
	}
	_, err := src.RemoveBuffer(dst, limit)
	return err
}

// Encode implements bufferevent.Transform.
func (s *secured) Encode(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	return s.Decode(src, dst, limit, mode)
}

// Failed implements bufferevent.Transform.
func (s *secured) Failed(_ event.What, err error) (bufferevent.Events, error) {
	return bufferevent.EventReading | bufferevent.EventWriting | bufferevent.EventError, err
}
