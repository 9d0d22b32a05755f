package event_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceHangup(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"the peer's end is readable", testPeerEnds},
		{"Closed comes without reading what was sent before", testClosedEarly},
		{"Closed and Read are reported together", testClosedAndRead},
		{"Closed does not come from data", testClosedNotFromData},
		{"a persistent Closed event repeats, unless edge-triggered", testClosedRepeats},
		{"a reset connection makes all its events ready", testResetConnection},
		{"a refused connection makes all its events ready", testRefused},
	})
}

func testPeerEnds(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	hangUp(t, w, r)
	var c calls
	addEvent(t, b, r, event.Read, c.note)
	runOnce(t, b)
	c.want(t, event.Read)
	_, eof := readAll(t, r)
	same(t, "end of file", eof, true)
}

func testClosedEarly(t *testing.T, on backend) {
	if !on.has(t, event.FeatureEarlyClose) {
		return
	}
	notUnder(t, "Wine", "a peer's end is noticed only after what it sent was read")
	for name, end := range map[string]func(testing.TB, int, int){"close": hangUp, "shutdown": shutdown} {
		b := on.base(t)
		r, w := socketPair(t)
		send(t, w, r, "unread")
		var c calls
		addEvent(t, b, r, event.Closed, c.note)
		end(t, w, r)
		runOnce(t, b)
		c.want(t, event.Closed)
		data, eof := readAll(t, r)
		same(t, "data after "+name, data, "unread")
		same(t, "end of file after "+name, eof, true)
	}
}

func testClosedAndRead(t *testing.T, on backend) {
	if !on.has(t, event.FeatureEarlyClose) {
		return
	}
	b := on.base(t)
	r, w := socketPair(t)
	shutdown(t, w, r)
	var closed, read, both calls
	addEvent(t, b, r, event.Closed, closed.note)
	addEvent(t, b, r, event.Read, read.note)
	addEvent(t, b, r, event.Read|event.Closed, both.note)
	runOnce(t, b)
	closed.want(t, event.Closed)
	read.want(t, event.Read)
	both.want(t, event.Read|event.Closed)
}

func testClosedNotFromData(t *testing.T, on backend) {
	if !on.has(t, event.FeatureEarlyClose) {
		return
	}
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "data")
	var closed, read calls
	addEvent(t, b, r, event.Closed|event.Persist, closed.note)
	addEvent(t, b, r, event.Read|event.Persist, read.note)
	runOnce(t, b)
	closed.want(t)
	read.want(t, event.Read)
}

func testClosedRepeats(t *testing.T, on backend) {
	if !on.has(t, event.FeatureEarlyClose) {
		return
	}
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	ev := addEvent(t, b, r, event.Closed|event.Persist, c.note)
	shutdown(t, w, r)
	runOnce(t, b)
	runOnce(t, b)
	c.want(t, event.Closed, event.Closed)
	ok(t, ev.Del())

	if !on.has(t, event.FeatureET) {
		return
	}
	var edge calls
	addEvent(t, b, r, event.Closed|event.Persist|event.ET, edge.note)
	runOnce(t, b)
	runReady(t, b)
	edge.want(t, event.Closed|event.ET)
}

func testResetConnection(t *testing.T, on backend) {
	b := on.base(t)
	x, y := socketPair(t)
	send(t, x, y, "never read")
	hangUp(t, y, x) // with unread data this is more than an end of file
	var read, write calls
	addEvent(t, b, x, event.Read, read.note)
	addEvent(t, b, x, event.Write, write.note)
	dispatch(t, b)
	read.want(t, event.Read)
	write.want(t, event.Write)
}

func testRefused(t *testing.T, on backend) {
	for _, what := range []event.What{event.Write, event.Read, event.Read | event.Write} {
		b := on.base(t)
		var c calls
		addEvent(t, b, refusedConnection(t), what, c.note)
		runOnce(t, b)
		c.want(t, what)
	}
}
