package simulation_test

import (
	"errors"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
)

// Where listeners are.
const (
	listenerPort   = 1000 // and on, each time another one, which no system refuses
	sharedPort     = 200  // of several listeners
	unixPort       = 0    // no port, but a path
	unixListenPath = "/run/listener"
)

// A modelListener is a listener with what is known of it.
type modelListener struct {
	scenario *listenScenario
	base     *listenBase
	listener *listener.Listener
	port     uint16

	enabled, deaf   bool // deaf has no callback
	freed, wasFreed bool
	running         bool // a callback does
	limit           int  // of connections in an iteration, or 0
	iteration       uint64
	count           int // of connections in that iteration
	pause           time.Duration
	failedAt        time.Time // zero, or when it has begun to pause
}

// addListener makes a listener.
func (b *listenBase) addListener(port uint16) {
	s := b.scenario
	l := &modelListener{scenario: s, base: b, port: port, freed: true}
	s.listeners = append(s.listeners, l)
	b.listeners = append(b.listeners, l)
	l.renew()
}

// renew makes the listener of one that was freed. Another may have its path.
func (l *modelListener) renew() {
	s := l.scenario
	flags := listener.CloseOnFree | listener.Reuseable
	if l.port == sharedPort {
		flags |= listener.ReuseablePort
	}
	l.enabled = s.rand.IntN(5) > 0
	if !l.enabled {
		flags |= listener.Disabled
	}
	var backlog = listener.DefaultBacklog
	if s.rand.IntN(3) == 0 {
		backlog = 1 + s.rand.IntN(4)
	}
	if l.port != sharedPort && l.port != unixPort {
		l.port = s.port
		s.port++
	}
	var err error
	if l.port == unixPort {
		l.listener, err = listener.NewUnix(l.base.base, unixListenPath, flags, backlog, l.accept)
	} else {
		l.listener, err = listener.NewBind(l.base.base, s.server.AddrPort(l.port), flags, backlog, l.accept)
	}
	if err != nil {
		s.world.Note("listen: %v", err)
		if !s.scarce() {
			s.world.Failf("listen: %v", err)
		}
		l.wasFreed = true
		return
	}
	l.listener.SetErrorCallback(l.fail)
	l.freed, l.deaf, l.limit, l.pause, l.failedAt = false, false, 0, listener.DefaultPause, time.Time{}
	if at := l.listener.AddrPort(); l.port != unixPort && at != s.server.AddrPort(l.port) {
		s.world.Failf("the address of a listener is %v", at)
	}
}

// enter is the beginning of each callback.
func (l *modelListener) enter(which *listener.Listener) {
	s := l.scenario
	switch {
	case l.freed:
		s.world.Failf("a listener that was freed calls back")
	case which != l.listener:
		s.world.Failf("another listener calls back")
	case l.running:
		s.world.Failf("a callback of a listener is called within another")
	case !l.enabled || l.deaf:
		s.world.Failf("a listener calls back that is disabled, or has no callback")
	case !l.failedAt.IsZero() && time.Since(l.failedAt) < l.pause:
		s.world.Failf("a listener that pauses for %v calls back after %v", l.pause, time.Since(l.failedAt))
	}
	l.running = true
}

// accept is the callback.
func (l *modelListener) accept(which *listener.Listener, fd int, peer netip.AddrPort) {
	s := l.scenario
	l.enter(which)
	defer func() { l.running = false }()
	l.failedAt = time.Time{}
	if l.iteration != l.base.iterations {
		l.iteration, l.count = l.base.iterations, 0
	}
	limit := l.limit
	if limit == 0 { // its share of what the loop has to do
		limit = max(listener.DefaultAcceptLimit, l.base.base.NumReady())
	}
	if l.count++; l.count > limit {
		s.world.Failf("%d connections were accepted at a time, the limit is %d", l.count, limit)
	}
	l.checkPeer(peer)
	b, err := bufferevent.NewSocket(l.base.base, fd, bufferevent.CloseOnFree)
	if err != nil {
		s.world.Failf("new socket: %v", err)
		return
	}
	l.base.serve(b)
	if !s.recovering && s.rand.IntN(12) == 0 {
		l.base.operate()
	}
}

func (l *modelListener) checkPeer(peer netip.AddrPort) {
	s := l.scenario
	if l.port == unixPort {
		if peer.IsValid() {
			s.world.Failf("the peer of a Unix socket is %v", peer)
		}
		return
	}
	known := false
	for _, c := range s.clients {
		known = known || peer.Addr() == c.Addr()
	}
	if !known || peer.Port() == 0 {
		s.world.Failf("the peer of a connection is %v", peer)
	}
}

// serve sends a byte, holds the connection for a while, and ends it.
func (lb *listenBase) serve(b *bufferevent.Bufferevent) {
	s := lb.scenario
	s.held++
	if _, err := b.WriteString("x"); err != nil {
		s.world.Failf("write: %v", err)
	}
	over := false
	var timer *event.Event
	end := func() {
		if over {
			return
		}
		over = true
		timer.Free()
		b.FreeWhenWrittenFunc(time.Minute, func(error) { s.held-- })
	}
	timer = lb.base.NewTimer(func(*event.Event, event.What) { end() })
	if err := timer.AddTimeout(time.Duration(s.rand.IntN(2)*s.rand.IntN(3000)) * time.Millisecond); err != nil {
		s.world.Failf("add: %v", err)
	}
	b.SetCallbacks(nil, nil, func(*bufferevent.Bufferevent, bufferevent.Events) { end() })
	if err := b.Enable(event.Read); err != nil {
		s.world.Failf("enable: %v", err)
	}
}

// fail is the error callback.
func (l *modelListener) fail(which *listener.Listener, err error) {
	s := l.scenario
	l.enter(which)
	defer func() { l.running = false }()
	s.world.Note("%v", err)
	if !s.scarce() {
		s.world.Failf("a listener cannot accept, for no reason: %v", err)
	}
	l.failedAt = time.Now()
	if !s.recovering && s.rand.IntN(4) == 0 {
		l.base.operate()
	}
}

// again notes that the listener tries again without regard to its pause.
func (l *modelListener) again(err error) {
	l.failedAt = time.Time{}
	if err != nil {
		l.scenario.world.Failf("change a listener: %v", err)
	}
}

func (l *modelListener) enable() {
	if l.running && l.failedAt != (time.Time{}) {
		return // it would be called again at once, with nothing changed
	}
	l.enabled = true
	l.again(l.listener.Enable())
}

func (l *modelListener) disable() {
	l.enabled = false
	l.again(l.listener.Disable())
}

func (l *modelListener) setCallback() {
	if l.running && l.failedAt != (time.Time{}) {
		return
	}
	l.deaf = false
	l.again(l.listener.SetCallback(l.accept))
}

func (l *modelListener) loseCallback() {
	l.deaf = true
	l.again(l.listener.SetCallback(nil))
}

func (l *modelListener) setLimit() {
	limit := 1 + l.scenario.rand.IntN(4)
	if l.running {
		return // the present iteration has another one
	}
	l.limit = limit
	if err := l.listener.SetAcceptLimit(limit); err != nil {
		l.scenario.world.Failf("set accept limit: %v", err)
	}
	if err := l.listener.SetAcceptLimit(0); !errors.Is(err, listener.ErrRange) {
		l.scenario.world.Failf("an accept limit of zero: %v", err)
	}
}

func (l *modelListener) setPause() {
	if !l.failedAt.IsZero() {
		return // the pause that has begun is another one
	}
	l.pause = time.Duration(1+l.scenario.rand.IntN(2000)) * time.Millisecond
	if err := l.listener.SetPause(l.pause); err != nil {
		l.scenario.world.Failf("set pause: %v", err)
	}
}

func (l *modelListener) free() {
	l.scenario.freed++
	l.freed, l.wasFreed = true, true
	l.listener.Free()
	if err := l.listener.Enable(); !errors.Is(err, listener.ErrFreed) {
		l.scenario.world.Failf("a listener that was freed can be enabled: %v", err)
	}
	if l.listener.Addr() != nil {
		l.scenario.world.Failf("a listener that was freed has the address %v", l.listener.Addr())
	}
}

func (l *modelListener) look() {
	s := l.scenario
	switch {
	case l.listener.Base() != l.base.base || l.listener.FD() < 0:
		s.world.Failf("a listener has another base, or the descriptor %d", l.listener.FD())
	case !errors.Is(l.listener.CloseNow(), listener.ErrLoopGoesOn):
		s.world.Failf("CloseNow closes the socket of a loop that goes on")
	}
}
