package bufferevent_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

func TestFiltersThatFreeTheBufferevent(t *testing.T) {
	for _, way := range []string{"input", "output"} {
		base := newBase(t)
		var f *bufferevent.Bufferevent
		calls := 0
		freeing := func(src, dst *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
			calls++
			f.Free()
			_, err := src.RemoveBuffer(dst, 1)
			return err
		}
		f, far := filterOverPair(t, base, freeing, freeing, 0)
		var d diary
		d.keep(f)
		ok(t, f.Enable(event.Read))
		if way == "input" {
			write(t, far, "data")
		} else {
			write(t, f, "data")
		}
		settle(t, base)
		want(t, "calls", calls, 1)
		d.want(t)
		want(t, "partner", far.Partner(), nil)
	}
}

// Each callback of a filter frees it, or what is below, or both.
func TestFreeInTheCallbacksOfAFilter(t *testing.T) {
	for _, callback := range []string{"read", "write", "event"} {
		for _, victim := range []string{"filter", "below", "both"} {
			for _, opts := range []bufferevent.Options{0, bufferevent.CloseOnFree, bufferevent.DeferCallbacks, bufferevent.CloseOnFree | bufferevent.DeferCallbacks} {
				t.Run(callback+" frees "+victim, func(t *testing.T) {
					base := newBase(t)
					under, far := halves(t, base, 0)
					freed := 0
					f, err := bufferevent.NewFilter(under, xor, xor, opts, func() { freed++ })
					ok(t, err)
					calls := 0
					free := func(on string) {
						if on != callback {
							return
						}
						calls++
						if victim != "filter" {
							under.Free()
						}
						if victim != "below" {
							f.Free()
						}
					}
					f.SetCallbacks(
						func(*bufferevent.Bufferevent) { free("read") },
						func(*bufferevent.Bufferevent) { free("write") },
						func(*bufferevent.Bufferevent, bufferevent.Events) { free("event") })
					ok(t, f.Enable(event.Read))
					ok(t, far.Enable(event.Read))
					write(t, far, "there")
					f.WriteString("and back")
					_, err = far.Flush(event.Write, bufferevent.ModeFinished)
					settle(t, base)
					if calls == 0 {
						t.Fatal("the callback was not called")
					}
					if victim != "below" {
						want(t, "calls", calls, 1)
						want(t, "freed", freed, 1)
						_, err = f.WriteString("x")
						wantError(t, "write", err, bufferevent.ErrFreed)
					}
					gone := victim == "both" || victim == "filter" && opts&bufferevent.CloseOnFree != 0
					want(t, "what is below is gone", far.Partner() == nil, gone)
					f.Free()
					under.Free()
					want(t, "freed", freed, 1)
					want(t, "partner", far.Partner(), nil)
					settle(t, base)
				})
			}
		}
	}
}

func TestWithoutCloseOnFreeTheUserHasItBack(t *testing.T) {
	base := newBase(t)
	under, far := halves(t, base, 0)
	f := newFilter(t, under, nil, nil, 0)
	under.Enable(event.Read)
	write(t, far, "waits for the filter to read")
	want(t, "input", under.Input().Len(), 0)
	f.Free()
	settle(t, base)
	want(t, "input", take(t, under), "waits for the filter to read")
	read, wrote, told := under.Callbacks()
	want(t, "no callbacks", read == nil && wrote == nil && told == nil, true)
	var d diary
	d.keep(under)
	write(t, far, "more")
	settle(t, base)
	d.want(t, "read")

	g := newFilter(t, under, nil, nil, 0) // and another one
	d.want(t)
	ok(t, g.Enable(event.Read))
	want(t, "what has waited for it", take(t, g), "more")
	write(t, far, "x")
	settle(t, base)
	d.want(t)
	want(t, "input", g.Input().Len(), 1)
}

func TestCallbacksThatTheUserHasReplacedStay(t *testing.T) {
	base := newBase(t)
	under, far := halves(t, base, 0)
	f := newFilter(t, under, nil, nil, 0)
	ok(t, f.Enable(event.Read))
	var d diary
	d.keep(under)
	write(t, far, "past the filter")
	settle(t, base)
	d.want(t, "read")
	want(t, "input of the filter", f.Input().Len(), 0)
	want(t, "input", take(t, under), "past the filter")
	f.Free()
	write(t, far, "more")
	settle(t, base)
	d.want(t, "read")
}

func TestAFilterWhoseUnderlyingTheUserFreesFirst(t *testing.T) {
	base := newBase(t)
	under, far := halves(t, base, 0)
	freed := 0
	f, err := bufferevent.NewFilter(under, nil, nil, bufferevent.CloseOnFree, func() { freed++ })
	ok(t, err)
	ok(t, f.Enable(event.Read))
	under.Free()
	ok(t, far.Enable(event.Read))
	write(t, f, "still goes out")
	want(t, "input there", take(t, far), "still goes out")
	write(t, far, "and nothing comes back")
	settle(t, base)
	want(t, "input", f.Input().Len(), 0)
	f.Free()
	want(t, "freed", freed, 1)
	want(t, "partner", far.Partner(), nil)
}

func TestCloseOnFreeThroughAStack(t *testing.T) {
	base := newBase(t)
	under, peer := newSocket(t, base, 0)
	top := stack(t, under, 2, 0)
	write(t, top, "lost, for it was not written yet")
	top.Free()
	data, ended := peer.receive()
	want(t, "data", data, "")
	want(t, "ended", ended, true)
	want(t, "events that wait", waiting(base), 0)
}

func TestReferencesKeepAFilter(t *testing.T) {
	base := newBase(t)
	under, _ := halves(t, base, 0)
	freed := 0
	f, err := bufferevent.NewFilter(under, nil, nil, 0, func() { freed++ })
	ok(t, err)
	f.IncRef()
	f.Free()
	want(t, "freed", freed, 0)
	want(t, "last one", f.DecRef(), true)
	want(t, "freed", freed, 1)
}

func TestFreeInTheCallbackThatFlushCalls(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, xor, xor, 0)
	var d diary
	d.keep(far)
	f.SetCallbacks(nil, func(f *bufferevent.Bufferevent) { f.Free() }, nil)
	ok(t, f.Disable(event.Write))
	write(t, f, "data")
	moved, err := f.Flush(event.Write, bufferevent.ModeFinished)
	ok(t, err)
	want(t, "moved", moved, true)
	settle(t, base)
	want(t, "the end was told", d.has("reading|EOF"), false)
}
