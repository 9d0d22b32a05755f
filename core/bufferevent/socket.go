package bufferevent

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// socket is the transport over a stream socket, or another descriptor that can
// be waited for: its policy. A mover does the reading and writing, and a dialer
// connects.
//
// All that has been put into the output, in any number of parts, is written at the end
// of the iteration.
type socket struct {
	bev Bufferevent

	dialer   *dialer // makes the connection, or nil
	engine   engine  // of the mover
	flushing bool    // EndIteration will come
	waiting  bool    // for room in the kernel, or for a connection
	writing  bool    // write is at work
	shut     bool    // the stream that we send has ended
}

// socketOf returns the socket whose bufferevent b is known to be.
func socketOf(b *Bufferevent) *socket { return b.transport.(*socket) }

// NewSocket makes a bufferevent over a stream socket, or over a pipe or terminal
// that the loop's method can wait for. fd must be non-blocking; it is -1 if
// Connect or SetFD comes later. TCP sockets get TCP_NODELAY unless opts has
// Nagle. Reading must be enabled. The errors are those of Init. With CloseOnFree the
// descriptor belongs to NewSocket from the call on, which has closed it if it fails;
// otherwise it is the caller's (bufferevent_socket_new, which never closes it).
func NewSocket(base *event.Base, fd int, opts Options) (*Bufferevent, error) {
	b, err := newSocket(base, fd, opts)
	if err != nil && fd >= 0 && opts&CloseOnFree != 0 {
		_ = sysio.CloseSocket(fd) // why there is no stream is what the caller has to know
	}
	return b, err
}

func newSocket(base *event.Base, fd int, opts Options) (*Bufferevent, error) {
	s := new(socket)
	if err := s.bev.init(base, s, opts); err != nil {
		return nil, err
	}
	if err := s.bev.output.SetFlags(evbuffer.DrainsToFD); err != nil {
		return nil, err
	}
	if err := s.assign(fd); err != nil {
		return nil, opError("new socket", err)
	}
	return &s.bev, nil
}

func (s *socket) String() string { return "socket" }

// assign makes fd the descriptor. Nothing is under way.
func (s *socket) assign(fd int) error {
	if err := s.mover().assign(s, fd); err != nil {
		return err
	}
	if fd >= 0 && s.bev.options&Nagle == 0 {
		_ = sysio.SetNoDelay(fd) // fails if it is not TCP
	}
	return nil
}

// FD implements Describer.
func (s *socket) FD() int { return s.bev.read.FD() }

// SetFD implements Describer.
func (s *socket) SetFD(fd int) error {
	b := &s.bev
	s.endDial()
	b.beginAnew()
	if err := s.replace(fd); err != nil {
		return err
	}
	if fd < 0 {
		return nil
	}
	if what := b.unsuspended(b.enabled); what != 0 {
		return s.Enable(what)
	}
	return nil
}

// replace makes fd the descriptor, after it has stopped what is under way.
func (s *socket) replace(fd int) error {
	b := &s.bev
	priority := b.priority()
	s.stop()
	s.shut = false
	if err := s.assign(fd); err != nil {
		return fmt.Errorf("set fd %d: %w", fd, err)
	}
	return b.setPriority(priority)
}

// Enable implements Transport.
func (s *socket) Enable(what event.What) error {
	if s.FD() < 0 {
		return nil
	}
	if what&event.Read != 0 {
		if err := s.mover().startRead(s, false); err != nil {
			return err
		}
	}
	if what&event.Write != 0 && !s.waiting {
		s.flush()
	}
	return nil
}

// flush has the output written at the end of the iteration.
func (s *socket) flush() {
	if !s.flushing {
		s.flushing = true
		s.bev.base.AtIterationEnd(s)
	}
}

// Disable implements Transport. A connection that is being made goes on.
func (s *socket) Disable(what event.What) error {
	var err error
	if what&event.Read != 0 {
		err = s.stopReading()
	}
	if what&event.Write != 0 && s.dialer == nil {
		err = errors.Join(err, s.stopWaiting())
	}
	return err
}

// OutputAdded implements Transport.
func (s *socket) OutputAdded() {
	if !s.waiting && s.dialer == nil && s.FD() >= 0 {
		s.flush()
	}
}

// LimitLifted implements Limiter. It reads if there was something to read, and not
// when the loop's method says so, which may name the same sockets first every time;
// and writes now rather than at the end of the iteration, where one that has just had
// its share may be before it.
func (s *socket) LimitLifted(what event.What) error {
	switch {
	case what == event.Write && s.dialer == nil && s.bev.output.Len() > 0:
		s.write()
		return nil
	case what == event.Read && s.FD() >= 0:
		return s.mover().startRead(s, true)
	}
	return s.Enable(what)
}

// CallsFromLoop implements LoopCaller.
func (s *socket) CallsFromLoop() {}

// EndsAgain implements Rereader.
func (s *socket) EndsAgain() bool { return true }

// InputRemoved implements Transport.
func (s *socket) InputRemoved() {}

// Flush implements Transport.
func (s *socket) Flush(event.What, FlushMode) (bool, error) { return false, nil }

// TimeoutsChanged implements Transport. Timeouts that run begin anew.
func (s *socket) TimeoutsChanged() {
	s.mover().retime(s)
	if s.dialer != nil {
		s.dialer.onTimeoutsChanged()
	}
}

// CloseWrite implements WriteCloser.
func (s *socket) CloseWrite() error {
	if fd := s.FD(); fd >= 0 && !sysio.IsSocket(fd) {
		return fmt.Errorf("fd %d is no socket: %w", fd, errors.ErrUnsupported)
	}
	if s.bev.output.Len() > 0 || s.dialer != nil || s.FD() < 0 {
		return nil // the writing will come to it
	}
	return s.shutdown()
}

// EndWriting implements Ender. What is written by the loop at the end of the
// iteration otherwise is written at once; closing the descriptor ends the stream.
func (s *socket) EndWriting() {
	b := &s.bev
	switch {
	case b.output.Len() == 0:
		b.writeEnded()
	case s.dialer == nil && s.FD() < 0:
		b.report(EventWriting|EventError, opError("write", fmt.Errorf("no descriptor: %w", event.ErrNil)), 0)
	case s.dialer == nil && !s.waiting && !s.writing:
		s.write()
	}
}

// shutdown ends the stream that is sent.
func (s *socket) shutdown() error {
	if s.bev.draining() {
		s.bev.writeEnded()
		return nil
	}
	if s.shut {
		return nil
	}
	s.shut = true
	if err := sysio.ShutdownWrite(s.FD()); err != nil {
		return fmt.Errorf("shutdown fd %d: %w", s.FD(), err)
	}
	return nil
}

// Unlink implements Transport.
func (s *socket) Unlink() {
	s.endDial()
	s.stop()
	if fd := s.FD(); fd >= 0 && s.bev.options&CloseOnFree != 0 {
		sysio.CloseSocket(fd)
	}
}

// stopReading has the mover stop reading.
func (s *socket) stopReading() error { return s.mover().stopRead(s) }

// read reads once, as much as there may be. The mover calls it.
func (s *socket) read() {
	b := &s.bev
	if s.dialer != nil {
		return // that there is a connection is reported before its data
	}
	most := b.maxToRead()
	if !b.wants(event.Read) {
		return // the limit of the group is exhausted
	}
	if room := b.inputRoom(); room >= 0 {
		most = min(most, room)
	}
	n, err := s.mover().read(s, most)
	switch {
	case n > 0:
		b.countRead(n)
		b.trigger(event.Read, 0)
	case err == sysio.ErrAgain:
	default:
		b.disable(event.Read)
		b.report(EventReading|endOrError(err), err, 0)
	}
}

func endOrError(err error) Events {
	if err == io.EOF {
		return EventEOF
	}
	return EventError
}

// readTimedOut reports that nothing has arrived in time. The mover calls it.
func (s *socket) readTimedOut() { s.bev.timedOut(event.Read) }

// EndIteration implements event.IterationEnder: it writes what has been put into
// the output.
func (s *socket) EndIteration() {
	if !s.bev.begin() {
		return
	}
	defer s.bev.end()
	s.flushing = false
	if s.dialer != nil {
		s.dialer.onIterationEnd()
	} else {
		s.write()
	}
}

// write writes what is there, as far as limits and kernel allow, plans the rest, and
// triggers the write callback if any of it has gone.
func (s *socket) write() {
	b := &s.bev
	budget := b.maxToWrite()
	if s.FD() < 0 || !b.wants(event.Write) { // perhaps the limit of the group is exhausted
		return
	}
	s.writing = true
	n, err := s.mover().write(s, budget)
	s.writing = false
	full := err == sysio.ErrAgain
	if n > 0 {
		b.countWritten(n)
	}
	if err == nil || full {
		err = s.plan(full)
	}
	switch {
	case err != nil:
		b.disable(event.Write)
		b.report(EventWriting|EventError, err, 0)
	case n > 0 || !full:
		b.trigger(event.Write, 0)
	}
}

// plan decides how the writing goes on: when there is room again, at the end of
// the next iteration, or not at all.
func (s *socket) plan(full bool) error {
	b := &s.bev
	switch {
	case b.output.Len() == 0:
		if b.closedWrite {
			if err := s.shutdown(); err != nil {
				return err
			}
		}
		return s.stopWaiting()
	case !s.bev.wants(event.Write): // a rate limit is exhausted
		return s.stopWaiting()
	case full && !s.waiting:
		return s.awaitRoom()
	case !full && !s.waiting:
		s.flush()
	}
	return nil
}

// writable goes on with the connection or the output, or reports that the timeout has
// passed. The mover calls it.
func (s *socket) writable(what event.What) {
	switch {
	case s.dialer != nil:
		s.dialer.onWritable(what)
	case what == event.Timeout:
		s.bev.timedOut(event.Write)
	default:
		s.write()
	}
}

// awaitRoom waits until the kernel takes more, or, when connecting, until
// there is a connection or none.
func (s *socket) awaitRoom() error {
	if err := s.mover().awaitRoom(s); err != nil {
		return err
	}
	s.waiting = true
	return nil
}

// stopWaiting ends waiting for room or a connection.
func (s *socket) stopWaiting() error {
	if !s.waiting {
		return nil
	}
	s.waiting = false
	return s.mover().stopWaiting(s)
}

// stop ends everything that the mover has under way.
func (s *socket) stop() {
	s.mover().stop(s)
	s.waiting = false
}
