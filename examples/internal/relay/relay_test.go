package relay

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

const limit = 10_000

// A path is a flow from the half of one pair to that of another; its two ends
// are the other halves. The source is read 1000 bytes at a time.
type path struct {
	t            *testing.T
	base         *event.Base
	source, sink *bufferevent.Bufferevent
	flow         *Flow
	from, to     *bufferevent.Bufferevent
}

func newPath(t *testing.T) *path {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(base.Free)
	p := &path{t: t, base: base}
	p.source, p.from = pair(t, base)
	p.to, p.sink = pair(t, base)
	p.flow, err = New(p.from, p.to, limit)
	if err != nil {
		t.Fatal(err)
	}
	p.from.SetCallbacks(func(*bufferevent.Bufferevent) { p.flow.Carry() }, nil, nil)
	p.to.SetCallbacks(nil, func(*bufferevent.Bufferevent) {
		if err := p.flow.Resume(); err != nil {
			t.Error(err)
		}
	}, nil)
	if err := p.from.SetWatermark(event.Read, 0, 1000); err != nil {
		t.Fatal(err)
	}
	return p
}

func pair(t *testing.T, base *event.Base) (a, b *bufferevent.Bufferevent) {
	t.Helper()
	a, b, err := bufferevent.NewPair(base, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Free)
	t.Cleanup(b.Free)
	return a, b
}

// settle runs the loop until it has nothing to do.
func (p *path) settle() {
	p.t.Helper()
	for p.base.NumEvents(event.CountActive) > 0 {
		if _, err := p.base.Loop(event.LoopNonblock); err != nil {
			p.t.Fatal(err)
		}
	}
}

// started returns a path with data on its way.
func started(t *testing.T, data []byte) *path {
	t.Helper()
	p := newPath(t)
	if _, err := p.source.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := p.flow.Start(); err != nil {
		t.Fatal(err)
	}
	p.settle()
	return p
}

// drain reads everything at the sink, as it comes.
func (p *path) drain() []byte {
	p.t.Helper()
	var got bytes.Buffer
	p.sink.SetCallbacks(func(b *bufferevent.Bufferevent) { b.Input().WriteTo(&got) }, nil, nil)
	if err := p.sink.Enable(event.Read); err != nil {
		p.t.Fatal(err)
	}
	p.settle()
	return got.Bytes()
}

func text(size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(data)
	return data
}

func TestFlowWaitsForASlowReader(t *testing.T) {
	data := text(100_000)
	p := started(t, data)
	waits, rest := p.to.Output().Len(), p.source.Output().Len()+p.from.Input().Len()
	if waits < limit || waits > limit+1000 {
		t.Errorf("%d bytes wait, want %d and at most one read more", waits, limit)
	}
	if waits+rest != len(data) {
		t.Errorf("%d bytes wait and %d have yet to be read, of %d", waits, rest, len(data))
	}
	if got := p.drain(); !bytes.Equal(got, data) {
		t.Errorf("%d bytes came for %d, or they differ", len(got), len(data))
	}
}

func TestFlowIsDoneWhenEverythingIsWritten(t *testing.T) {
	p := started(t, text(5000))
	if p.flow.Over() || p.flow.Done() {
		t.Error("over before its end")
	}
	p.flow.End()
	if !p.flow.Over() || p.flow.Done() {
		t.Errorf("over: %v, done: %v with bytes waiting", p.flow.Over(), p.flow.Done())
	}
	if got := p.drain(); len(got) != 5000 {
		t.Errorf("%d bytes came, want those that waited", len(got))
	}
	if !p.flow.Done() {
		t.Error("not done with nothing waiting")
	}
}

func TestFlowThatHasEndedDoesNotReadAgain(t *testing.T) {
	p := started(t, text(100_000))
	p.flow.End()
	if got := p.drain(); len(got) > limit+1000 {
		t.Errorf("%d bytes came, more than waited", len(got))
	}
	if p.from.Enabled()&event.Read != 0 {
		t.Error("it reads again")
	}
}

func TestFlowThatIsBrokenIsDoneAtOnce(t *testing.T) {
	p := started(t, text(5000))
	p.flow.Break()
	if !p.flow.Done() {
		t.Error("not done")
	}
	if p.from.Enabled()&event.Read != 0 {
		t.Error("it still reads")
	}
}

func TestFlowBreaksIfNothingCanBeWritten(t *testing.T) {
	p := newPath(t)
	p.sink.Free()
	if _, err := p.source.Write(text(10)); err != nil {
		t.Fatal(err)
	}
	if err := p.flow.Start(); err != nil {
		t.Fatal(err)
	}
	p.settle()
	if !p.flow.Done() {
		t.Error("not done")
	}
}

func TestNewRefusesBadLimits(t *testing.T) {
	p := newPath(t)
	if _, err := New(p.from, p.to, -2); err == nil {
		t.Error("no error")
	}
}
