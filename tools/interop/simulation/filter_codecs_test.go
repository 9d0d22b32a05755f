package simulation_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A streamCodec is a pair of filters, of which one undoes what the other has done, and
// so what both ends of a link have over the stream.
type streamCodec struct {
	name string
	// encode and decode make filters with a state of their own, or nil to pass
	// everything on.
	encode, decode func(l *streamLayer) bufferevent.Filter
	layers         []*streamLayer
}

// codecs are those that there are. Each works for any division of the bytes.
func codecs() []*streamCodec {
	return []*streamCodec{
		{name: "nothing"},
		{name: "xor", encode: xorFilter, decode: xorFilter},
		{name: "doubling", encode: doublingFilter, decode: halvingFilter},
		{name: "framing", encode: framingFilter, decode: unframingFilter},
		{name: "holding", encode: holdingFilter},
		{name: "late", decode: holdingFilter},
	}
}

// drawStack draws what is over a link.
func (l *streamLink) drawStack() {
	all := codecs()
	for range 1 + l.rand.IntN(2+l.rand.IntN(4)) {
		c := *all[l.rand.IntN(len(all))]
		l.stack = append(l.stack, &c)
	}
	l.failing = l.rand.IntN(8) == 0
}

// checkFreed sees that the filters were freed.
func (c *streamCodec) checkFreed(s *streamScenario) {
	for _, l := range c.layers {
		if l.freed != 1 && l.end.state != endDead {
			s.world.Failf("%s: the filter %q was freed %d times", l.end.name, c.name, l.freed)
		}
	}
}

// A streamLayer is a filter over an end.
type streamLayer struct {
	end   *streamEnd
	codec *streamCodec
	rand  *rand.Rand
	freed int
	kept  [2][]byte // by direction: what the filters keep to themselves
	ended [2]bool   // they were told that no more comes
	busy  [2]bool   // they are called
	fail  [2]int    // bytes until they fail, or -1
}

// errFilter is what filters fail with.
var errFilter = errors.New("a filter has failed")

// addLayers puts the filters of the link over the end, and reports whether that was
// possible.
func (e *streamEnd) addLayers() bool {
	l := e.link
	for _, c := range l.stack {
		layer := &streamLayer{end: e, codec: c, rand: rand.New(rand.NewPCG(e.rand.Uint64(), 4)), fail: [2]int{-1, -1}}
		if l.failing && e.fails == nil && e.rand.IntN(3) == 0 {
			layer.fail[e.rand.IntN(2)] = e.rand.IntN(2000)
			e.fails = errFilter
		}
		if e.rand.IntN(3) == 0 { // marks in the middle
			if err := errors.Join(e.b.SetWatermark(event.Read, 0, 1+e.rand.IntN(2000)), e.b.SetWatermark(event.Write, 0, 1+e.rand.IntN(2000))); err != nil {
				e.errorf("set watermark: %v", err)
			}
		}
		in, out := layer.wrap(c.decode, 0), layer.wrap(c.encode, 1)
		opts := bufferevent.CloseOnFree
		if e.rand.IntN(4) == 0 {
			opts |= bufferevent.DeferCallbacks
		}
		e.deferred = true // the loop tells of what has waited for room, or for a direction
		b, err := bufferevent.NewFilter(e.b, in, out, opts, func() { layer.freed++ })
		if err != nil {
			e.errorf("new filter: %v", err)
			e.scenario.left--
			return false
		}
		if b.Underlying() != e.b {
			e.errorf("the filter is not over what it was put over")
		}
		e.b = b
		e.layers = append(e.layers, layer)
		c.layers = append(c.layers, layer)
	}
	return true
}

// wrap makes a filter of a direction that checks how it is called, and fails when it is
// to fail.
func (l *streamLayer) wrap(create func(*streamLayer) bufferevent.Filter, way int) bufferevent.Filter {
	var filter bufferevent.Filter
	switch {
	case create != nil:
		filter = create(l)
	case l.fail[way] < 0 && l.rand.IntN(2) == 0:
		return nil
	default:
		filter = passFilter
	}
	return func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
		e := l.end
		switch {
		case l.busy[way]:
			e.errorf("the filter %q is called within itself", l.codec.name)
		case l.freed > 0:
			e.errorf("the filter %q is called after it was freed", l.codec.name)
		case l.ended[way]:
			e.errorf("the filter %q is called after its end", l.codec.name)
		}
		l.busy[way] = true
		defer func() { l.busy[way] = false }()
		l.ended[way] = mode == bufferevent.ModeFinished
		if mode == bufferevent.ModeFinished && limit >= 0 {
			e.errorf("the filter %q has a limit at the end", l.codec.name)
		}
		before, had := src.Len(), dst.Len()
		err := filter(src, dst, limit, mode)
		if gave := dst.Len() - had; limit >= 0 && gave > limit {
			panic(fmt.Sprintf("the filter %q has given %d bytes, its limit is %d", l.codec.name, gave, limit))
		}
		return l.failAfter(way, before-src.Len(), err)
	}
}

// failAfter returns the error of a filter that fails at some byte.
func (l *streamLayer) failAfter(way, took int, err error) error {
	if l.fail[way] < 0 {
		return err
	}
	if l.fail[way] -= took; l.fail[way] <= 0 && took > 0 {
		l.fail[way] = 0
		l.end.cut = true
		if l.end.peer != nil && way == 0 {
			l.end.peer.cut = true
		}
		return errFilter
	}
	return err
}

func passFilter(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	if limit < 0 {
		return dst.AddBuffer(src)
	}
	_, err := src.RemoveBuffer(dst, limit)
	return err
}

// take removes up to most bytes from a buffer; -1 is all.
func takeBytes(src *evbuffer.Buffer, most int) []byte {
	n := src.Len()
	if most >= 0 {
		n = min(n, most)
	}
	p := make([]byte, n)
	_, _ = src.Remove(p) // there are as many
	return p
}

// xorFilter changes each byte.
func xorFilter(*streamLayer) bufferevent.Filter {
	return func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		p := takeBytes(src, limit)
		for i := range p {
			p[i] ^= 0x5a
		}
		return dst.Add(p)
	}
}

// doublingFilter makes two bytes of each, the other of which is its complement.
func doublingFilter(*streamLayer) bufferevent.Filter {
	return func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		if limit >= 0 {
			limit /= 2
		}
		p := takeBytes(src, limit)
		q := make([]byte, 0, 2*len(p))
		for _, c := range p {
			q = append(q, c, ^c)
		}
		return dst.Add(q)
	}
}

// halvingFilter undoes doublingFilter.
func halvingFilter(l *streamLayer) bufferevent.Filter {
	return func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		if src.Len() < 2 {
			return bufferevent.ErrNeedMore
		}
		n := src.Len() / 2
		if limit >= 0 {
			n = min(n, limit)
		}
		q := takeBytes(src, 2*n)
		p := make([]byte, 0, n)
		for i := 0; i < len(q); i += 2 {
			if q[i] != ^q[i+1] {
				l.end.errorf("the filter below %q has lost or added a byte", l.codec.name)
			}
			p = append(p, q[i])
		}
		return dst.Add(p)
	}
}

// frameSize is the length of a frame, after two bytes that say so.
const frameSize = 100

// framingFilter makes frames of what it gets: full ones, unless it is flushed.
func framingFilter(l *streamLayer) bufferevent.Filter {
	return func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
		gave := 0
		for src.Len() >= frameSize || src.Len() > 0 && mode != bufferevent.ModeNormal {
			n := min(src.Len(), frameSize)
			if limit >= 0 && gave+2+n > limit {
				return nil
			}
			frame := binary.BigEndian.AppendUint16(nil, uint16(n))
			if err := dst.Add(append(frame, takeBytes(src, n)...)); err != nil {
				return err
			}
			gave += 2 + n
		}
		if src.Len() > 0 {
			return bufferevent.ErrNeedMore
		}
		return nil
	}
}

// unframingFilter undoes framingFilter. It keeps what there is no room for.
func unframingFilter(l *streamLayer) bufferevent.Filter {
	return func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		for {
			n := len(l.kept[0])
			if limit >= 0 {
				n = min(n, limit)
				limit -= n
			}
			if err := dst.Add(l.kept[0][:n]); err != nil {
				return err
			}
			if l.kept[0] = l.kept[0][n:]; len(l.kept[0]) > 0 {
				return nil
			}
			head := make([]byte, 2)
			if k, _ := src.CopyOut(head); k < 2 {
				return bufferevent.ErrNeedMore
			}
			size := int(binary.BigEndian.Uint16(head))
			if size > frameSize {
				l.end.errorf("a frame of %d bytes", size)
				return errFilter
			}
			if src.Len() < 2+size {
				return bufferevent.ErrNeedMore
			}
			l.kept[0] = takeBytes(src, 2+size)[2:]
		}
	}
}

// holdingFilter keeps what it gets until it has much, or is flushed.
func holdingFilter(l *streamLayer) bufferevent.Filter {
	var kept []byte
	most := 1 + l.rand.IntN(300)
	return func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
		if len(kept) <= most || mode != bufferevent.ModeNormal {
			kept = append(kept, takeBytes(src, -1)...)
		}
		if len(kept) <= most && mode == bufferevent.ModeNormal {
			return nil
		}
		n := len(kept)
		if limit >= 0 {
			n = min(n, limit)
		}
		err := dst.Add(kept[:n])
		kept = kept[n:]
		return err
	}
}
