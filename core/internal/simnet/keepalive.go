package simnet

import (
	"time"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// What Linux does unless options say otherwise: after two hours of silence it asks the
// peer, nine times at most, every 75 seconds.
const (
	keepIdle     = 7200 * time.Second
	keepInterval = 75 * time.Second
	keepCount    = 9
)

// keepTimes returns what the options of the socket say about keep-alive.
func (o *options) keepTimes() (idle, interval time.Duration, count int) {
	idle, interval, count = keepIdle, keepInterval, keepCount
	if o.idle > 0 {
		idle = time.Duration(o.idle) * time.Second
	}
	if o.interval > 0 {
		interval = time.Duration(o.interval) * time.Second
	}
	if o.count > 0 {
		count = o.count
	}
	return idle, interval, count
}

// watchSilence begins to watch a connection with keep-alive, or ends it if the socket
// does not have it any more. Within a host there is nothing to find out.
func (s *stream) watchSilence() {
	n := s.network
	if s.out == nil || s.out.link == nil || s.state != streamConnected || s.closed || !s.options.keepAlive {
		n.queue.stop(&s.silence)
		return
	}
	idle, _, _ := s.options.keepTimes()
	s.silence.fire = s.askPeer
	n.plan(&s.silence, s.heard+int64(idle))
}

// askPeer is called when the peer may have been silent for long.
func (s *stream) askPeer() {
	n := s.network
	idle, interval, count := s.options.keepTimes()
	peer := s.out.to
	switch {
	case s.state != streamConnected:
	case n.now() < s.heard+int64(idle): // something has arrived meanwhile
		s.asked = 0
		n.plan(&s.silence, s.heard+int64(idle))
	case s.out.link.passes() && s.in.link.passes():
		if peer.state == streamEnded {
			s.drop(sysio.ErrReset)
			return
		}
		s.heard, s.asked = n.now(), 0
		n.plan(&s.silence, s.heard+int64(idle))
	case s.asked == count:
		s.drop(sysio.ErrTimedOut)
	default:
		s.asked++
		n.plan(&s.silence, n.now()+int64(interval))
	}
}
