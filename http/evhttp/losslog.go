package evhttp

import (
	"errors"
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/evutil"
)

// logLoss logs why a connection was lost, if a system call has failed for another
// reason than that the client is gone. Clients cannot cause such failures alone,
// and nobody else would tell of them.
func (s *Server) logLoss(client netip.AddrPort, err error) {
	if _, system := errors.AsType[syscall.Errno](err); system && !evutil.IsDisconnect(err) {
		s.logFailure("evhttp: connection lost", client, err)
	}
}

// logFailure logs what has gone wrong with a connection. Such failures come in
// crowds, so the messages are limited.
func (s *Server) logFailure(msg string, client netip.AddrPort, err error) {
	s.losses.Warn(s.base.Now(), msg, "client", client, "error", err)
}
