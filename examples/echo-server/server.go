package main

import (
	"log"
	"slices"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/examples/internal/sock"
)

// A server is one loop with its listener and the connections that came from it.
// All of it belongs to the goroutine that runs the loop.
type server struct {
	base     *event.Base
	listener *sock.Listener
	accept   event.Event

	// buf is what all connections read into. One that cannot write its part
	// at once copies what is left, so that idle ones need no memory.
	buf [64 << 10]byte
}

// newServer listens at addr, with shared together with other listeners. An
// empty method is the best one.
func newServer(addr, method string, shared bool) (*server, error) {
	base, err := event.NewBaseWithConfig(&event.Config{AvoidMethods: allBut(method)})
	if err != nil {
		return nil, err
	}
	s := &server{base: base}
	if err := s.listen(addr, shared); err != nil {
		base.Free()
		return nil, err
	}
	if err := s.watch(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// allBut returns the names of all methods but one.
func allBut(method string) []string {
	if method == "" {
		return nil
	}
	return slices.DeleteFunc(event.SupportedMethods(), func(name string) bool { return name == method })
}

func (s *server) listen(addr string, shared bool) (err error) {
	if shared {
		s.listener, err = sock.Listen(addr, evutil.SetListenReusePort)
	} else {
		s.listener, err = sock.Listen(addr)
	}
	return err
}

// watch adds the events of the server itself.
func (s *server) watch() error {
	if err := s.accept.Assign(s.base, s.listener.FD(), event.Read|event.Persist, s.onConnection); err != nil {
		return err
	}
	if err := s.accept.Add(); err != nil {
		return err
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ev, err := s.base.NewSignal(sig, onSignal)
		if err != nil {
			return err
		}
		if err := ev.Add(); err != nil {
			return err
		}
	}
	return nil
}

func onSignal(ev *event.Event, _ event.What) { ev.Base().LoopBreak() }

// close must not be called while the loop runs.
func (s *server) close() {
	s.base.Free()
	s.listener.Close()
}

// onConnection takes the connections that wait, though not so many that the
// others starve. If there are more it is called again.
func (s *server) onConnection(*event.Event, event.What) {
	for range 64 {
		fd, err := s.listener.Accept()
		if evutil.IsAcceptRetriable(err) {
			return
		}
		if err == nil {
			err = s.welcome(fd)
		}
		if err != nil {
			log.Print("accept: ", err)
			s.pause()
			return
		}
	}
}

// pause stops accepting for a second. The usual reason is that the process has
// as many descriptors as it may have; to try again at once would only burn time.
func (s *server) pause() {
	s.accept.Del()
	resume := func(*event.Event, event.What) {
		if err := s.accept.Add(); err != nil {
			log.Fatal(err)
		}
	}
	if err := s.base.Once(-1, event.Timeout, time.Second, resume); err != nil {
		log.Fatal(err)
	}
}
