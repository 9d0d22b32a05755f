package bufferevent

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// attemptDelay is how long an address has to answer before the next one is
// tried beside it (RFC 8305 section 5).
const attemptDelay = 250 * time.Millisecond

// A race connects to several addresses of a host, and its first connection
// becomes that of the bufferevent.
type race struct {
	socket   *socket
	addrs    []netip.AddrPort // not tried yet
	running  []*attempt
	next     event.Event // when the next address is tried
	deadline event.Event // the timeout for writing
	failure  error       // of the first address, which is the one to be preferred
}

// An attempt is a socket that is being connected.
type attempt struct {
	race *race
	fd   int
	addr netip.AddrPort
	done event.Event
}

// startRace begins to connect to one of the addresses. The error says that none
// could even be tried.
func (s *socket) startRace(addrs []evutil.AddrInfo) error {
	b := &s.bev
	r := &race{socket: s, addrs: interleave(addrs)}
	r.next.Data, r.deadline.Data = r, r
	if err := r.next.Assign(b.base, -1, event.Finalize, onNextAttempt); err != nil {
		return err
	}
	if err := r.deadline.Assign(b.base, -1, event.Finalize, onRaceTimeout); err != nil {
		return err
	}
	s.connecting = &connecting{race: r}
	r.restartDeadline()
	r.tryNext()
	if len(r.running) > 0 {
		return nil
	}
	r.end()
	s.connecting = nil
	return r.failure
}

// restartDeadline begins the timeout for writing anew, or ends it if there is
// none any more.
func (r *race) restartDeadline() {
	if timeout := r.socket.control().WriteTimeout(); timeout > 0 {
		r.deadline.AddTimeout(timeout)
	} else {
		r.deadline.Del()
	}
}

// interleave orders addresses so that families take turns, beginning with that
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

// tryNext tries addresses until there is one that may answer, and starts the
// time that it has for that.
func (r *race) tryNext() {
	for len(r.addrs) > 0 {
		addr := r.addrs[0]
		r.addrs = r.addrs[1:]
		if err := r.try(addr); err != nil {
			r.fail(addr, err)
			continue
		}
		if len(r.addrs) > 0 {
			r.next.AddTimeout(attemptDelay)
		}
		return
	}
}

func (r *race) fail(addr netip.AddrPort, err error) {
	if r.failure == nil {
		r.failure = fmt.Errorf("connect %v: %w", addr, err)
	}
}

func (r *race) try(addr netip.AddrPort) error {
	sa, err := evutil.AddrPortToSockaddr(addr)
	if err != nil {
		return err
	}
	fd, err := r.socket.newSocket(familyOf(addr.Addr()))
	if err != nil {
		return err
	}
	a := &attempt{race: r, fd: fd, addr: addr}
	a.done.Data = a
	done, err := sysio.StartConnect(fd, sa)
	if err == nil {
		err = a.done.Assign(r.socket.bev.base, fd, event.Write|event.Finalize, onAttempt)
	}
	if err == nil && done {
		a.done.Activate(event.Write) // the loop tells
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

// onNextAttempt is the callback of a race that goes on too long.
func onNextAttempt(ev *event.Event, _ event.What) {
	r := ev.Data.(*race)
	if r.begin() {
		r.tryNext()
		r.socket.bev.end()
	}
}

// begin is Begin for a race that has not ended.
func (r *race) begin() bool {
	b := &r.socket.bev
	if !b.begin() {
		return false
	}
	if k := r.socket.connecting; k != nil && k.race == r {
		return true
	}
	b.end()
	return false
}

// onAttempt is the callback of a socket that is connected, or not.
func onAttempt(ev *event.Event, _ event.What) {
	a := ev.Data.(*attempt)
	if a.race.begin() {
		a.race.ended(a, evutil.SocketError(a.fd))
		a.race.socket.bev.end()
	}
}

// ended is called with the result of an attempt.
func (r *race) ended(a *attempt, err error) {
	for i, other := range r.running {
		if other == a {
			r.running = append(r.running[:i], r.running[i+1:]...)
			break
		}
	}
	if err == nil {
		r.win(a)
		return
	}
	a.done.Free()
	sysio.CloseSocket(a.fd)
	r.fail(a.addr, err)
	r.next.Del()
	r.tryNext()
	if len(r.running) == 0 {
		r.end()
		r.socket.connecting = nil
		r.socket.control().Event(EventError, r.failure)
	}
}

// win makes the socket of an attempt that of the bufferevent.
func (r *race) win(a *attempt) {
	s := r.socket
	b, c := &s.bev, s.control()
	a.done.Free()
	r.end()
	s.connecting = nil
	err := s.replace(a.fd)
	if err == nil && c.Wants(event.Read) {
		err = s.Enable(event.Read)
	}
	if err != nil {
		s.discard(a.fd)
		b.disable(both)
		c.Event(EventError, err)
		return
	}
	s.connected()
}

// onRaceTimeout is the callback of a race that nobody has won in time.
func onRaceTimeout(ev *event.Event, _ event.What) {
	r := ev.Data.(*race)
	if !r.begin() {
		return
	}
	s := r.socket
	r.end()
	s.connecting = nil
	s.bev.disable(event.Write)
	s.control().Event(EventTimeout|EventWriting, errTimeout("connect"))
	s.bev.end()
}

// end closes the sockets of the attempts that are under way.
func (r *race) end() {
	r.next.Free()
	r.deadline.Free()
	for _, a := range r.running {
		a.done.Free()
		sysio.CloseSocket(a.fd)
	}
	r.running, r.addrs = nil, nil
}
