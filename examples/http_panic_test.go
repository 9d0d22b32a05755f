package examples

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/pthreads"
)

// TestPanicsWithLocks has a handler panic on streams with locks, some of which hold
// them while callbacks run. Other goroutines can use the base after that.
func TestPanicsWithLocks(t *testing.T) {
	if err := pthreads.Use(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // which deserves its warnings, but not here
		defer slog.SetDefault(slog.Default())
		slog.SetDefault(slog.New(slog.DiscardHandler))
		evthread.SetLockCallbacks(nil)
		evthread.SetConditionCallbacks(nil)
		evthread.SetIDCallback(nil)
	})
	const locked = bufferevent.CloseOnFree | bufferevent.ThreadSafe
	for _, options := range []bufferevent.Options{locked, locked | bufferevent.DeferCallbacks, locked | bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks} {
		t.Run(fmt.Sprintf("options=%d", options), func(t *testing.T) {
			base, err := event.NewBase()
			if err != nil {
				t.Fatal(err)
			}
			s := evhttp.NewServer(base)
			var stream *bufferevent.Bufferevent
			s.SetStreamFunc(func(base *event.Base, fd int) (_ *bufferevent.Bufferevent, err error) {
				stream, err = bufferevent.NewSocket(base, fd, options)
				return stream, err
			})
			panics := make(chan *bufferevent.Bufferevent, 1)
			s.SetPanicCallback(func(*evhttp.Request, any) { panics <- stream })
			s.SetGenericCallback(func(*evhttp.Request) { panic("boom") })
			bound, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				if err := base.Dispatch(); err != nil {
					t.Error(err)
				}
			}()
			for range 3 {
				resp, err := http.Get("http://" + bound.AddrPort().String() + "/")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 500 || !resp.Close {
					t.Errorf("%s, close %t, %v", resp.Status, resp.Close, err)
				}
				resp.Body.Close()
				b := <-panics
				b.Lock() // which waits for ever for one that was left locked
				b.Unlock()
			}
			if err := base.Post(func() { s.Free(); base.LoopExit(0) }); err != nil {
				t.Fatal(err)
			}
			<-done
			base.Free()
		})
	}
}
