package bufferevent

import (
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// readyMover moves bytes when the loop's method says that the descriptor is ready. It
// uses the two events of the bufferevent, whose timeouts are those for reading and
// writing.
//
// A write is tried at once. Only if the kernel has no room for all of it does the write
// event wait for some, so that a stream whose peer reads costs no changes to what the
// kernel watches.
type readyMover struct{}

// assign implements mover.
func (*readyMover) assign(s *socket, fd int) error {
	const flags = event.Persist | event.Finalize
	b := &s.bev
	if err := b.read.Assign(b.base, fd, event.Read|flags, onReadable); err != nil {
		return err
	}
	if b.write == nil {
		return nil
	}
	return b.write.Assign(b.base, fd, event.Write|flags, onWritable)
}

// stop implements mover.
func (*readyMover) stop(s *socket) {
	s.bev.read.Del()
	if s.waiting {
		s.bev.write.Del()
	}
}

// startRead implements mover.
func (*readyMover) startRead(s *socket, now bool) error {
	b := &s.bev
	if err := addEvent(&b.read, b.readTimeout); err != nil {
		return err
	}
	if now {
		b.read.Activate(event.Read)
	}
	return nil
}

// stopRead implements mover.
func (*readyMover) stopRead(s *socket) error { return s.bev.read.Del() }

// onReadable is the callback of the read event.
func onReadable(ev *event.Event, what event.What) {
	b := ev.Data.(*Bufferevent)
	if !b.begin() {
		return
	}
	defer b.end()
	s := socketOf(b)
	if what == event.Timeout {
		s.readTimedOut()
	} else {
		s.read()
	}
}

// read implements mover, by one call.
func (*readyMover) read(s *socket, most int) (int, error) {
	input := &s.bev.input
	input.Unfreeze(evbuffer.Back)
	defer input.Freeze(evbuffer.Back) // a callback of the buffer may panic
	return input.ReadFD(s.FD(), most)
}

// write implements mover, in as few calls as it takes. It writes less if a callback of
// the output buffer replaces the descriptor.
func (*readyMover) write(s *socket, budget int) (total int, err error) {
	b, fd := &s.bev, s.FD()
	b.output.Unfreeze(evbuffer.Front)
	defer b.output.Freeze(evbuffer.Front) // a callback of the buffer may panic
	for budget > 0 && b.output.Len() > 0 && s.FD() == fd {
		var n int
		n, err = b.output.WriteFDAtMost(fd, budget)
		if err != nil {
			break
		}
		total += n
		budget -= n
	}
	return total, err
}

// awaitRoom implements mover. The write event is made when it is needed first.
func (*readyMover) awaitRoom(s *socket) error {
	b := &s.bev
	if b.write == nil {
		ev := s.bev.writeEvent()
		if err := ev.Assign(b.base, s.FD(), event.Write|event.Persist|event.Finalize, onWritable); err != nil {
			return err
		}
		if err := ev.SetPriority(b.priority()); err != nil {
			return err
		}
	}
	return addEvent(b.write, s.bev.timeoutForWriting())
}

// stopWaiting implements mover.
func (*readyMover) stopWaiting(s *socket) error { return s.bev.write.Del() }

// onWritable is the callback of the write event.
func onWritable(ev *event.Event, what event.What) {
	b := ev.Data.(*Bufferevent)
	if !b.begin() {
		return
	}
	defer b.end()
	socketOf(b).writable(what)
}

// retime implements mover.
func (*readyMover) retime(s *socket) {
	b := &s.bev
	retimeEvent(&b.read, event.Read, b.readTimeout)
	retimeEvent(b.write, event.Write, s.bev.timeoutForWriting())
}

// retimeEvent starts the timeout of an event anew, or ends it, if the event is pending.
func retimeEvent(ev *event.Event, what event.What, timeout time.Duration) {
	if ev == nil || ev.Pending(what) == 0 {
		return
	}
	if timeout > 0 {
		ev.AddTimeout(timeout)
	} else {
		ev.RemoveTimer()
	}
}
