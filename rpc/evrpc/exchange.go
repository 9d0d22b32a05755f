package evrpc

import (
	"bytes"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An Exchange is what a call is on either side: what hooks get to see, where it is called
// ctx in C. [ServerCall] and [ClientCall] are exchanges. It belongs to the goroutine of the
// loop.
type Exchange struct {
	// Data is for the user.
	Data any

	name string
	http *evhttp.Request
	conn *evhttp.Conn
	side side
	meta []metaEntry

	ahead  []*Hook          // hooks to be called
	body   *evbuffer.Buffer // that they get
	paused bool             // by a hook
	run    uint             // changes when the call has ended

	list       *exchangeList // that has it, or nil
	prev, next *Exchange     // there
}

// A side is what knows how an exchange goes on.
type side interface {
	// passedHooks is called when a message has passed all hooks, or one has terminated it.
	passedHooks(ok bool) error
	// pausedByHook is called when a hook has paused.
	pausedByHook()
	// giveUp ends the exchange, which is under way.
	giveUp(cause error)
}

// Name returns the name of the RPC.
func (x *Exchange) Name() string { return x.name }

// HTTP returns the request that carries the call: header fields in both directions, the peer.
// On a client its answer can be looked at in the callback of the call, too. What the call
// needs of it, its callbacks and Data, is not for others. It is nil for a call that was
// answered before its handler has returned, once that has (EVRPC_REQUEST_HTTP, http_req of
// struct evrpc_status).
func (x *Exchange) HTTP() *evhttp.Request { return x.http }

// Conn returns the connection that carries the call, or that has, if it was not needed any more.
// It is nil when there was none yet (evrpc_hook_get_connection).
func (x *Exchange) Conn() *evhttp.Conn { return x.conn }

// A metaEntry is what was added for a key.
type metaEntry struct {
	key  string
	data []byte
}

// AddMeta adds a copy of data, which stays on this side: what a hook adds others find, those of the
// other direction included, and the callback. It ends with the call; what was added to a
// client's before it was started is there, too. If there is data for the key already, that stays
// (evrpc_hook_add_meta).
func (x *Exchange) AddMeta(key string, data []byte) {
	x.meta = append(x.meta, metaEntry{key, bytes.Clone(data)})
}

// FindMeta returns what was added first for a key, and whether there is anything
// (evrpc_hook_find_meta).
func (x *Exchange) FindMeta(key string) (data []byte, ok bool) {
	for i := range x.meta {
		if m := &x.meta[i]; m.key == key {
			return m.data, true
		}
	}
	return nil, false
}

// clearMeta removes all.
func (x *Exchange) clearMeta() {
	clear(x.meta)
	x.meta = x.meta[:0]
}

// end notes that the call has ended, wherever it was.
func (x *Exchange) end() {
	x.run++
	x.leaveHooks()
	x.unlink()
}

// An exchangeList is a queue of exchanges, from which any may be taken.
type exchangeList struct {
	first, last *Exchange
	count       int
}

// append adds an exchange that is in no list.
func (l *exchangeList) append(x *Exchange) {
	x.list, x.prev, x.next = l, l.last, nil
	if l.last != nil {
		l.last.next = x
	} else {
		l.first = x
	}
	l.last = x
	l.count++
}

// prepend adds an exchange that is in no list before all others.
func (l *exchangeList) prepend(x *Exchange) {
	x.list, x.prev, x.next = l, nil, l.first
	if l.first != nil {
		l.first.prev = x
	} else {
		l.last = x
	}
	l.first = x
	l.count++
}

// unlink takes an exchange out of its list, if there is one.
func (x *Exchange) unlink() {
	l := x.list
	if l == nil {
		return
	}
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		l.first = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	} else {
		l.last = x.prev
	}
	x.list, x.prev, x.next = nil, nil, nil
	l.count--
}

// giveUpAll ends the exchanges that are in the list now.
func (l *exchangeList) giveUpAll(cause error) {
	for n := l.count; n > 0 && l.first != nil; n-- {
		x := l.first
		x.side.giveUp(cause)
	}
}
