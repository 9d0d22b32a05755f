package bufferevent_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A relay is a transport of another package that is a bufferevent.Layer with functions of
// the test's for its transform.
type relay struct {
	bev    bufferevent.Bufferevent
	c      bufferevent.Control
	layer  bufferevent.Layer
	opts   bufferevent.LayerOptions
	decode bufferevent.Filter // or nil, for byBar
	encode bufferevent.Filter // or nil, for withBar
	failed func(what event.What, err error) (bufferevent.Events, error)

	decoded, encoded []call // that were made
}

var (
	_ bufferevent.Transport   = (*relay)(nil)
	_ bufferevent.Transform   = (*relay)(nil)
	_ bufferevent.Wrapper     = (*relay)(nil)
	_ bufferevent.Describer   = (*relay)(nil)
	_ bufferevent.WriteCloser = (*relay)(nil)
	_ bufferevent.Ender       = (*relay)(nil)
)

// newRelay puts a relay that is not open yet on a bufferevent; prepare, if it is not nil,
// comes before.
func newRelay(t testing.TB, under *bufferevent.Bufferevent, opts bufferevent.LayerOptions, prepare func(r *relay)) *relay {
	t.Helper()
	r := &relay{layer: bufferevent.LayerOver(under), opts: opts}
	if prepare != nil {
		prepare(r)
	}
	var err error
	r.c, err = bufferevent.Init(&r.bev, under.Base(), r, bufferevent.CloseOnFree)
	ok(t, err)
	t.Cleanup(r.bev.Free)
	ok(t, r.c.UseTimers())
	ok(t, r.layer.Attach(r.c, r, opts, nil, nil))
	ok(t, under.Enable(both))
	return r
}

// relayOverPair returns an open relay over one half of a pair, which reads, and the other
// half, which reads, too.
func relayOverPair(t testing.TB, base *event.Base, opts bufferevent.LayerOptions, prepare func(r *relay)) (r *relay, far *bufferevent.Bufferevent) {
	t.Helper()
	under, far := halves(t, base, 0)
	r = newRelay(t, under, opts, prepare)
	r.open(t)
	ok(t, r.bev.Enable(event.Read))
	ok(t, far.Enable(event.Read))
	return r, far
}

// open opens the layer, as the callback of some event of the transport would.
func (r *relay) open(t testing.TB) {
	t.Helper()
	want(t, "begin", r.c.Begin(), true)
	defer r.c.End()
	r.layer.Open(false)
	r.layer.Pull(0)
	r.layer.OutputAdded()
	if r.bev.WriteErr() != nil {
		ok(t, r.layer.CloseWrite())
	}
}

func (r *relay) below() *bufferevent.Bufferevent { return r.layer.Underlying() }

func (r *relay) Decode(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	r.decoded = append(r.decoded, call{src.Len(), limit, mode})
	if r.decode == nil {
		return byBar(src, dst, limit, mode)
	}
	return r.decode(src, dst, limit, mode)
}

func (r *relay) Encode(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	r.encoded = append(r.encoded, call{src.Len(), limit, mode})
	if r.encode == nil {
		return withBar(src, dst, limit, mode)
	}
	return r.encode(src, dst, limit, mode)
}

func (r *relay) Failed(what event.What, err error) (bufferevent.Events, error) {
	if r.failed != nil {
		return r.failed(what, err)
	}
	if what == event.Read {
		return bufferevent.EventReading | bufferevent.EventError, err
	}
	return bufferevent.EventWriting | bufferevent.EventError, err
}

func (r *relay) String() string                       { return "relay" }
func (r *relay) Underlying() *bufferevent.Bufferevent { return r.layer.Underlying() }
func (r *relay) FD() int                              { return r.layer.FD() }
func (r *relay) Enable(what event.What) error         { return r.layer.Enable(what) }
func (r *relay) Disable(what event.What) error        { return r.layer.Disable(what) }
func (r *relay) OutputAdded()                         { r.layer.OutputAdded() }
func (r *relay) InputRemoved()                        { r.layer.InputRemoved() }
func (r *relay) TimeoutsChanged()                     { r.layer.TimeoutsChanged() }
func (r *relay) CloseWrite() error                    { return r.layer.CloseWrite() }
func (r *relay) EndWriting()                          { r.layer.EndWriting() }
func (r *relay) Unlink()                              { r.layer.Detach(true) }
func (r *relay) Flush(what event.What, mode bufferevent.FlushMode) (bool, error) {
	return r.layer.Flush(what, mode)
}

func (r *relay) SetFD(fd int) error {
	if err := r.below().SetFD(fd); err != nil {
		return err
	}
	r.layer.Reset()
	r.layer.Open(false)
	return nil
}

// errGarbage is what byBar fails with.
var errGarbage = errors.New("garbage")

// byBar passes on words that end with a bar, one at a time, without it. The word
// "end" ends the stream, and an exclamation mark where a word begins is an error, as is
// half a word at the end.
func byBar(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	p := make([]byte, src.Len())
	if _, err := src.CopyOut(p); err != nil {
		return err
	}
	word, _, whole := strings.Cut(string(p), "|")
	switch {
	case strings.HasPrefix(word, "!"):
		return errGarbage
	case !whole && word != "" && mode == bufferevent.ModeFinished:
		return errGarbage
	case !whole:
		return bufferevent.ErrNeedMore
	case limit >= 0 && limit < len(word):
		return nil
	}
	if err := src.Drain(len(word) + 1); err != nil {
		return err
	}
	if word == "end" {
		return io.EOF
	}
	return dst.AddString(word)
}

// withBar passes everything on as one word, and "end" at the end.
func withBar(src, dst *evbuffer.Buffer, _ int, mode bufferevent.FlushMode) error {
	if src.Len() > 0 {
		if err := errors.Join(dst.AddBuffer(src), dst.AddString("|")); err != nil {
			return err
		}
	}
	if mode == bufferevent.ModeFinished {
		return dst.AddString("end|")
	}
	return nil
}
