package datagram

import (
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// watch has the loop watch for messages, unless the socket is not enabled, sending
// is blocked and receiving waits for that, or a failure is waited out.
func (s *Socket) watch() error {
	full := s.config.PauseWhenFull && s.sending != sendReady
	if !s.enabled || s.closed || full || s.receiving != receiveOff {
		return nil
	}
	if err := s.readable.Add(); err != nil {
		return err
	}
	s.receiving = receiveActive
	return nil
}

// unwatch undoes watch.
func (s *Socket) unwatch() {
	if s.receiving == receiveActive {
		_ = s.readable.DelNoBlock() // it is not pending any more, whatever the system says
	}
	s.receiving = receiveOff
}

// receiveAgain watches after a pause, and tries that later if it fails.
func (s *Socket) receiveAgain() {
	if err := s.watch(); err != nil {
		s.receiving = receiveFailing
		s.report(fdError("wait for messages", s.fd, err))
		if !s.closed {
			s.retryLater()
		}
	}
}

// onReadable receives round by round. A socket that fails each time is left alone
// for a while, as it would keep the loop busy.
func (s *Socket) onReadable(*event.Event, event.What) {
	s.lock()
	defer s.unlock()
	failures := 0
	for range s.config.Rounds {
		if s.receiving != receiveActive || s.closed {
			return
		}
		n, err := s.receive()
		if err == nil && n < s.config.Batch.limit {
			return
		}
		if err == nil {
			failures = 0
		} else {
			failures++
		}
	}
	if failures == s.config.Rounds && s.receiving == receiveActive && !s.closed {
		s.unwatch()
		s.receiving = receiveFailing
		s.retryLater()
	}
}

// receive receives a batch and returns how many messages it had.
func (s *Socket) receive() (int, error) {
	messages, err := s.config.Batch.Recv(s.fd)
	if len(messages) > 0 {
		s.deliver(messages)
	}
	if s.config.PeerErrors && (err != nil || len(messages) == 0) {
		s.receiveErrors()
	}
	if err != nil {
		s.report(err)
	}
	return len(messages), err
}

// deliver calls OnMessages, and sends what that has queued.
func (s *Socket) deliver(messages []Message) {
	s.delivering = true
	defer s.delivered() // also if OnMessages panics
	s.config.OnMessages(s, messages)
}

func (s *Socket) delivered() {
	s.delivering = false
	if !s.closed {
		s.flush()
	}
}

// receiveErrors reports the errors of peers. Where there are more, the socket stays
// readable.
func (s *Socket) receiveErrors() {
	for range maxErrors {
		if s.closed {
			return
		}
		e, err := sysio.RecvError(s.fd)
		if err == sysio.ErrAgain {
			return
		}
		if err != nil {
			s.report(fdError("receive error", s.fd, err))
			return
		}
		s.report(&PeerError{Peer: e.Peer, From: e.From, MTU: e.MTU, Err: e.Err})
	}
}
