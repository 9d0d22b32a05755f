package evdns

import "github.com/go-libevent/libevent/core/event"

// keepalive decides whether the resolver keeps the loop from ending. Without
// DisableWhenInactive it does while it has nameservers. With DisableWhenInactive it
// does while it has requests; without any, probes are postponed and nothing is read.
type keepalive struct {
	onlyActive bool // DisableWhenInactive
	holding    bool // the event base has a virtual event
	active     bool // there were requests at the end of the last iteration
}

// runnable reports whether the resolver may have events in the loop.
func (k *keepalive) runnable() bool { return k.active || !k.onlyActive }

// hold adds or removes the virtual event of the base.
func (k *keepalive) hold(base *event.Base, haveServers bool) {
	want := haveServers && !k.onlyActive
	switch {
	case want && !k.holding:
		base.AddVirtual()
	case !want && k.holding:
		base.DelVirtual()
	}
	k.holding = want
}

// resume restarts probes when there are requests again.
func (b *Base) resume() {
	if b.keepalive.active || !b.requests.haveUsers() {
		return
	}
	b.keepalive.active = true
	b.servers.resumeProbes()
}

// pause postpones probes and stops reading when there are no requests and the loop
// may end.
func (b *Base) pause() {
	if !b.keepalive.active || b.requests.haveUsers() || !b.keepalive.onlyActive {
		return
	}
	b.keepalive.active = false
	b.servers.pauseProbes()
}
