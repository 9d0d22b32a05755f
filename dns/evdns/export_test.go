package evdns

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// A Line is a resolver with one nameserver, and requests that the nameserver
// could answer, whom nothing else is heard from: for tests that put messages
// straight in.
type Line struct {
	Base *Base
	ch   *channel
}

// NewLine makes a resolver that nothing is sent by.
func NewLine(loop *event.Base) (*Line, error) {
	b, err := NewBase(loop, DisableWhenInactive)
	if err != nil {
		return nil, err
	}
	if err := b.AddNameserverString("127.0.0.1:1"); err != nil {
		return nil, err
	}
	l := &Line{Base: b, ch: new(channel)}
	l.ch.server, l.ch.owner = b.servers.at(0), deadEnd{l.ch}
	return l, nil
}

// Send has a request be sent as if at the end of an iteration, and returns its
// message.
func (l *Line) Send(r *Request) ([]byte, error) {
	b := l.Base
	b.requests.waiting.remove(r)
	r.state, r.server, r.sent = stateInflight, l.ch.server, 1
	b.requests.inflight.insert(r, b.now()+time.Hour)
	if err := b.compose(r, true); err != nil {
		return nil, err
	}
	l.ch.send(r)
	r.setID()
	return r.query, nil
}

// Receive puts a message in.
func (l *Line) Receive(msg []byte) { l.ch.receive(msg, false) }

// Flush has callbacks be called, and whatever else is due.
func (l *Line) Flush() { l.Base.runCallbacks(nil) }

// deadEnd is a channelOwner that carries nothing.
type deadEnd struct{ ch *channel }

func (d deadEnd) flush()               {}
func (d deadEnd) resend(*Request) bool { return true }
func (d deadEnd) onTimeout(*Request)   {}

// Expire has the time pass of all requests that a nameserver has now, as if the
// clock had gone on for no others. It is called by the loop.
func (b *Base) Expire(nameserver netip.AddrPort) {
	late := map[*Request]*channel{}
	for r := b.requests.inflight.first; r != nil; r = r.links.next {
		if r.server.addr == nameserver {
			late[r] = r.via
		}
	}
	for r, via := range late {
		if r.state == stateInflight && r.via == via { // and was not sent again with others
			b.timedOut(r)
		}
	}
	b.scheduleFlush()
}

// EndIteration does at once what the end of the iteration would.
func (b *Base) EndIteration() { b.flush() }

// Backoff is the pause before a probe.
var Backoff = backoff

// SetNotExistSkew sets how long the other family is awaited when there is no such
// name for the first one. The result restores what it was.
func SetNotExistSkew(d time.Duration) (restore func()) {
	old := notExistSkew
	notExistSkew = d
	return func() { notExistSkew = old }
}

// Inflight returns how many requests were sent and not answered.
func (b *Base) Inflight() int { return b.requests.lenInflight() }

// Leftovers says what of requests is left in a resolver, for a test that has seen all
// of them end, or "".
func (b *Base) Leftovers() string {
	q := &b.requests
	if q.users+q.joined+q.questions.n+q.waiting.len()+q.inflight.len() == 0 {
		return ""
	}
	return fmt.Sprintf("%d users, %d joined, %d questions, %d waiting, %d in flight",
		q.users, q.joined, q.questions.n, q.waiting.len(), q.inflight.len())
}

// MaxSeconds is the longest timeout.
const MaxSeconds = maxSeconds

// OptionNames returns the names of all options, sorted.
func OptionNames() []string { return slices.Sorted(maps.Keys(optionTable)) }
