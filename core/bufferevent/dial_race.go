package bufferevent

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// attemptDelay is the time after which the next address is tried beside one that has
// not answered (RFC 8305 section 5).
const attemptDelay = 250 * time.Millisecond

// A race connects to several addresses of a host at a time (RFC 8305), and its first
// connection becomes that of the socket. Each attempt is a descriptor of its own.
type race struct {
	dialer   *dialer
	addrs    []netip.AddrPort // not tried yet
	running  []*attempt
	next     event.Event // when the next address is tried
	deadline event.Event // the timeout for writing
	failure  error       // of the first address, which is the preferred one
}

// An attempt is a descriptor that is being connected.
type attempt struct {
	race *race
	fd   int
	addr netip.AddrPort
	done event.Event
}

// startRace begins to connect to the addresses. The error is of the first one, if
// none could even be tried.
func (d *dialer) startRace(addrs []evutil.AddrInfo) error {
	base := d.socket.bev.base
	r := &race{dialer: d, addrs: interleave(addrs)}
	r.next.Data, r.deadline.Data = r, r
	if err := r.next.Assign(base, -1, event.Finalize, onNextAttempt); err != nil {
		return err
	}
	if err := r.deadline.Assign(base, -1, event.Finalize, onRaceTimeout); err != nil {
		return err
	}
	d.state, d.race = dialRacing, r
	r.restartDeadline()
	r.tryNext()
	if len(r.running) == 0 {
		return r.failure // the caller ends the dialer
	}
	return nil
}

// restartDeadline starts the timeout for writing anew, or ends it if there is none
// any more.
func (r *race) restartDeadline() {
	if timeout := r.dialer.socket.bev.timeoutForWriting(); timeout > 0 {
		r.deadline.AddTimeout(timeout)
	} else {
		r.deadline.Del()
	}
}

// interleave orders addresses so that the families alternate, beginning with that
// of the first, and keeps their order otherwise (RFC 8305 section 4).
func interleave(addrs []evutil.AddrInfo) []netip.AddrPort {
	var lists [2][]netip.AddrPort
	for _, a := range addrs {
		list := 0
		if a.Family != addrs[0].Family {
			list = 1
		}
		lists[list] = append(lists[list], a.Addr)
	}
	var order []netip.AddrPort
	for i := range max(len(lists[0]), len(lists[1])) {
		for _, list := range lists {
			if i < len(list) {
				order = append(order, list[i])
			}
		}
	}
	return order
}

// tryNext starts an attempt with the next address, or with the first after it that
// does not fail at once, and the time after which it is followed by another one.
func (r *race) tryNext() {
	for len(r.addrs) > 0 {
		addr := r.addrs[0]
		r.addrs = r.addrs[1:]
		if err := r.try(addr); err != nil {
			r.noteFailure(addr, err)
			continue
		}
		if len(r.addrs) > 0 {
			r.next.AddTimeout(attemptDelay)
		}
		return
	}
}

// noteFailure keeps the error of the first address.
func (r *race) noteFailure(addr netip.AddrPort, err error) {
	if r.failure == nil {
		r.failure = fmt.Errorf("connect %v: %w", addr, err)
	}
}

// try starts an attempt.
func (r *race) try(addr netip.AddrPort) error {
	s := r.dialer.socket
	sa, err := evutil.AddrPortToSockaddr(addr)
	if err != nil {
		return err
	}
	fd, err := s.newSocket(familyOf(addr.Addr()))
	if err != nil {
		return err
	}
	a := &attempt{race: r, fd: fd, addr: addr}
	a.done.Data = a
	done, err := sysio.StartConnect(fd, sa)
	if err == nil {
		err = a.done.Assign(s.bev.base, fd, event.Write|event.Finalize, onAttempt)
	}
	if err == nil && done {
		a.done.Activate(event.Write) // reported by the loop as well
	} else if err == nil {
		err = a.done.Add()
	}
	if err != nil {
		sysio.CloseSocket(fd)
		return err
	}
	r.running = append(r.running, a)
	return nil
}

// enter begins a callback of the race. It takes the lock and a reference and returns
// true, which leave undoes, or nothing and false if the race has ended.
func (r *race) enter() bool {
	d := r.dialer
	if !d.socket.bev.begin() {
		return false
	}
	if d.socket.dialer == d && d.state == dialRacing {
		return true
	}
	d.socket.bev.end()
	return false
}

func (r *race) leave() { r.dialer.socket.bev.end() }

// onNextAttempt is the callback of the timer for the next address.
func onNextAttempt(ev *event.Event, _ event.What) {
	if r := ev.Data.(*race); r.enter() {
		r.tryNext()
		r.leave()
	}
}

// onAttempt is the callback of an attempt whose outcome the kernel knows.
func onAttempt(ev *event.Event, _ event.What) {
	if a := ev.Data.(*attempt); a.race.enter() {
		a.race.finish(a, evutil.SocketError(a.fd))
		a.race.leave()
	}
}

// onRaceTimeout is the callback of the deadline.
func onRaceTimeout(ev *event.Event, _ event.What) {
	if r := ev.Data.(*race); r.enter() {
		r.dialer.fail(EventTimeout|EventWriting, errTimeout("connect"))
		r.leave()
	}
}

// finish ends an attempt: the race is over if it has succeeded or was the last one.
func (r *race) finish(a *attempt, err error) {
	i := slices.Index(r.running, a)
	r.running = slices.Delete(r.running, i, i+1)
	a.done.Free()
	if err == nil {
		r.win(a.fd)
		return
	}
	sysio.CloseSocket(a.fd)
	r.noteFailure(a.addr, err)
	r.next.Del()
	r.tryNext()
	if len(r.running) == 0 {
		r.dialer.fail(EventError, r.failure)
	}
}

// win makes the descriptor of an attempt that of the socket.
func (r *race) win(fd int) {
	d := r.dialer
	s := d.socket
	b := &s.bev
	d.end()
	err := s.replace(fd)
	if err == nil && b.wants(event.Read) {
		err = s.Enable(event.Read)
	}
	if err != nil {
		s.discard(fd)
		b.disable(both)
		b.report(EventError, err, 0)
		return
	}
	d.succeed()
}

// end closes the descriptors of all attempts.
func (r *race) end() {
	r.next.Free()
	r.deadline.Free()
	for _, a := range r.running {
		a.done.Free()
		sysio.CloseSocket(a.fd)
	}
	r.running, r.addrs = nil, nil
}
