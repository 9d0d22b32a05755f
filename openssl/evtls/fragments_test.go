package evtls_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"strconv"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// talkScript sends a word, wants it back, and ends properly.
func talkScript(c *tls.Conn) error {
	const word = "a word of the peer's"
	if _, err := c.Write([]byte(word)); err != nil {
		return err
	}
	p := make([]byte, len(word))
	if _, err := io.ReadFull(c, p); err != nil {
		return err
	}
	if string(p) != word {
		return fmt.Errorf("echo is %q", p)
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		return fmt.Errorf("%q, %v instead of the end", rest, err)
	}
	return nil
}

// echoing makes ours send back what it reads, and end when the peer does.
func (e *end) echoing() {
	e.b.SetCallbacks(func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }, nil, e.onEvent)
	e.react = func(what bufferevent.Events) {
		if what&bufferevent.EventEOF != 0 {
			e.b.CloseWrite()
		}
	}
}

// eachSide runs a test for both roles and versions.
func eachSide(t *testing.T, test func(t *testing.T, state evtls.State, version uint16)) {
	for _, state := range []evtls.State{evtls.Connecting, evtls.Accepting} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(fmt.Sprintf("%v %s", state, tls.VersionName(version)), func(t *testing.T) { test(t, state, version) })
		}
	}
}

// echoLine makes a line whose end of ours echoes.
func echoLine(t testing.TB, base *event.Base, state evtls.State, version uint16) *line {
	l := newLine(t, base, state, &evtls.Config{TLS: sideTLS(state, version)}, sideTLS(otherSide(state), version), talkScript)
	l.ours.echoing()
	return l
}

// wantTalk fails the test unless the conversation has come to its end.
func (l *line) wantTalk() {
	l.t.Helper()
	if !l.peer.done || l.peer.err != nil {
		l.t.Fatalf("peer: done %t, error %v; ours %v", l.peer.done, l.peer.err, l.ours.errs)
	}
	l.ours.want(l.t, connected, eof)
}

// Handshake and data come one byte at a time.
func TestEveryByteAlone(t *testing.T) {
	eachSide(t, func(t *testing.T, state evtls.State, version uint16) {
		base := newBase(t)
		l := echoLine(t, base, state, version)
		l.deliver = func(data []byte) {
			for i := range data {
				l.put(data[i : i+1])
			}
		}
		l.run()
		l.wantTalk()
	})
}

// Handshake and data come in two pieces, cut at each byte there is.
func TestEveryByteBoundary(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 37
	}
	eachSide(t, func(t *testing.T, state evtls.State, version uint16) {
		base := newBase(t)
		for cut, past := 1, false; !past; cut += step {
			seen := 0
			l := echoLine(t, base, state, version)
			l.deliver = func(data []byte) {
				if n := cut - seen; n > 0 && n < len(data) {
					l.put(data[:n])
					l.put(data[n:])
				} else {
					l.put(data)
				}
				seen += len(data)
			}
			l.run()
			l.wantTalk()
			past = cut >= seen
			l.ours.b.Free()
			l.wire.Free()
		}
	})
}

// fuzzLine lets a conversation happen in pieces and with changed bytes, and fails
// if it does not come to an end of which ours is told once.
func fuzzLine(t *testing.T, side uint8, pieces []byte, at uint16, flip uint8) {
	base := newBase(t)
	states := []evtls.State{evtls.Connecting, evtls.Accepting}
	l := echoLine(t, base, states[side&1], []uint16{tls.VersionTLS12, tls.VersionTLS13}[side>>1&1])
	next, seen := 0, 0
	l.deliver = func(data []byte) {
		if i := int(at) - seen; flip != 0 && i >= 0 && i < len(data) {
			data[i] ^= flip
		}
		seen += len(data)
		for len(data) > 0 {
			n := len(data)
			if len(pieces) > 0 {
				n = min(n, 1+int(pieces[next%len(pieces)]))
				next++
			}
			l.put(data[:n])
			data = data[n:]
		}
	}
	l.run()
	if flip == 0 || int(at) >= seen {
		l.wantTalk()
		return
	}
	l.cutOff()
	l.run()
	ends := 0
	for _, e := range l.ours.events {
		if e != connected {
			ends++
		}
	}
	if ends != 1 || len(l.ours.errs) > 1 {
		t.Fatalf("events %q, errors %v; want one end", l.ours.events, l.ours.errs)
	}
}

// FuzzPieces cuts the stream at random.
func FuzzPieces(f *testing.F) {
	for side := range uint8(4) {
		f.Add(side, []byte{0})
		f.Add(side, []byte{4, 0, 200})
	}
	f.Fuzz(func(t *testing.T, side uint8, pieces []byte) { fuzzLine(t, side, pieces, 0, 0) })
}

// FuzzCorruption changes bytes besides.
func FuzzCorruption(f *testing.F) {
	for side := range uint8(4) {
		for _, at := range []uint16{0, 1, 3, 4, 5, 9, 60, 300, 700} {
			f.Add(side, []byte{}, at, uint8(0x80))
			f.Add(side, []byte{6}, at, uint8(1))
		}
	}
	f.Fuzz(fuzzLine)
}

// Each byte of the stream is wrong in turn: there is an end, and one only.
func TestEveryByteCorrupted(t *testing.T) {
	step := 3
	if testing.Short() {
		step = 61
	}
	eachSide(t, func(t *testing.T, state evtls.State, version uint16) {
		side := uint8(state - evtls.Connecting)
		if version == tls.VersionTLS13 {
			side |= 2
		}
		for at := 0; at < 1000; at += step {
			t.Run(strconv.Itoa(at), func(t *testing.T) { fuzzLine(t, side, nil, uint16(at), 0x10) })
		}
	})
}
