package evdns_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

func TestInflightLimit(t *testing.T) {
	const limit, n = 5, 40
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "max-inflight", fmt.Sprint(limit), "timeout", "20")
	// The nameserver answers when it has as many questions as there can be.
	var held []*question
	u.does(func(q *question) {
		held = append(held, q)
		if len(held) == limit {
			for _, q := range held {
				q.good()
			}
			held = nil
		}
	})
	var order []string
	for i := range n {
		name := fmt.Sprintf("n%02d.example", i)
		_, err := b.ResolveIPv4(name, 0, func(_ evdns.Answer, err error) {
			ok(t, err)
			order = append(order, name)
			if max := len(order) + limit + limit - 1; len(u.questions()) > max {
				t.Errorf("%d questions with %d answers", len(u.questions()), len(order))
			}
		})
		ok(t, err)
	}
	dispatch(t, loop)
	if len(order) != n {
		t.Fatalf("%d answers", len(order))
	}
	// Who came first is served first, as far as that can be seen from outside.
	asked := u.questions()
	for i := 0; i < n; i += limit {
		group := slices.Sorted(slices.Values(asked[i : i+limit]))
		if first := fmt.Sprintf("n%02d.example", i); group[0] != first {
			t.Errorf("questions %d to %d are %v", i, i+limit, group)
		}
	}
}

func TestTooManyWait(t *testing.T) {
	loop := newLoop(t)
	b := newResolver(t, loop) // without nameservers all wait
	set(t, b, "max-waiting", "2")
	one, other := start(t, b, "a.example"), start(t, b, "b.example")
	if _, err := b.ResolveIPv4("c.example", 0, one.callback); !errors.Is(err, evdns.ErrTooMany) {
		t.Errorf("error %v", err)
	}
	u := newUpstream(t)
	ok(t, b.AddNameserver(u.addr))
	set(t, b, "max-inflight", "3", "timeout", "20")
	// Now three do not have to wait, and so five is the limit.
	answers := []*answer{one, other}
	for _, name := range []string{"c.example", "d.example", "e.example"} {
		answers = append(answers, start(t, b, name))
	}
	if _, err := b.ResolveIPv4("f.example", 0, one.callback); !errors.Is(err, evdns.ErrTooMany) {
		t.Errorf("error %v", err)
	}
	dispatch(t, loop)
	for _, a := range answers {
		a.want(t, "192.0.2.1")
	}
}

// A stage is a state that a request can be in.
type stage struct {
	name string
	// reach brings the request there, and calls then from a callback of the
	// loop's.
	reach func(f *stageFixture, then func())
	// asked is how many questions the nameserver gets.
	asked int
	late  bool // the callback is due already
}

type stageFixture struct {
	t    *testing.T
	loop *event.Base
	u    *upstream
	b    *evdns.Base
	log  *logbook
	r    *evdns.Request
	got  *answer
}

// begin begins the request.
func (f *stageFixture) begin(flags evdns.QueryFlags) {
	r, err := f.b.ResolveIPv4("www.example.com", flags, f.got.callback)
	ok(f.t, err)
	f.r = r
}

// whenAsked calls then from the loop, when the nameserver was asked n times, and
// does not answer that.
func (f *stageFixture) whenAsked(n int, otherwise func(*question), then func()) {
	f.u.does(func(q *question) {
		if q.number < n {
			otherwise(q)
			return
		}
		ok(f.t, f.loop.Post(then))
	})
}

var stages = []stage{
	{"just begun", func(f *stageFixture, then func()) {
		f.loop.Post(func() { f.begin(0); then() })
	}, 0, false},
	{"waiting for a nameserver", func(f *stageFixture, then func()) {
		f.b.ClearNameserversAndSuspend()
		f.begin(0)
		f.loop.Post(func() { f.loop.Post(then) })
	}, 0, false},
	{"waiting for others", func(f *stageFixture, then func()) {
		set(f.t, f.b, "max-inflight", "1")
		other, err := f.b.ResolveIPv4("other.example", 0, func(evdns.Answer, error) {})
		ok(f.t, err)
		f.begin(0)
		f.whenAsked(1, nil, func() { then(); other.Cancel() })
	}, 1, false},
	{"sent", func(f *stageFixture, then func()) {
		f.begin(0)
		f.whenAsked(1, nil, then)
	}, 1, false},
	{"sent again", func(f *stageFixture, then func()) {
		f.begin(0)
		f.whenAsked(2, expires(f.loop, f.b), then)
	}, 2, false},
	{"sent over TCP", func(f *stageFixture, then func()) {
		f.begin(evdns.UseVC)
		f.whenAsked(1, nil, then)
	}, 1, false},
	{"truncated", func(f *stageFixture, then func()) {
		f.begin(0)
		f.whenAsked(2, truncates, then)
	}, 2, false},
	{"searching", func(f *stageFixture, then func()) {
		ok(f.t, f.b.AddSearch("example"))
		f.begin(0)
		f.whenAsked(2, complains(dns.RcodeNameError), then)
	}, 2, false},
	{"answered", func(f *stageFixture, then func()) {
		// The callback of another request runs before this one's, which is due.
		var held []*question
		f.u.does(func(q *question) {
			if held = append(held, q); len(held) == 2 {
				ports := map[netip.AddrPort]bool{held[0].from: true, held[1].from: true}
				if len(ports) != 1 {
					f.t.Errorf("%d ports", len(ports))
				}
				slices.SortFunc(held, func(a, b *question) int { return len(a.name()) - len(b.name()) })
				held[0].good()
				held[1].good()
			}
		})
		set(f.t, f.b, "ports-per-nameserver", "1")
		_, err := f.b.ResolveIPv4("first.example", 0, func(evdns.Answer, error) { then() })
		ok(f.t, err)
		f.begin(0)
	}, 2, true},
}

func newStage(t *testing.T) *stageFixture {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20")
	f := &stageFixture{t: t, loop: loop, u: u, b: b, got: new(answer)}
	f.log = watch(t)
	return f
}

func TestCancelInEachState(t *testing.T) {
	for _, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			f := newStage(t)
			s.reach(f, func() {
				calls := f.got.calls
				f.r.Cancel()
				f.r.Cancel()
				if f.got.calls != calls {
					t.Error("called from within Cancel")
				}
			})
			dispatch(t, f.loop)
			if s.late && f.got.err == nil {
				f.got.want(t, "192.0.2.1") // it was too late
			} else {
				f.got.fails(t, evdns.ErrCancel)
			}
			f.r.Cancel()
			f.u.stop()
			if n := len(f.u.questions()); n != s.asked {
				t.Errorf("%d questions, want %d", n, s.asked)
			}
			dispatch(t, f.loop)
			if f.got.calls != 1 {
				t.Errorf("%d calls", f.got.calls)
			}
		})
	}
}

func TestFreeInEachState(t *testing.T) {
	for _, tell := range []bool{true, false} {
		for _, s := range stages {
			t.Run(fmt.Sprintf("%s, %v", s.name, tell), func(t *testing.T) {
				f := newStage(t)
				s.reach(f, func() {
					calls := f.got.calls
					f.b.Free(tell)
					f.b.Free(!tell)
					f.r.Cancel()
					if f.got.calls != calls {
						t.Error("called from within Free")
					}
				})
				dispatch(t, f.loop)
				switch {
				case s.late && f.got.err == nil && f.got.calls == 1:
					f.got.want(t, "192.0.2.1")
				case tell:
					f.got.fails(t, evdns.ErrShutdown)
				case f.got.calls != 0:
					t.Errorf("%d calls, the last with %v", f.got.calls, f.got.err)
				}
			})
		}
	}
}

func TestCallbacksMayDoAnything(t *testing.T) {
	for name, do := range map[string]func(f *stageFixture){
		"cancel itself":   func(f *stageFixture) { f.r.Cancel() },
		"free":            func(f *stageFixture) { f.b.Free(true) },
		"free in silence": func(f *stageFixture) { f.b.Free(false) },
		"clear and resume": func(f *stageFixture) {
			f.b.ClearNameserversAndSuspend()
			ok(f.t, f.b.AddNameserver(f.u.addr))
			f.b.Resume()
		},
		"look up more": func(f *stageFixture) {
			for i := range 10 {
				start(f.t, f.b, fmt.Sprintf("n%d.example", i))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newStage(t)
			var others []*answer
			r, err := f.b.ResolveIPv4("www.example.com", 0, func(a evdns.Answer, err error) {
				f.got.callback(a, err)
				do(f)
			})
			ok(t, err)
			f.r = r
			for i := range 20 {
				others = append(others, start(t, f.b, fmt.Sprintf("o%d.example", i)))
			}
			dispatch(t, f.loop)
			f.got.want(t, "192.0.2.1")
			for _, o := range others {
				if o.calls == 0 && name == "free in silence" {
					continue
				}
				if o.calls != 1 || o.err != nil && !errors.Is(o.err, evdns.ErrShutdown) {
					t.Errorf("%d calls, %v", o.calls, o.err)
				}
			}
		})
	}
}

// A callback that panics does not cost the others theirs.
func TestCallbackThatPanics(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	set(t, b, "timeout", "20")
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1") // so that all is known at once
	_, err := b.ResolveIPv4("www.example.com", 0, func(evdns.Answer, error) { panic("on purpose") })
	ok(t, err)
	one, other := start(t, b, "www.example.com"), start(t, b, "www.example.com")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		loop.Dispatch()
	}()
	dispatch(t, loop)
	one.want(t, "192.0.2.1")
	other.want(t, "192.0.2.1")
}

func TestSuspendAndResume(t *testing.T) {
	loop := newLoop(t)
	before, after := newUpstream(t), newUpstream(t)
	b := newResolver(t, loop, before)
	set(t, b, "timeout", "20")
	var answers []*answer
	before.does(func(q *question) {
		if q.number < 3 {
			return
		}
		loop.Post(func() {
			b.ClearNameserversAndSuspend()
			answers = append(answers, start(t, b, "d.example"))
			ok(t, b.AddNameserver(after.addr))
			if n := b.CountNameservers(); n != 1 {
				t.Errorf("%d nameservers", n)
			}
		})
	})
	for _, name := range []string{"a.example", "b.example", "c.example"} {
		answers = append(answers, start(t, b, name))
	}
	dispatch(t, loop)
	if n := len(after.questions()); n != 0 {
		t.Errorf("%d questions before Resume", n)
	}
	set(t, b, "max-inflight", "1") // so that the order can be seen
	b.Resume()
	dispatch(t, loop)
	for _, a := range answers {
		a.want(t, "192.0.2.1")
	}
	if got := after.questions(); !slices.Equal(got, []string{"a.example", "b.example", "c.example", "d.example"}) {
		t.Errorf("asked for %v", got)
	}
}

// Other nameservers have as many attempts as if they were the first.
func TestAttemptsAfterResume(t *testing.T) {
	loop := newLoop(t)
	before, after := newUpstream(t), newUpstream(t)
	b := newResolver(t, loop, before)
	set(t, b, "timeout", "20", "attempts", "2")
	before.does(func(*question) {
		loop.Post(func() {
			b.ClearNameserversAndSuspend()
			ok(t, b.AddNameserver(after.addr))
			b.Resume()
		})
	})
	after.does(func(q *question) {
		if q.number == 1 {
			expires(loop, b)(q)
		} else {
			q.good()
		}
	})
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
}

func TestNameservers(t *testing.T) {
	loop := newLoop(t)
	b := newResolver(t, loop)
	for _, s := range []string{"127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:99"} {
		ok(t, b.AddNameserverString(s))
	}
	want := []string{"127.0.0.1:53", "127.0.0.1:5353", "[::1]:53", "[::1]:99"}
	if n := b.CountNameservers(); n != len(want) {
		t.Fatalf("%d nameservers", n)
	}
	for i, w := range want {
		if addr, err := b.NameserverAddr(i); err != nil || addr.String() != w {
			t.Errorf("nameserver %d: %v, %v, want %s", i, addr, err, w)
		}
	}
	for _, i := range []int{-1, 4} {
		if _, err := b.NameserverAddr(i); !errors.Is(err, evdns.ErrIndex) {
			t.Errorf("nameserver %d: %v", i, err)
		}
		if fd := b.NameserverFD(i); fd != -1 {
			t.Errorf("nameserver %d: fd %d", i, fd)
		}
	}
	if fd := b.NameserverFD(1); fd < 0 || fd != b.NameserverFD(1) {
		t.Errorf("fd %d", fd)
	}
	b.ClearNameserversAndSuspend()
	if n := b.CountNameservers(); n != 0 {
		t.Errorf("%d nameservers", n)
	}
}

// Without DisableWhenInactive, a resolver with nameservers keeps the loop.
func TestResolverKeepsTheLoop(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.NoCache)
	status := func() event.Status {
		t.Helper()
		s, err := loop.Loop(event.LoopNonblock)
		ok(t, err)
		return s
	}
	if status() != event.LoopNoEvents {
		t.Error("kept without nameservers")
	}
	ok(t, b.AddNameserver(u.addr))
	if status() != event.LoopDone {
		t.Error("not kept")
	}
	_, err := b.ResolveIPv4("www.example.com", 0, func(evdns.Answer, error) { loop.LoopExit(0) })
	ok(t, err)
	dispatch(t, loop)
	if status() != event.LoopDone {
		t.Error("not kept after a lookup")
	}
	b.ClearNameserversAndSuspend()
	if status(); status() != event.LoopNoEvents {
		t.Error("kept after the nameservers have gone")
	}
	ok(t, b.AddNameserver(u.addr))
	b.Free(true)
	if status(); status() != event.LoopNoEvents {
		t.Error("kept after Free")
	}
}

// The address of bind-to is not for nameservers on this host.
func TestBindToIsNotForLoopback(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop)
	set(t, b, "timeout", "20", "bind-to", "192.0.2.77:1")
	ok(t, b.AddNameserver(u.addr))
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
}

// A connection that the loop does not look at while it rests is not used after
// its time.
func TestConnectionThatHasRestedTooLong(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "20")
	lookup(t, loop, b, "a.example").want(t, "192.0.2.1")
	lookup(t, loop, b, "b.example").want(t, "192.0.2.1")
	if n := u.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
	set(t, b, "tcp-idle-timeout", "0.001")
	timer := loop.NewTimer(func(*event.Event, event.What) {})
	ok(t, timer.AddTimeout(2*time.Millisecond))
	dispatch(t, loop)
	lookup(t, loop, b, "c.example").want(t, "192.0.2.1")
	if n := u.connections(); n != 2 {
		t.Errorf("%d connections", n)
	}
}
