package evbuffer_test

import (
	"fmt"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A follower is a callback that knows from what it was told how long its buffer
// is.
type follower struct {
	t      *testing.T
	name   string
	length int
	calls  int
}

func follow(t *testing.T, name string, b *evbuffer.Buffer) *follower {
	f := &follower{t: t, name: name, length: b.Len()}
	b.AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) { f.told(info) })
	return f
}

func (f *follower) told(info evbuffer.CallbackInfo) {
	f.calls++
	if info.Orig != f.length {
		f.t.Errorf("%s: there were %d bytes by what was told, not %d", f.name, f.length, info.Orig)
	}
	if info.Added == 0 && info.Deleted == 0 {
		f.t.Errorf("%s: told of nothing", f.name)
	}
	f.length = info.Orig + info.Added - info.Deleted
}

func (f *follower) finish(b *evbuffer.Buffer) {
	f.t.Helper()
	if f.length != b.Len() || f.calls == 0 {
		f.t.Errorf("%s: %d bytes by what was told in %d calls, there are %d", f.name, f.length, f.calls, b.Len())
	}
}

// moves are all ways to change two buffers in one call.
var moves = map[string]func(from, to *evbuffer.Buffer) error{
	"AddBuffer":     func(from, to *evbuffer.Buffer) error { return to.AddBuffer(from) },
	"PrependBuffer": func(from, to *evbuffer.Buffer) error { return to.PrependBuffer(from) },
	"RemoveBuffer":  func(from, to *evbuffer.Buffer) error { _, err := from.RemoveBuffer(to, 5); return err },
	"RemoveBuffer of all": func(from, to *evbuffer.Buffer) error {
		_, err := from.RemoveBuffer(to, from.Len())
		return err
	},
}

// reactions are what a callback may do to a buffer.
var reactions = map[string]func(b, other *evbuffer.Buffer) error{
	"add":          func(b, _ *evbuffer.Buffer) error { return b.AddString("xy") },
	"drain":        func(b, _ *evbuffer.Buffer) error { return b.Drain(3) },
	"drain all":    func(b, _ *evbuffer.Buffer) error { return b.Drain(b.Len()) },
	"prepend":      func(b, _ *evbuffer.Buffer) error { return b.Prepend([]byte("p")) },
	"move it back": func(b, other *evbuffer.Buffer) error { return other.PrependBuffer(b) },
	"move more":    func(b, other *evbuffer.Buffer) error { return b.AddBuffer(other) },
	"change it twice": func(b, _ *evbuffer.Buffer) error {
		if err := b.AddString("xyz"); err != nil {
			return err
		}
		return b.Drain(2)
	},
}

// Each callback gets figures that follow one another, whichever buffer a callback
// of whichever buffer changes, and whichever callback it is.
func TestCallbacksThatChangeBuffersLeaveFiguresThatFollowOneAnother(t *testing.T) {
	for move, do := range moves {
		for reaction, react := range reactions {
			for where := range 4 {
				deferrals := []string{"", "from", "to"}
				for _, deferred := range deferrals {
					t.Run(fmt.Sprintf("%s, %s, %d %s", move, reaction, where, deferred), func(t *testing.T) {
						base, err := event.NewBase()
						if err != nil {
							t.Fatal(err)
						}
						defer base.Free()
						from, to := evbuffer.New(), evbuffer.New()
						for _, b := range []*evbuffer.Buffer{from, to} {
							if err := b.AddString("0123456789"); err != nil {
								t.Fatal(err)
							}
						}
						reacting, changed := from, to
						if where%2 == 1 {
							reacting = to
						}
						if where >= 2 {
							changed = from
						}
						other := from
						if changed == from {
							other = to
						}
						followers := []*follower{follow(t, "first of from", from), follow(t, "first of to", to)}
						done := false
						reacting.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) {
							if !done {
								done = true
								if err := react(changed, other); err != nil {
									t.Error(err)
								}
							}
						})
						followers = append(followers, follow(t, "last of from", from), follow(t, "last of to", to))
						if deferred == "from" {
							err = from.DeferCallbacks(base)
						} else if deferred == "to" {
							err = to.DeferCallbacks(base)
						}
						if err != nil {
							t.Fatal(err)
						}
						if err := do(from, to); err != nil {
							t.Fatal(err)
						}
						for range 3 {
							if _, err := base.Loop(event.LoopNonblock); err != nil {
								t.Fatal(err)
							}
						}
						for i, f := range followers {
							f.finish([]*evbuffer.Buffer{from, to}[i%2])
						}
					})
				}
			}
		}
	}
}

// After a callback has panicked the others are told of everything with the next
// change.
func TestFiguresFollowOneAnotherAfterAPanic(t *testing.T) {
	b := evbuffer.New()
	first := follow(t, "first", b)
	bad := true
	b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) {
		if bad {
			panic("callback")
		}
	})
	last := follow(t, "last", b)
	if !panics(func() { b.AddString("abc") }) {
		t.Fatal("it has not panicked")
	}
	bad = false
	if err := b.AddString("de"); err != nil {
		t.Fatal(err)
	}
	first.finish(b)
	last.finish(b)
}

// A callback that was added during a change is told of later ones only.
func TestFiguresOfACallbackBeginWithTheNextChange(t *testing.T) {
	from, to := evbuffer.New(), evbuffer.New()
	if err := from.AddString("abc"); err != nil {
		t.Fatal(err)
	}
	var added *follower
	from.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { added = follow(t, "added", to) })
	if err := to.AddBuffer(from); err != nil {
		t.Fatal(err)
	}
	if added.calls > 0 {
		t.Error("told of the change before it was added")
	}
	if err := to.AddString("d"); err != nil {
		t.Fatal(err)
	}
	added.finish(to)
}
