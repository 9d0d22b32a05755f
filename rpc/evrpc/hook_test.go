package evrpc_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// A hooked is a server or a pool.
type hooked interface {
	AddHook(t evrpc.HookType, fn evrpc.HookFunc) (*evrpc.Hook, error)
}

// hook adds a hook.
func (f *fixture) hook(to hooked, t evrpc.HookType, fn evrpc.HookFunc) *evrpc.Hook {
	f.t.Helper()
	h, err := to.AddHook(t, fn)
	must(f.t, err)
	return h
}

// places are where a hook can be, in the order in which a call comes by, and what becomes of a
// call that it terminates.
var places = []struct {
	name   string
	at     evrpc.HookType
	server bool
	status evrpc.Status
}{
	{"output of the pool", evrpc.OutputHook, false, evrpc.StatusUnstarted},
	{"input of the server", evrpc.InputHook, true, evrpc.StatusBadPayload},
	{"output of the server", evrpc.OutputHook, true, evrpc.StatusBadPayload},
	{"input of the pool", evrpc.InputHook, false, evrpc.StatusHookAborted},
}

func (f *fixture) place(server bool) hooked {
	if server {
		return f.server
	}
	return f.pool
}

func TestHooksAreCalledInOrder(t *testing.T) {
	f := newFixture(t, 1)
	f.echo()
	var order []string
	for i := range 2 {
		for _, p := range slices.Backward(places) {
			f.hook(f.place(p.server), p.at, func(x *evrpc.Exchange, body *evbuffer.Buffer) evrpc.HookResult {
				order = append(order, fmt.Sprint(p.name, i))
				if x.Name() != "Echo" || body.Len() != len(hi) || x.Conn() == nil || x.HTTP() == nil {
					t.Errorf("%s: exchange %s, %d bytes", p.name, x.Name(), body.Len())
				}
				return evrpc.HookContinue
			})
		}
	}
	f.call("Echo", "hi").wantText(t, "hi")
	var want []string
	for _, p := range places {
		want = append(want, p.name+"0", p.name+"1")
	}
	if !slices.Equal(order, want) {
		t.Errorf("order %q", order)
	}
}

func TestHooksChangeMessages(t *testing.T) {
	f := newFixture(t, 1)
	must(t, evrpc.Register(f.server, "Wrap", func(c *evrpc.Call[Text, Text]) {
		c.Reply().SetText("<" + c.Request().Text() + ">")
		must(t, c.Done())
	}))
	// Each turns the bytes of bodies around, so that a pair of them is needed.
	for _, p := range places {
		f.hook(f.place(p.server), p.at, func(x *evrpc.Exchange, body *evbuffer.Buffer) evrpc.HookResult {
			p, err := body.Pullup(-1)
			must(t, err)
			turned := slices.Clone(p)
			slices.Reverse(turned)
			must(t, body.Drain(body.Len()), body.Add(turned))
			return evrpc.HookContinue
		})
	}
	f.hook(f.server, evrpc.OutputHook, func(x *evrpc.Exchange, body *evbuffer.Buffer) evrpc.HookResult {
		must(t, x.HTTP().OutputHeaders().Add("Content-Type", "application/turned"))
		return evrpc.HookContinue
	})
	f.hook(f.pool, evrpc.InputHook, func(x *evrpc.Exchange, body *evbuffer.Buffer) evrpc.HookResult {
		if got := slices.Collect(x.HTTP().InputHeaders().Values("Content-Type")); !slices.Equal(got, []string{"application/turned"}) {
			t.Errorf("content type %q", got)
		}
		return evrpc.HookContinue
	})
	for range 3 {
		f.call("Wrap", "abc").wantText(t, "<abc>")
	}
}

func TestHooksTerminateCalls(t *testing.T) {
	for _, p := range places {
		for _, result := range []evrpc.HookResult{evrpc.HookTerminate, 2, -7} {
			f := newFixture(t, 1)
			f.echo()
			h := f.hook(f.place(p.server), p.at, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult { return result })
			f.hook(f.place(p.server), p.at, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult {
				t.Errorf("%s: a hook behind one that terminates", p.name)
				return evrpc.HookContinue
			}).Remove()
			if p.status == evrpc.StatusUnstarted {
				_, err := f.pool.MakeRequest("Echo", textOf("a"), new(Text), func(*evrpc.ClientCall) { t.Error("callback") })
				wantErr(t, p.name, err, evrpc.StatusUnstarted)
				wantErr(t, p.name, err, evrpc.ErrTerminated)
			} else {
				f.call("Echo", "a").wantStatus(t, p.status)
			}
			if !h.Remove() || h.Remove() {
				t.Errorf("%s: the hook was not there once", p.name)
			}
			f.call("Echo", "b").wantText(t, "b")
		}
	}
}

// TestAHookThatWaitsTerminates has a call in the queue when its hook is called.
func TestAnOutputHookTerminatesACallThatWaited(t *testing.T) {
	f := newFixture(t, 1)
	f.echo()
	f.hook(f.pool, evrpc.OutputHook, func(x *evrpc.Exchange, body *evbuffer.Buffer) evrpc.HookResult {
		if body.Len() > len(hi) {
			return evrpc.HookTerminate
		}
		return evrpc.HookContinue
	})
	first, second, third := f.start("Echo", "hi"), f.start("Echo", "more"), f.start("Echo", "hi")
	f.finish(third).wantText(t, "hi")
	first.wantText(t, "hi")
	second.wantStatus(t, evrpc.StatusUnstarted, evrpc.ErrTerminated)
}

func TestHooksPauseCalls(t *testing.T) {
	for _, p := range places {
		for _, end := range []evrpc.HookResult{evrpc.HookContinue, evrpc.HookTerminate} {
			f := newFixture(t, 1)
			f.echo()
			var paused []*evrpc.Exchange
			behind := 0
			f.hook(f.place(p.server), p.at, func(x *evrpc.Exchange, _ *evbuffer.Buffer) evrpc.HookResult {
				wantErr(t, "Resume before the pause", x.Resume(evrpc.HookContinue), evrpc.ErrNotPaused)
				paused = append(paused, x)
				return evrpc.HookPause
			})
			f.hook(f.place(p.server), p.at, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult {
				behind++
				return evrpc.HookContinue
			})
			r := f.start("Echo", "a")
			f.await("the pause", func() bool { return len(paused) == 1 })
			x := paused[0]
			f.base.Post(func() {
				if r.over+behind > 0 {
					t.Errorf("%s: the call goes on by itself", p.name)
				}
				wantErr(t, "Resume with a pause", x.Resume(evrpc.HookPause), evrpc.ErrInvalid)
				must(t, x.Resume(end))
				wantErr(t, "Resume twice", x.Resume(end), evrpc.ErrNotPaused)
			})
			f.finish(r)
			if end == evrpc.HookContinue {
				r.wantText(t, "a")
			} else {
				r.wantStatus(t, p.status)
			}
			if (behind == 1) != (end == evrpc.HookContinue) {
				t.Errorf("%s: the hook behind was called %d times", p.name, behind)
			}
		}
	}
}

// TestAPausedCallOfAClientLeavesItsConnection has more calls paused than there are connections.
func TestAPausedCallOfAClientLeavesItsConnection(t *testing.T) {
	for _, at := range []evrpc.HookType{evrpc.InputHook, evrpc.OutputHook} {
		f := newFixture(t, 1)
		f.echo()
		var paused []*evrpc.Exchange
		h := f.hook(f.pool, at, func(x *evrpc.Exchange, _ *evbuffer.Buffer) evrpc.HookResult {
			paused = append(paused, x)
			return evrpc.HookPause
		})
		results := []*result{f.start("Echo", "a"), f.start("Echo", "b"), f.start("Echo", "c")}
		f.await("the pauses", func() bool { return len(paused) == 3 })
		h.Remove()
		f.call("Echo", "d").wantText(t, "d")
		for _, x := range slices.Backward(paused) {
			must(t, x.Resume(evrpc.HookContinue))
		}
		for i, r := range results {
			f.finish(r).wantText(t, string(rune('a'+i)))
		}
	}
}

func TestAHookThatIsRemovedIsNotCalledBehindAPause(t *testing.T) {
	f := newFixture(t, 1)
	f.echo()
	var paused *evrpc.Exchange
	f.hook(f.server, evrpc.InputHook, func(x *evrpc.Exchange, _ *evbuffer.Buffer) evrpc.HookResult {
		paused = x
		return evrpc.HookPause
	})
	behind := f.hook(f.server, evrpc.InputHook, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult {
		t.Error("a hook that was removed")
		return evrpc.HookContinue
	})
	r := f.start("Echo", "a")
	f.await("the pause", func() bool { return paused != nil })
	behind.Remove()
	f.hook(f.server, evrpc.InputHook, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult {
		t.Error("a hook that was added behind the pause")
		return evrpc.HookContinue
	})
	must(t, paused.Resume(evrpc.HookContinue))
	f.finish(r).wantText(t, "a")
}

func TestHooksRemoveAndAddHooks(t *testing.T) {
	f := newFixture(t, 1)
	f.echo()
	called := ""
	var first, second *evrpc.Hook
	first = f.hook(f.server, evrpc.InputHook, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult {
		called += "1"
		first.Remove()
		second.Remove()
		f.hook(f.server, evrpc.InputHook, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult {
			called += "4"
			return evrpc.HookContinue
		})
		return evrpc.HookContinue
	})
	second = f.hook(f.server, evrpc.InputHook, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult {
		called += "2"
		return evrpc.HookContinue
	})
	f.hook(f.server, evrpc.InputHook, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult {
		called += "3"
		return evrpc.HookContinue
	})
	f.call("Echo", "a").wantText(t, "a")
	f.call("Echo", "b").wantText(t, "b")
	if called != "1334" {
		t.Errorf("called %s", called)
	}
}

func TestAddHookRefusesWhatCannotBe(t *testing.T) {
	f := newFixture(t, 0)
	for _, at := range []hooked{f.server, f.pool} {
		_, err := at.AddHook(2, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult { return 0 })
		wantErr(t, "another type", err, evrpc.ErrInvalid)
		_, err = at.AddHook(evrpc.InputHook, nil)
		wantErr(t, "no function", err, evrpc.ErrInvalid)
	}
}

func TestMetadataGoesWithTheCall(t *testing.T) {
	f := newFixture(t, 1)
	add := func(x *evrpc.Exchange, _ *evbuffer.Buffer) evrpc.HookResult {
		data := []byte("value of " + x.Name())
		x.AddMeta("key", data)
		clear(data)
		x.AddMeta("key", []byte("a second one"))
		x.AddMeta("empty", nil)
		return evrpc.HookContinue
	}
	found := 0
	check := func(find func(key string) ([]byte, bool)) {
		found++
		if data, ok := find("key"); !ok || string(data) != "value of Echo" {
			t.Errorf("found %q, %v", data, ok)
		}
		if data, ok := find("empty"); !ok || len(data) != 0 {
			t.Errorf("found %q, %v", data, ok)
		}
		if _, ok := find("other"); ok {
			t.Error("found what nobody has added")
		}
	}
	find := func(x *evrpc.Exchange, _ *evbuffer.Buffer) evrpc.HookResult {
		check(x.FindMeta)
		return evrpc.HookContinue
	}
	f.hook(f.pool, evrpc.OutputHook, add)
	f.hook(f.pool, evrpc.InputHook, find)
	f.hook(f.server, evrpc.InputHook, add)
	f.hook(f.server, evrpc.OutputHook, find)
	must(t, evrpc.Register(f.server, "Echo", func(c *evrpc.Call[Text, Text]) {
		check(c.FindMeta)
		c.Reply().SetText("")
		must(t, c.Done())
	}))
	over := false
	call, err := f.pool.NewCall("Echo", textOf("a"), new(Text), func(c *evrpc.ClientCall) {
		check(c.FindMeta)
		over = c.Err() == nil
	})
	must(t, err)
	for range 2 {
		over = false
		must(t, call.Start())
		f.await("the reply", func() bool { return over })
	}
	if found != 8 {
		t.Errorf("found %d times", found)
	}
}

// TestAnythingHappensInAHook has each hook do something to the call, its server or its pool.
func TestAnythingHappensInAHook(t *testing.T) {
	things := map[string]func(f *fixture, x *evrpc.Exchange){
		"cancel the request": func(_ *fixture, x *evrpc.Exchange) { x.HTTP().Cancel() },
		"free the connection": func(_ *fixture, x *evrpc.Exchange) {
			if x.Conn().Bufferevent() != nil {
				x.Conn().Free()
			}
		},
		"free the server":         func(f *fixture, _ *evrpc.Exchange) { f.server.Free() },
		"free the server of HTTP": func(f *fixture, _ *evrpc.Exchange) { f.web.Free() },
		"free the pool":           func(f *fixture, _ *evrpc.Exchange) { f.pool.Free() },
		"free the base":           func(f *fixture, _ *evrpc.Exchange) { f.base.LoopBreak() },
	}
	for _, p := range places {
		for name, do := range things {
			for _, result := range []evrpc.HookResult{evrpc.HookContinue, evrpc.HookPause, evrpc.HookTerminate} {
				t.Run(strings.Join([]string{p.name, name, fmt.Sprint(result)}, ","), func(t *testing.T) {
					f := newFixture(t, 2)
					must(t, evrpc.Register(f.server, "Echo", func(c *evrpc.Call[Text, Text]) {
						c.Reply().SetText("")
						if err := c.Done(); err != nil && !errors.Is(err, evrpc.ErrDone) && !errors.Is(err, evhttp.ErrDone) {
							t.Error(err)
						}
					}))
					called := false
					var paused *evrpc.Exchange
					f.hook(f.place(p.server), p.at, func(x *evrpc.Exchange, _ *evbuffer.Buffer) evrpc.HookResult {
						do(f, x)
						paused, called = x, true
						return result
					})
					over := 0
					call, err := f.pool.NewCall("Echo", textOf("a"), new(Text), func(c *evrpc.ClientCall) { over++ })
					must(t, err)
					if err := call.Start(); err != nil {
						over++
					}
					f.await("the hook", func() bool { return called })
					paused.Resume(evrpc.HookContinue)
					f.pool.Free()
					if over != 1 || call.UnderWay() {
						t.Errorf("the callback was called %d times", over)
					}
					f.server.Free()
					f.web.Free()
					if n := f.server.Pending(); n != 0 {
						t.Errorf("%d calls are under way", n)
					}
				})
			}
		}
	}
}
