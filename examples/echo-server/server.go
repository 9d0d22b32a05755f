package main

import (
	"log"
	"net/netip"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/pthreads"
)

// A server is what the loops have in common, and it does not change.
type server struct {
	// buffers has a buffer for each loop, which all of its connections read
	// into. One that cannot write its part at once copies what is left, so
	// that idle ones need no memory.
	buffers map[*event.Base][]byte
}

func newServer(group *pthreads.Group) *server {
	s := &server{buffers: make(map[*event.Base][]byte)}
	for i := range group.Len() {
		s.buffers[group.Base(i)] = make([]byte, 64<<10)
	}
	return s
}

// welcome starts to serve a connection, on the loop that is to do so.
func (s *server) welcome(b *event.Base, fd int, peer netip.AddrPort) {
	if err := serve(b, fd, s.buffers[b]); err != nil {
		log.Printf("%v: %v", peer, err)
	}
}
