package evtls

import (
	"errors"
	"io"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// everything is the event of an error that leaves nothing of the connection.
const everything = bufferevent.EventReading | bufferevent.EventWriting | bufferevent.EventError

// Failed implements bufferevent.Transform. What has cut the input off leaves the output
// as it is.
func (s *stream) Failed(what event.What, err error) (bufferevent.Events, error) {
	switch {
	case what == event.Write:
		return bufferevent.EventWriting | bufferevent.EventError, opError("write", withAlert(err))
	case s.conn.mem.cut:
		return bufferevent.EventReading | bufferevent.EventError, opError("read", err)
	}
	s.phase = phaseFailed
	return everything, opError("read", withAlert(err))
}

// abort ends the connection because of an error that leaves nothing of it.
func (s *stream) abort(op string, err error) {
	s.phase = phaseFailed
	s.layer.Fail(everything, opError(op, withAlert(err)))
}

// onEvent is called when something else than reading and writing has happened
// below.
func (s *stream) onEvent(under *bufferevent.Bufferevent, what bufferevent.Events) {
	c := s.c
	if !c.Begin() {
		return
	}
	defer c.End()
	err := under.Err()
	if err == nil {
		err = errBelow
	}
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		s.connected()
	case bufferevent.InputEnded:
		s.endedBelow(what, err)
	case bufferevent.OutputFailed:
		s.unwritableBelow(err)
	case bufferevent.TimedOut:
		s.layer.TimedOut(what, err)
	case bufferevent.Failed:
		s.failedBelow(err)
	default:
		c.Event(what, nil)
	}
}

// endedBelow is called when nothing follows what has arrived.
func (s *stream) endedBelow(what bufferevent.Events, err error) {
	s.cut = true
	switch {
	case s.opened():
		s.layer.EndInput(what, err)
	case s.phase == phaseWaiting:
		s.fail(io.EOF)
	default:
		s.driveHandshake()
	}
}

// failedBelow ends the connection, after what has arrived: the peer may have said
// why.
func (s *stream) failedBelow(err error) {
	if s.phase != phaseFailed && !s.opened() {
		s.fail(s.cause(err))
		return
	}
	s.layer.Pull(0)
	if s.phase != phaseFailed {
		s.abort("read", err)
	}
}

// cause returns why a handshake fails that has failed below: a stream that was cut off
// tells less than what writing has failed with before.
func (s *stream) cause(err error) error {
	if h := s.handshake; h != nil && h.writeErr != nil && errors.Is(err, io.ErrUnexpectedEOF) {
		return h.writeErr
	}
	return err
}

// alertWait is how long a handshake that can send nothing any more waits for what
// the peer may have said about that. It has arrived already, unless something
// between the peers is slow.
const alertWait = 100 * time.Millisecond

// unwritableBelow ends the writing. Reading goes on and finds out more: the peer
// may have said why. A handshake cannot go on without, and ends with the reason
// that is found.
func (s *stream) unwritableBelow(err error) {
	switch h := s.handshake; {
	case s.opened():
		s.layer.BreakOutput(bufferevent.EventWriting|bufferevent.EventError, opError("write", err), 0)
	case h == nil:
		s.fail(err)
	default:
		h.writeErr = err
		s.deadline.AddTimeout(alertWait)
	}
}

// errBelow is an error below that has told nothing of itself.
var errBelow = errors.New("underlying bufferevent has failed")
