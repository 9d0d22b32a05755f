package bridge_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// echo connects a Writer with a Reader on the loop.
type echo struct {
	w     bridge.Writer
	r     bridge.Reader
	queue evbuffer.Buffer // taken from w, and not put into r
	ended error
}

func newEcho(base *event.Base, high int) *echo {
	e := new(echo)
	e.w.Init(base, bridge.Config{High: high, Ready: e.move})
	e.r.Init(base, bridge.Config{High: high, Ready: e.move})
	return e
}

func (e *echo) move() {
	if err := e.r.Err(); err != nil && err != io.EOF { // nobody reads any more
		e.w.End(err)
		return
	}
	if _, err := e.w.Take(&e.queue); err != nil {
		e.ended = err
	}
	before := e.queue.Len()
	e.r.Put(&e.queue)
	e.w.Ack(before - e.queue.Len())
	if e.ended != nil && e.queue.Len() == 0 {
		e.r.End(e.ended)
	}
}

// Every byte arrives once and in order, whatever the sizes, while deadlines pass.
func TestBytesArriveInOrder(t *testing.T) {
	onEveryMethod(t, func(t *testing.T, base *event.Base) {
		size := 300 << 10
		if testing.Short() {
			size = 30 << 10
		}
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i ^ i>>8 ^ i>>16)
		}
		var group sync.WaitGroup
		for seed := range uint64(4) {
			e := newEcho(base, 1<<(4*seed)) // 1 byte to 4 KiB
			data := data[:len(data)>>(6-2*seed)]
			group.Go(func() { writeAll(t, &e.w, data, rand.New(rand.NewPCG(seed, 1))) })
			group.Go(func() { readAll(t, &e.r, data, rand.New(rand.NewPCG(seed, 2))) })
		}
		group.Wait()
	})
}

func writeAll(t *testing.T, w *bridge.Writer, data []byte, r *rand.Rand) {
	for len(data) > 0 {
		part := data[:min(len(data), 1+r.IntN(5000))]
		n := 0
		var err error
		switch r.IntN(3) {
		case 0:
			b := evbuffer.New()
			if err = b.Add(part); err == nil {
				err = w.WriteBuffer(b)
			}
			n = len(part) - b.Len()
		case 1:
			err = w.SetDeadline(time.Now().Add(time.Duration(r.IntN(100)) * time.Microsecond))
			if err == nil {
				n, _ = w.Write(part)
				err = w.SetDeadline(time.Time{})
			}
		default:
			n, err = w.Write(part)
		}
		if err != nil {
			t.Error(err)
			return
		}
		data = data[n:]
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
}

func readAll(t *testing.T, from *bridge.Reader, data []byte, r *rand.Rand) {
	p := make([]byte, 5000)
	for total := 0; ; {
		timed := r.IntN(3) == 0
		if timed {
			if err := from.SetDeadline(time.Now().Add(time.Duration(r.IntN(100)) * time.Microsecond)); err != nil {
				t.Error(err)
				return
			}
		}
		n, err := from.Read(p[:1+r.IntN(len(p))])
		if timed {
			if failed := from.SetDeadline(time.Time{}); failed != nil {
				t.Error(failed)
				return
			}
		}
		if n > len(data)-total || !bytes.Equal(p[:n], data[total:total+n]) {
			t.Errorf("other bytes after %d", total)
			return
		}
		total += n
		if err == io.EOF {
			if total != len(data) {
				t.Errorf("%d bytes of %d", total, len(data))
			}
			return
		}
	}
}

// All methods may be called by many goroutines at the same time, and everything ends.
func TestManyGoroutines(t *testing.T) {
	onEveryMethod(t, func(t *testing.T, base *event.Base) {
		for seed := range uint64(10) {
			e := newEcho(base, 16)
			var group sync.WaitGroup
			start := make(chan struct{})
			for range 2 {
				group.Go(func() {
					<-start
					for {
						if _, err := e.w.Write(make([]byte, 100)); err != nil {
							return
						}
					}
				})
				group.Go(func() {
					<-start
					for p := make([]byte, 10); ; {
						if _, err := e.r.Read(p); err != nil {
							return
						}
					}
				})
				group.Go(func() { <-start; _ = e.w.Flush() }) // fails when the pipe ends first
			}
			group.Go(func() {
				r := rand.New(rand.NewPCG(seed, 3))
				<-start
				for range 20 {
					_ = e.w.SetDeadline(time.Now().Add(time.Hour))
					_ = e.r.SetDeadline(time.Now().Add(time.Hour))
					e.w.Len()
					_ = e.r.Err()
				}
				switch r.IntN(4) {
				case 0:
					_ = e.r.Close()
					_ = e.w.Close()
				case 1:
					_ = e.w.CloseWithError(io.ErrNoProgress)
					_ = e.r.CloseWithError(io.ErrNoProgress)
				case 2:
					_ = e.w.SetDeadline(time.Now())
					_ = e.r.SetDeadline(time.Now())
				case 3:
					_ = base.Post(func() { e.w.End(io.ErrNoProgress); e.r.End(nil) })
				}
			})
			close(start)
			group.Wait()
			evtest.Do(t, base, func() { e.w.End(io.EOF); e.r.End(nil) })
		}
	})
}
