package evfilter

import (
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
)

// A Direction is which way data pass a traced stream.
type Direction uint8

// The directions.
const (
	In  Direction = iota // from the peer
	Out                  // to the peer
)

// String returns "in" or "out".
func (d Direction) String() string {
	if d == In {
		return "in"
	}
	return "out"
}

// A Stream is one that is traced, as a Recorder knows it.
type Stream struct {
	// Number tells streams apart that a process traces.
	Number uint64
	// Local and Remote are its addresses when it was made, or later if there was no
	// connection yet; see bufferevent.Bufferevent.NetAddrs.
	Local, Remote net.Addr
}

// A Recorder is told what passes traced streams, at the time of their loops. Its methods are
// called on the loops, several at once if there are several, and must not keep p.
type Recorder interface {
	// Record is told of bytes that pass.
	Record(s *Stream, at time.Time, d Direction, p []byte)
	// End is told that the stream was freed.
	End(s *Stream, at time.Time)
}

// traced is the filter.
type traced struct {
	stream   Stream
	above    *bufferevent.Bufferevent
	under    *bufferevent.Bufferevent
	recorder Recorder
}

var streams atomic.Uint64

// NewTraced makes a bufferevent that passes everything on unchanged, without copying it, and
// tells a recorder of it, over under, which belongs to it as with bufferevent.NewFilter. The
// errors are those of that, and [ErrConfig] without a recorder.
func NewTraced(under *bufferevent.Bufferevent, r Recorder, opts bufferevent.Options) (*bufferevent.Bufferevent, error) {
	if r == nil {
		if under != nil && opts&bufferevent.CloseOnFree != 0 {
			under.Free()
		}
		return nil, fmt.Errorf("evfilter: new traced: %w: no recorder", ErrConfig)
	}
	t := &traced{stream: Stream{Number: streams.Add(1)}, under: under, recorder: r}
	b, err := bufferevent.NewFilter(under, t.in, t.out, opts, t.free)
	if err != nil {
		return nil, err
	}
	t.above = b
	return b, nil
}

func (t *traced) in(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	return t.pass(src, dst, limit, In)
}

func (t *traced) out(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	return t.pass(src, dst, limit, Out)
}

// pass records what goes on, and moves it.
func (t *traced) pass(src, dst *evbuffer.Buffer, limit int, d Direction) error {
	n := src.Len()
	if limit >= 0 {
		n = min(n, limit)
	}
	t.locate()
	now, left := t.under.Base().Now(), n
	for p, err := range src.Pieces() {
		if err != nil {
			return err
		}
		if left == 0 {
			break
		}
		p = p[:min(len(p), left)]
		left -= len(p)
		t.recorder.Record(&t.stream, now, d, p)
	}
	_, err := src.RemoveBuffer(dst, n)
	return err
}

// locate asks for the addresses until there is a connection.
func (t *traced) locate() {
	if t.stream.Remote == nil || t.stream.Remote.Network() == "bufferevent" {
		t.stream.Local, t.stream.Remote = t.under.NetAddrs()
	}
}

func (t *traced) free() { t.recorder.End(&t.stream, t.under.Base().Now()) }
