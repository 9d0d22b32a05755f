package evtls

import (
	"errors"
	"io"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// noteEnd notes what an error of decrypting means for the stream, to be reported after
// what was read.
func (s *stream) noteEnd(err error) {
	cut := s.conn.mem.cut
	switch {
	case err == io.EOF && !cut, cut && s.flags&DirtyShutdown != 0:
		s.layer.NoteEnd(bufferevent.EventReading|bufferevent.EventEOF, io.EOF)
	case cut:
		s.layer.NoteEnd(bufferevent.EventReading|bufferevent.EventError, opError("read", io.ErrUnexpectedEOF))
	default:
		s.abort("read", err)
	}
	s.input = inputEnded
}

// reportEnd reports the end of the input that was noted, if reading is enabled.
func (s *stream) reportEnd(opts bufferevent.TriggerOptions) {
	if !s.layer.EndNoted() || !s.c.Alive() || !s.c.Wants(event.Read) {
		return
	}
	s.bev.Disable(event.Read)
	s.layer.ReportEnd(opts)
}

// abort ends the connection because of an error that leaves nothing of it. The
// error is reported in the next iteration, after what has been read has been reported
// and the alert for the peer has gone.
func (s *stream) abort(op string, err error) {
	const what = bufferevent.EventReading | bufferevent.EventWriting | bufferevent.EventError
	s.phase, s.input, s.output = phaseFailed, inputEnded, outputBroken
	s.layer.ForgetEnd()
	s.layer.NoteEnd(what, opError(op, withAlert(err)))
	s.bev.Disable(event.Read | event.Write)
	s.atEnd()
}

// breakWrite ends the writing.
func (s *stream) breakWrite(err error) {
	s.output = outputBroken
	s.bev.Disable(event.Write)
	s.c.EventDeferred(bufferevent.EventWriting|bufferevent.EventError, opError("write", withAlert(err)))
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
		s.endedBelow()
	case bufferevent.OutputFailed:
		s.unwritableBelow(err)
	case bufferevent.TimedOut:
		s.timedOutBelow(what, err)
	case bufferevent.Failed:
		s.failedBelow(err)
	default:
		c.Event(what, nil)
	}
}

// endedBelow is called when nothing follows what has arrived.
func (s *stream) endedBelow() {
	s.input = max(s.input, inputLast)
	switch {
	case s.open():
		s.pull(0)
	case s.phase == phaseWaiting:
		s.fail(io.EOF)
	default:
		s.driveHandshake()
	}
}

// timedOutBelow tells the user that nothing moves below; that is where it is
// seen when the peer takes nothing.
func (s *stream) timedOutBelow(what bufferevent.Events, err error) {
	if what&bufferevent.EventReading != 0 {
		s.bev.Disable(event.Read)
	}
	if what&bufferevent.EventWriting != 0 {
		s.bev.Disable(event.Write)
	}
	s.c.Event(what, err)
}

// failedBelow ends the connection, after what has arrived: the peer may have said
// why.
func (s *stream) failedBelow(err error) {
	switch {
	case s.phase == phaseFailed:
	case !s.open():
		s.fail(err)
	default:
		s.pull(0)
		s.abort("read", err)
	}
}

// alertWait is how long a handshake that can send nothing any more waits for what
// the peer may have said about that. It has arrived already, unless something
// between the peer and us is slow.
const alertWait = 100 * time.Millisecond

// unwritableBelow ends the writing. Reading goes on and finds out more: the peer
// may have said why. A handshake cannot go on without, and ends with the reason
// that is found.
func (s *stream) unwritableBelow(err error) {
	switch {
	case s.output == outputBroken:
	case !s.open():
		s.layer.NoteEnd(0, err)
		s.deadline.AddTimeout(alertWait)
	default:
		s.output = outputBroken
		s.bev.Disable(event.Write)
		s.c.Event(bufferevent.EventWriting|bufferevent.EventError, opError("write", err))
	}
}

// errBelow is an error below that has told nothing of itself.
var errBelow = errors.New("underlying bufferevent has failed")
