package evtest_test

import (
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
)

// serveGreetings has a host greet whoever connects, as serveGreeting of the example of
// the package does, and returns what ends that.
func serveGreetings(w *evtest.World, h *evtest.Host) (stop func()) {
	var l *listener.Listener
	h.Do(func() {
		var err error
		l, err = listener.NewBind(h.Base(), h.AddrPort(7), listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog,
			func(_ *listener.Listener, fd int, _ netip.AddrPort) {
				b, err := bufferevent.NewSocket(h.Base(), fd, bufferevent.CloseOnFree)
				if err != nil {
					w.T().Error(err)
					return
				}
				if err := serveGreeting(b); err != nil {
					w.T().Error(err)
				}
				_ = b.Enable(event.Read)
			})
		if err != nil {
			w.T().Error(err)
		}
	})
	return func() { h.Do(l.Free) }
}

// greet has a host ask another for a greeting, and returns the answer, and the error
// with which the stream ended.
func greet(w *evtest.World, h *evtest.Host, server netip.AddrPort, name string) (answer string, err error) {
	ended := false
	h.Do(func() {
		b, failed := bufferevent.NewSocket(h.Base(), -1, bufferevent.CloseOnFree)
		if failed != nil {
			err, ended = failed, true
			return
		}
		b.SetCallbacks(func(b *bufferevent.Bufferevent) {
			p := make([]byte, b.Input().Len())
			_, _ = b.Input().Remove(p)
			answer += string(p)
		}, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
			if what&bufferevent.EventConnected == 0 {
				err, ended = b.Err(), true
				b.Free()
			}
		})
		_ = b.Enable(event.Read)
		_, _ = b.WriteString(name + "\n")
		if failed := b.Connect(server); failed != nil {
			err, ended = failed, true
			b.Free()
		}
	})
	w.Await("the end of the stream", func() bool { return ended })
	return answer, err
}

// A server that greets, and a client on another host, in 50 worlds: whatever happens to
// the connection, what arrives is the beginning of a greeting.
func ExampleSimulate() {
	run(func(t *testing.T) {
		evtest.Simulate(t, evtest.Simulation{Seeds: 50}, func(w *evtest.World) {
			server, client := w.Host("server"), w.Host("client")
			faults := w.Faults()
			w.SetFaults(evtest.Faults{}) // or the server might not get a socket
			stop := serveGreetings(w, server)
			w.SetFaults(faults)
			const whole = "hello, Ada\r\n"
			answer, err := greet(w, client, server.AddrPort(7), "Ada")
			if len(answer) > len(whole) || answer != whole[:len(answer)] {
				w.Failf("the answer is %q, then %v", answer, err)
			}
			w.Run(2 * time.Minute) // in which the server gives up what has failed
			stop()
		})
	})
	// Output: passed: true
}

// A host that crashes is not there until it starts, and then its program has to be
// started as well.
func ExampleHost_Stop() {
	run(func(t *testing.T) {
		evtest.Simulate(t, evtest.Simulation{}, func(w *evtest.World) {
			w.SetFaults(evtest.Faults{Latency: 10 * time.Millisecond})
			server, client := w.Host("server"), w.Host("client")
			serveGreetings(w, server)
			server.Stop()
			w.At(time.Minute, server.Start)
			before := w.Now()
			if answer, err := greet(w, client, server.AddrPort(7), "Ada"); answer != "" || err == io.EOF {
				w.Failf("the answer is %q, then %v", answer, err) // and not a refusal
			}
			if w.Now().Sub(before) < time.Minute {
				w.Failf("a host without power has refused a connection")
			}
			stop := serveGreetings(w, server)
			if answer, err := greet(w, client, server.AddrPort(7), "Ada"); answer != "hello, Ada\r\n" || err != io.EOF {
				w.Failf("the answer is %q, then %v", answer, err)
			}
			stop()
		})
	})
	// Output: passed: true
}

// What is on its way when the network is cut arrives after all if the network is mended
// before TCP gives up.
func ExampleWorld_Cut() {
	run(func(t *testing.T) {
		evtest.Simulate(t, evtest.Simulation{}, func(w *evtest.World) {
			w.SetFaults(evtest.Faults{Latency: 10 * time.Millisecond})
			server, client := w.Host("server"), w.Host("client")
			stop := serveGreetings(w, server)
			w.At(25*time.Millisecond, func() { w.Cut(server, client) }) // the name is on its way
			w.At(30*time.Second, func() { w.Mend(server, client) })
			if answer, err := greet(w, client, server.AddrPort(7), "Ada"); answer != "hello, Ada\r\n" || err != io.EOF {
				w.Failf("the answer is %q, then %v", answer, err)
			}
			w.Run(time.Minute) // in which the server learns of the end
			stop()
		})
	})
	// Output: passed: true
}

// A scenario that needs all of its connections has no use for some faults, and can do
// with more of others.
func ExampleFaults() {
	s := evtest.Simulation{Faults: func(f *evtest.Faults) {
		f.Reset, f.Refuse, f.Vanish, f.NoDescriptors, f.NoBuffers = 0, 0, 0, 0, 0
		f.Split = 1 // each piece of a stream is split at some byte
	}}
	run(func(t *testing.T) {
		evtest.Simulate(t, s, func(w *evtest.World) {
			server, client := w.Host("server"), w.Host("client")
			stop := serveGreetings(w, server)
			if answer, err := greet(w, client, server.AddrPort(7), "Ada"); answer != "hello, Ada\r\n" || err != io.EOF {
				w.Failf("the answer is %q, then %v", answer, err)
			}
			w.Run(time.Minute)
			stop()
		})
	})
	// Output: passed: true
}

// A checker of what arrives, wherever the network splits it.
func ExampleWorld_Bytes() {
	run(func(t *testing.T) {
		evtest.Simulate(t, evtest.Simulation{}, func(w *evtest.World) {
			h := w.Host("host")
			b := w.Bytes("a to b")
			ended := false
			h.Do(func() {
				from, to, err := bufferevent.NewPair(h.Base(), 0)
				if err != nil {
					t.Error(err)
					return
				}
				to.SetCallbacks(func(to *bufferevent.Bufferevent) {
					p := make([]byte, to.Input().Len())
					_, _ = to.Input().Remove(p)
					b.Check(p)
				}, nil, func(*bufferevent.Bufferevent, bufferevent.Events) {
					b.End()
					ended = true
					from.Free()
					to.Free()
				})
				_ = to.Enable(event.Read)
				_, _ = from.Write(b.Take(10000))
				_ = from.CloseWrite()
			})
			w.Await("the end", func() bool { return ended })
		})
	})
	// Output: passed: true
}
