package datagram

import (
	"bytes"
	"errors"

	"github.com/go-libevent/libevent/core/event"
)

// Send queues a message, whose data it copies. The queue is sent when OnMessages
// returns or, outside of it, at the end of the iteration, or as soon as it has
// Config.FlushAfter messages. The error is ErrQueueFull, ErrClosed, or that of a
// base that was freed (event.ErrFreed) if then there is no room in the socket.
func (s *Socket) Send(m Message) error {
	if s.closed {
		return fdError("send", s.fd, ErrClosed)
	}
	if !s.hasRoom(len(m.Data)) && !s.makeRoom(len(m.Data)) {
		return fdError("send", s.fd, ErrQueueFull)
	}
	s.push(&m)
	switch {
	case s.sending != sendReady:
	case len(s.queue) >= s.config.FlushAfter && !s.reporting:
		s.flush()
	case !s.delivering:
		return s.flushAtEnd()
	}
	return nil
}

// SendNow sends messages at once, behind what is queued. It copies only those for
// which the system has no room, into the queue. It returns how many are done with or
// queued, beginning with the first; for the others there is no room either, and
// OnDrained tells when there is. A message that cannot be sent does not stop the
// others: it is done with, and its Err says why. The error is the first of these, or
// ErrClosed.
func (s *Socket) SendNow(messages []Message) (taken int, err error) {
	if s.closed {
		return 0, fdError("send", s.fd, ErrClosed)
	}
	s.flush()
	if s.closed {
		return 0, fdError("send", s.fd, ErrClosed)
	}
	if s.sending == sendReady {
		if taken, err = s.transmit(messages); taken < len(messages) {
			s.block()
		}
	}
	for taken < len(messages) && !s.closed && s.hasRoom(len(messages[taken].Data)) {
		s.push(&messages[taken])
		taken++
	}
	return taken, err
}

// Flush sends what is queued, as far as the system has room, without waiting for the
// end of the iteration.
func (s *Socket) Flush() {
	if !s.closed {
		s.flush()
	}
}

// Queued returns how many messages are queued.
func (s *Socket) Queued() int { return len(s.queue) }

// Blocked reports whether the system has no room for messages.
func (s *Socket) Blocked() bool { return s.sending != sendReady }

// hasRoom reports whether the queue takes a message of n bytes.
func (s *Socket) hasRoom(n int) bool {
	return len(s.queue) < s.config.MaxQueued && len(s.bytes)+n <= s.config.MaxQueuedBytes
}

// makeRoom sends what is queued, and reports whether the queue then takes a message
// of n bytes.
func (s *Socket) makeRoom(n int) bool {
	if !s.reporting {
		s.flush()
	}
	return !s.closed && s.hasRoom(n)
}

func (s *Socket) push(m *Message) {
	start := len(s.bytes)
	s.bytes = append(s.bytes, m.Data...)
	s.queue = append(s.queue, Message{Data: s.bytes[start:len(s.bytes):len(s.bytes)], Addr: m.Addr, Local: m.Local})
}

// flushAtEnd has the queue sent at the end of the iteration. If the base was freed,
// there is none, and it is sent now.
func (s *Socket) flushAtEnd() error {
	if s.scheduled {
		return nil
	}
	if s.base.AtIterationEnd((*flusher)(s)) {
		s.scheduled = true
		return nil
	}
	if !s.reporting {
		s.flush()
	}
	if last := len(s.queue) - 1; last >= 0 { // there is no event that could wait for room
		s.queue[last] = Message{}
		s.queue = s.queue[:last]
		return fdError("send", s.fd, event.ErrFreed)
	}
	return nil
}

// A flusher is the event.IterationEnder of a Socket.
type flusher Socket

// EndIteration implements event.IterationEnder.
func (f *flusher) EndIteration() {
	s := (*Socket)(f)
	s.lock()
	defer s.unlock()
	s.scheduled = false
	if !s.closed {
		s.flush()
	}
}

// flush sends the queue, as far as the system has room.
func (s *Socket) flush() {
	if len(s.queue) == 0 || s.sending != sendReady {
		return
	}
	done, err := s.transmit(s.queue)
	var unsent []Message
	if err != nil {
		unsent = failed(s.queue[:done])
	}
	s.drop(done)
	if len(s.queue) > 0 {
		s.block()
	}
	if len(unsent) > 0 {
		s.reportUnsent(unsent)
	}
	s.drained()
}

// failed returns copies of the messages with an error.
func failed(messages []Message) []Message {
	var list []Message
	for _, m := range messages {
		if m.Err != nil {
			m.Data = bytes.Clone(m.Data)
			list = append(list, m)
		}
	}
	return list
}

// drop removes the first n messages from the queue, and the memory of an empty one if
// there were unusually many.
func (s *Socket) drop(n int) {
	rest := copy(s.queue, s.queue[n:])
	clear(s.queue[rest:])
	s.queue = s.queue[:rest]
	if rest > 0 {
		return
	}
	s.bytes = s.bytes[:0]
	if cap(s.bytes) > keptBytes {
		s.bytes = nil
	}
	if cap(s.queue) > keptMessages {
		s.queue = nil
	}
}

// reportUnsent calls OnUnsent. What that sends is queued until the end of the
// iteration, so that a message that always fails cannot recurse.
func (s *Socket) reportUnsent(unsent []Message) {
	if s.config.OnUnsent == nil || s.closed {
		return
	}
	s.reporting = true
	defer func() { s.reporting = false }() // also if it panics
	s.config.OnUnsent(s, unsent)
}

// drained calls OnDrained if nothing has to wait any more.
func (s *Socket) drained() {
	if s.config.OnDrained != nil && len(s.queue) == 0 && s.sending == sendReady && !s.closed {
		s.config.OnDrained(s)
	}
}

// transmit sends messages by the batch. The system reports an error of an earlier
// message, such as that the peer refuses them, in place of sending one; that one is
// sent again, and the error is left to receiving, where the next one comes, too.
func (s *Socket) transmit(messages []Message) (done int, err error) {
	done, err = s.config.Batch.Send(s.fd, messages)
	if err == nil {
		return done, nil
	}
	err = nil
	for i := range messages[:done] {
		m := &messages[i]
		if s.isEarlier(m.Err) {
			_, _ = s.config.Batch.Send(s.fd, messages[i:i+1]) // m.Err says what has come of it
		}
		if err == nil {
			err = m.Err
		}
	}
	return done, err
}

// isEarlier reports whether an error of sending may be about an earlier message.
func (s *Socket) isEarlier(err error) bool {
	if err == nil {
		return false
	}
	return errors.Is(err, ErrRefused) || s.config.PeerErrors && !errors.Is(err, ErrTooLong)
}

// block has the queue wait until there is room in the socket.
func (s *Socket) block() {
	s.sending = sendBlocked
	if s.config.PauseWhenFull && s.receiving == receiveActive {
		s.unwatch()
	}
	if err := s.writable.Add(); err != nil {
		s.sending = sendFailing
		s.report(fdError("wait for room", s.fd, err))
		if !s.closed {
			s.retryLater()
		}
	}
}

func (s *Socket) onWritable(*event.Event, event.What) {
	s.lock()
	defer s.unlock()
	if s.sending == sendBlocked && !s.closed {
		s.sendAgain()
	}
}

// sendAgain sends what has waited for room. If all is sent, receiving goes on.
func (s *Socket) sendAgain() {
	s.sending = sendReady
	if len(s.queue) > 0 {
		s.flush()
	} else {
		s.drained()
	}
	if s.closed || s.sending != sendReady {
		return
	}
	_ = s.writable.DelNoBlock() // it is not pending any more, whatever the system says
	s.receiveAgain()
}
