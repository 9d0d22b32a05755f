package poller

import (
	"os"
	"sync"
	"sync/atomic"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/windows"
)

var wepollMethod = Method{
	Name:     "wepoll",
	Features: FeatureO1 | FeatureEarlyClose,
	Env:      "WEPOLL",
	Open:     openWepoll,
}

// Bounds of the buffer for packets. It doubles each time it comes back full,
// so that a busy server asks for many at once and an idle one holds little.
const (
	minPackets = 32
	maxPackets = 4096
)

// wakeKey marks the packet that Wake posts. Those of polls have the key zero.
const wakeKey = 1

// wepoll gives Windows what epoll gives Linux, as the library of that name
// does for C: a poll request in the driver below Winsock for each socket, and
// an I/O completion port that gathers the answers.
//
// A poll answers once. Watching for as long as a condition holds means to
// poll anew after each answer, which Flush does, so that the next Wait finds
// a socket that is still ready.
type wepoll struct {
	port    windows.Handle
	packets []packet // for Wait alone
	woken   atomic.Bool

	// mu guards what follows, because Update and Wake may run during Wait.
	mu      sync.Mutex
	closed  bool
	sockets map[int]*wepollSocket // by descriptor
	groups  []*wepollGroup
	free    []*wepollSocket
	stale   []*wepollSocket // those whose poll may differ from what is wanted
	polling int             // polls whose packet has not been taken yet
}

// wepollGroupSize is the number of sockets polled through one AFD handle. The
// driver searches a handle's polls one by one when it cancels or completes
// one, so that they must not be many.
const wepollGroupSize = 32

// wepollGroup is an AFD handle and the sockets polled through it. The kernel
// writes to the polls in it, so it lives until Close has seen the last packet.
type wepollGroup struct {
	device  windows.Handle
	sockets [wepollGroupSize]wepollSocket
}

// wepollSocket is a socket that is watched; or one that was and whose poll is
// still under way, which leaves it with the descriptor -1; or one of the free
// ones.
type wepollSocket struct {
	poll   afdPoll
	id     uintptr // position in all groups together, plus one
	device windows.Handle

	fd        int
	base      windows.Handle
	want      Interest
	asked     uint32 // what the poll under way asks for, zero if there is none
	cancelled bool   // the poll under way was asked to end
	queued    bool   // is in wepoll.stale
}

// openWepolls keeps every wepoll reachable until it is closed, even if its user
// forgets it, because the kernel may write to the memory of its groups.
var openWepolls sync.Map

func openWepoll(o Options) (Poller, error) {
	if err := sysio.StartWinsock(); err != nil {
		return nil, os.NewSyscallError("WSAStartup", err)
	}
	port, err := windows.CreateIoCompletionPort(windows.InvalidHandle, 0, 0, uint32(max(o.CPUs, 0)))
	if err != nil {
		return nil, os.NewSyscallError("CreateIoCompletionPort", err)
	}
	w := &wepoll{
		port:    port,
		packets: make([]packet, minPackets),
		sockets: make(map[int]*wepollSocket),
	}
	if err := w.addGroup(); err != nil { // a system without AFD should fail here
		windows.CloseHandle(port)
		return nil, err
	}
	openWepolls.Store(w, nil)
	return w, nil
}

func (w *wepoll) Method() *Method { return &wepollMethod }

// Update begins to poll a new socket at once, so that an error reaches the
// caller. Later changes are left to Flush, where many cost no more than one.
func (w *wepoll) Update(fd int, old, new Interest) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sockets[fd]
	if s != nil && (old == 0 || new == 0) {
		// With old zero, s is a socket that was closed and whose number is
		// used again: its poll would never tell of the new one.
		w.drop(s)
		s = nil
	}
	switch {
	case new == 0:
		return nil
	case s == nil:
		return w.add(fd, new)
	default:
		s.want = new
		w.queue(s)
		return nil
	}
}

func (w *wepoll) add(fd int, want Interest) error {
	base, err := baseSocket(windows.Handle(fd))
	if err != nil {
		return opError("wepoll add", fd, err)
	}
	if len(w.free) == 0 {
		if err := w.addGroup(); err != nil {
			return opError("wepoll add", fd, err)
		}
	}
	s := w.free[len(w.free)-1]
	w.free = w.free[:len(w.free)-1]
	s.fd, s.base, s.want = fd, base, want
	w.sockets[fd] = s
	if err := w.arm(s); err != nil {
		w.drop(s)
		return opError("wepoll add", fd, err)
	}
	return nil
}

func (w *wepoll) addGroup() error {
	device, err := openAFD(w.port)
	if err != nil {
		return err
	}
	g := &wepollGroup{device: device}
	for i := range g.sockets {
		s := &g.sockets[i]
		s.id = uintptr(len(w.groups)*wepollGroupSize + i + 1)
		s.device = device
		s.fd = -1
		w.free = append(w.free, s)
	}
	w.groups = append(w.groups, g)
	return nil
}

// drop forgets a socket. It can be used for another one once no poll is under
// way. Nothing depends on the cancellation: without it the poll ends when the
// socket is closed.
func (w *wepoll) drop(s *wepollSocket) {
	delete(w.sockets, s.fd)
	s.fd = -1
	switch {
	case s.asked == 0:
		w.free = append(w.free, s)
	case !s.cancelled:
		s.cancelled = s.poll.cancel(s.device) == nil
	}
}

// queue has Flush look after a socket.
func (w *wepoll) queue(s *wepollSocket) {
	if !s.queued {
		s.queued = true
		w.stale = append(w.stale, s)
	}
}

func (w *wepoll) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var failure error
	stale := w.stale
	w.stale = w.stale[:0]
	for _, s := range stale {
		s.queued = false
		if s.fd == -1 {
			continue // dropped since
		}
		switch err := w.arm(s); err {
		case nil:
		case windows.WSAENOTSOCK: // closed: nothing is watched
			w.drop(s)
		default:
			failure = opError("wepoll poll", s.fd, err)
			w.queue(s) // the next Flush tries again
		}
	}
	return failure
}

// arm sees to it that the poll under way asks for all that is wanted. It may
// ask for more: what is found beyond is passed over.
func (w *wepoll) arm(s *wepollSocket) error {
	events := afdEvents(s.want)
	switch {
	case s.asked == 0:
		if err := s.poll.submit(s.device, s.base, events, s.id); err != nil {
			return err
		}
		s.asked = events
		w.polling++
	case events&^s.asked != 0 && !s.cancelled:
		// The new poll begins when the packet of the old one has come.
		if err := s.poll.cancel(s.device); err != nil {
			return err
		}
		s.cancelled = true
	}
	return nil
}

func (w *wepoll) Wait(deadline Deadline, events []Event) (ready []Event, yielded bool, err error) {
	yielded = deadline != Now
	if yielded {
		deadline.yield()
	}
	n, err := takePackets(w.port, w.packets, clampMillis(deadline.left()))
	if err != nil {
		return events, yielded, err
	}
	w.mu.Lock()
	for i := range w.packets[:n] {
		events = w.complete(&w.packets[i], events)
	}
	w.mu.Unlock()
	if n == len(w.packets) && n < maxPackets {
		w.packets = make([]packet, 2*n)
	}
	return events, yielded, nil
}

// complete handles a packet and appends what it tells to events.
func (w *wepoll) complete(p *packet, events []Event) []Event {
	if p.key == wakeKey {
		w.woken.Swap(false) // a swap, to see what was done before the Wake
		return events
	}
	i := int(p.id - 1)
	s := &w.groups[i/wepollGroupSize].sockets[i%wepollGroupSize]
	s.asked, s.cancelled = 0, false
	w.polling--
	if s.fd == -1 {
		w.free = append(w.free, s)
		return events
	}
	found, err := s.poll.result()
	if found&afdLocalClose != 0 {
		w.drop(s)
		return events
	}
	w.queue(s)
	ready := afdReady(found)
	if err != nil {
		ready = Conditions // the owner will meet the error too
	}
	if ready &= s.want; ready != 0 {
		events = append(events, Event{FD: s.fd, Ready: ready})
	}
	return events
}

func (w *wepoll) Wake() error {
	if w.woken.Swap(true) {
		return nil // the packet of an earlier Wake is in the queue
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	if err := windows.PostQueuedCompletionStatus(w.port, 0, wakeKey, nil); err != nil {
		w.woken.Store(false)
		return os.NewSyscallError("PostQueuedCompletionStatus", err)
	}
	return nil
}

// Close ends all polls and waits for their packets, because until then the
// kernel may write to the memory of the groups.
func (w *wepoll) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	for _, g := range w.groups {
		if err := cancelIO(g.device, nil); err != nil {
			return os.NewSyscallError("NtCancelIoFileEx", err)
		}
	}
	for w.polling > 0 {
		n, err := takePackets(w.port, w.packets, -1)
		if err != nil {
			return err
		}
		for i := range w.packets[:n] {
			w.complete(&w.packets[i], nil)
		}
	}
	openWepolls.Delete(w)
	for _, g := range w.groups {
		windows.CloseHandle(g.device)
	}
	return os.NewSyscallError("CloseHandle", windows.CloseHandle(w.port))
}

// afdEvents returns what to ask the driver for. The end of a connection and
// of the socket itself are always of interest.
func afdEvents(in Interest) uint32 {
	events := uint32(afdAbort | afdConnectFail | afdLocalClose)
	if in&Read != 0 {
		events |= afdReceive | afdAccept | afdDisconnect
	}
	if in&Write != 0 {
		events |= afdSend
	}
	if in&Closed != 0 {
		events |= afdDisconnect
	}
	return events
}

// afdReady makes an error ready in every way: whichever condition is watched,
// its owner must learn of it.
func afdReady(events uint32) Interest {
	if events&(afdAbort|afdConnectFail) != 0 {
		return Conditions
	}
	var in Interest
	if events&(afdReceive|afdAccept) != 0 {
		in |= Read
	}
	if events&afdSend != 0 {
		in |= Write
	}
	if events&afdDisconnect != 0 {
		in |= Read | Closed
	}
	return in
}
