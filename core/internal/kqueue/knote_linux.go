package kqueue

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// A kind of a descriptor decides how filters look at it.
type kind int

const (
	stream   kind = iota // a socket for a stream of bytes, or one that listens for them
	datagram             // a socket for messages
	pipe                 // one end of a pipe
	regular              // a file that is always ready
	other
)

// A watched is a descriptor that events are registered for. The events die with the
// descriptor, also if there is a duplicate of it.
type watched struct {
	fd       int
	id       int32 // in the epolls
	kind     kind
	dev, ino uint64
	queued   bool // by epoll; if not, each collection asks its filters
	reading  *knote
	writing  *knote

	wasConnected bool // as a stream, at some time
}

// A knote is a registered event.
type knote struct {
	queue  *queue
	on     *watched // of Read and Write
	ident  uint64
	filter int16
	flags  uint16
	fflags uint32 // as asked for; of a user event, the user's
	data   int64
	udata  uint64

	disabled  bool
	gone      bool // deleted, but perhaps still in the queue
	pending   bool // in the queue
	triggered bool // a user event

	period  time.Duration // of a timer
	next    time.Time     // when a timer expires
	expired int64         // how often it has, unreported
}

// watch returns what stands for a descriptor in q, as it is now.
func (q *queue) watch(ident uint64) (*watched, error) {
	if ident > math.MaxInt32 {
		return nil, unix.EBADF
	}
	fd := int(ident)
	if w := q.watched[fd]; w != nil {
		if q.alive(w) {
			return w, nil
		}
		q.bury(w)
	}
	w := q.newWatched()
	*w = watched{fd: fd}
	if err := w.describe(); err != nil {
		return nil, err
	}
	q.lastID++
	w.id = q.lastID
	if err := q.watchEdges(w); err != nil {
		return nil, err
	}
	return w, nil
}

// describe finds out what w is.
func (w *watched) describe() error {
	var stat unix.Stat_t
	if err := unix.Fstat(w.fd, &stat); err != nil {
		return err
	}
	w.dev, w.ino = uint64(stat.Dev), stat.Ino
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFSOCK:
		w.kind = datagram
		if t, err := unix.GetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_TYPE); err == nil && t == unix.SOCK_STREAM {
			w.kind, w.wasConnected = stream, connected(w.fd)
		}
	case unix.S_IFIFO:
		w.kind = pipe
	case unix.S_IFREG:
		w.kind = regular
	default:
		w.kind = other
	}
	return nil
}

// watchEdges puts w into both epolls. What epoll refuses is a file whose condition
// never changes.
func (q *queue) watchEdges(w *watched) error {
	err := q.addTo(q.reads, w, unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLPRI)
	if err == unix.EPERM {
		return nil
	}
	if err == nil {
		err = q.addTo(q.writes, w, unix.EPOLLOUT)
	}
	w.queued = err == nil
	return err
}

func (q *queue) addTo(epoll int, w *watched, bits uint32) error {
	e := unix.EpollEvent{Events: bits | unix.EPOLLET, Fd: w.id}
	err := epollCtl(epoll, unix.EPOLL_CTL_ADD, w.fd, &e)
	if err == unix.EEXIST { // left by a descriptor of this number and file
		err = epollCtl(epoll, unix.EPOLL_CTL_MOD, w.fd, &e)
	}
	return err
}

// epollCtl repeats what was interrupted, which only a tracer does.
func epollCtl(epoll, op, fd int, e *unix.EpollEvent) error {
	for {
		if err := unix.EpollCtl(epoll, op, fd, e); err != unix.EINTR {
			return err
		}
	}
}

// alive reports whether the descriptor of w is still open for the same file: epoll
// refuses to take it again if it is.
func (q *queue) alive(w *watched) bool {
	if !w.queued {
		var stat unix.Stat_t
		return unix.Fstat(w.fd, &stat) == nil && uint64(stat.Dev) == w.dev && stat.Ino == w.ino
	}
	var e unix.EpollEvent
	err := epollCtl(q.reads, unix.EPOLL_CTL_ADD, w.fd, &e)
	if err == nil {
		_ = epollCtl(q.reads, unix.EPOLL_CTL_DEL, w.fd, &e) // it is there
	}
	return err == unix.EEXIST
}

// bury deletes the events of a descriptor that was closed.
func (q *queue) bury(w *watched) {
	for _, k := range []*knote{w.reading, w.writing} {
		if k != nil {
			q.end(k)
		}
	}
	q.forget(w)
}

// end has k report nothing any more. It may still be in the queue.
func (q *queue) end(k *knote) {
	k.gone = true
	if !k.pending {
		q.spareKnotes = append(q.spareKnotes, k)
	}
}

func (q *queue) forget(w *watched) {
	delete(q.watched, w.fd)
	delete(q.byID, w.id)
	q.spareWatched = append(q.spareWatched, w)
}

func (q *queue) newKnote() *knote {
	if n := len(q.spareKnotes); n > 0 {
		k := q.spareKnotes[n-1]
		q.spareKnotes = q.spareKnotes[:n-1]
		return k
	}
	return new(knote)
}

func (q *queue) newWatched() *watched {
	if n := len(q.spareWatched); n > 0 {
		w := q.spareWatched[n-1]
		q.spareWatched = q.spareWatched[:n-1]
		return w
	}
	return new(watched)
}

// attach registers k for its descriptor.
func (q *queue) attach(k *knote, w *watched) error {
	if k.filter == Write {
		if w.kind == regular && q.system.RefusesFiles {
			return unix.EINVAL
		}
		if w.kind == pipe && w.poll()&unix.POLLERR != 0 {
			return q.system.BrokenPipe
		}
	}
	k.on = w
	*w.knote(k.filter) = k
	q.watched[w.fd], q.byID[w.id] = w, w
	return nil
}

// knote returns where the event of a filter is kept.
func (w *watched) knote(filter int16) **knote {
	if filter == Read {
		return &w.reading
	}
	return &w.writing
}

// remove deletes k.
func (q *queue) remove(k *knote) {
	w := k.on
	if w == nil {
		delete(q.others, key{k.ident, k.filter})
		q.end(k)
		return
	}
	*w.knote(k.filter) = nil
	q.end(k)
	q.unwatchUnused(w)
}

// unwatchUnused forgets w if no event is registered for it.
func (q *queue) unwatchUnused(w *watched) {
	if w.reading != nil || w.writing != nil {
		return
	}
	if w.queued && q.alive(w) {
		_ = epollCtl(q.reads, unix.EPOLL_CTL_DEL, w.fd, nil)  // it is there
		_ = epollCtl(q.writes, unix.EPOLL_CTL_DEL, w.fd, nil) // the same
	}
	q.forget(w)
}
