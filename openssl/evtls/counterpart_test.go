package evtls_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A counterpart is crypto/tls itself, at the other end, doing what a script says.
// It and the test take turns, so that each byte goes over when the test wants it
// to.
type counterpart struct {
	in, out        []byte
	ended          bool // nothing follows what is in in
	resume, paused chan struct{}
	done           bool
	err            error // of the script
}

// newCounterpart starts a script as a client or a server, and returns when it
// wants input. It ends with the test.
func newCounterpart(t testing.TB, state evtls.State, cfg *tls.Config, script func(c *tls.Conn) error) *counterpart {
	p := &counterpart{resume: make(chan struct{}), paused: make(chan struct{})}
	conn := tls.Client(p, cfg)
	if state == evtls.Accepting {
		conn = tls.Server(p, cfg)
	}
	go func() {
		p.err = script(conn)
		p.done = true
		p.paused <- struct{}{}
	}()
	<-p.paused
	t.Cleanup(p.end)
	return p
}

// feed gives it input, and its turn.
func (p *counterpart) feed(data []byte) {
	p.in = append(p.in, data...)
	if !p.done && (len(p.in) > 0 || p.ended) {
		p.resume <- struct{}{}
		<-p.paused
	}
}

// end tells it that nothing more comes, after which the script ends.
func (p *counterpart) end() {
	p.ended = true
	for !p.done {
		p.feed(nil)
	}
}

// take returns what it has sent.
func (p *counterpart) take() []byte {
	data := p.out
	p.out = nil
	return data
}

func (p *counterpart) Read(b []byte) (int, error) {
	for len(p.in) == 0 {
		if p.ended {
			return 0, io.EOF
		}
		p.paused <- struct{}{}
		<-p.resume
	}
	n := copy(b, p.in)
	p.in = p.in[n:]
	return n, nil
}

func (p *counterpart) Write(b []byte) (int, error) {
	p.out = append(p.out, b...)
	return len(b), nil
}

func (p *counterpart) Close() error                     { return nil }
func (p *counterpart) LocalAddr() net.Addr              { return nil }
func (p *counterpart) RemoteAddr() net.Addr             { return nil }
func (p *counterpart) SetDeadline(time.Time) error      { return nil }
func (p *counterpart) SetReadDeadline(time.Time) error  { return nil }
func (p *counterpart) SetWriteDeadline(time.Time) error { return nil }

// A line is an end of ours and a counterpart, with the test between them.
type line struct {
	t    testing.TB
	base *event.Base
	ours *end
	wire *bufferevent.Bufferevent // the other half of the pair that ours is over
	peer *counterpart

	// deliver puts what the counterpart has sent on the wire; nil is at once.
	deliver func(data []byte)
}

// otherSide returns the state of the peer.
func otherSide(state evtls.State) evtls.State {
	if state == evtls.Connecting {
		return evtls.Accepting
	}
	return evtls.Connecting
}

// sideTLS returns a configuration for a side.
func sideTLS(state evtls.State, version uint16) *tls.Config {
	if state == evtls.Connecting {
		return clientTLS(version)
	}
	return serverTLS(version)
}

// newLine makes a line; ours has the given state.
func newLine(t testing.TB, base *event.Base, state evtls.State, ours *evtls.Config, peer *tls.Config, script func(c *tls.Conn) error) *line {
	return newLineOver(t, base, state, ours, peer, script, func(b *bufferevent.Bufferevent) *bufferevent.Bufferevent { return b })
}

// newLineOver makes a line on which ours stands on what stack puts over the pair.
func newLineOver(t testing.TB, base *event.Base, state evtls.State, ours *evtls.Config, peer *tls.Config, script func(c *tls.Conn) error,
	stack func(*bufferevent.Bufferevent) *bufferevent.Bufferevent) *line {
	a, b := newPair(t, base, 0)
	ok(t, b.Enable(event.Read))
	l := &line{t: t, base: base, wire: b, ours: newEnd(t, stack(a), state, ours, 0)}
	l.peer = newCounterpart(t, otherSide(state), peer, script)
	return l
}

// toOurs gives ours what the counterpart has sent, and reports whether that was
// anything.
func (l *line) toOurs() bool {
	data := l.peer.take()
	if l.deliver != nil {
		l.deliver(data)
	} else {
		l.put(data)
	}
	settle(l.t, l.base)
	return len(data) > 0
}

// put puts data on the wire. Ours may be gone.
func (l *line) put(data []byte) {
	if len(data) > 0 {
		l.wire.Write(data)
		settle(l.t, l.base)
	}
}

// toPeer gives the counterpart what ours has sent, and reports whether that was
// anything.
func (l *line) toPeer() bool {
	p := make([]byte, l.wire.Input().Len())
	n, err := l.wire.Input().Remove(p)
	ok(l.t, err)
	if n > 0 {
		l.peer.feed(p[:n])
	}
	return n > 0
}

// run carries data to and fro until none comes any more.
func (l *line) run() {
	settle(l.t, l.base)
	for l.toOurs() || l.toPeer() {
	}
}

// cutOff ends the stream to ours without a word of TLS.
func (l *line) cutOff() {
	if err := l.wire.CloseWrite(); err == nil {
		settle(l.t, l.base)
	}
}
