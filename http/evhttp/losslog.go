package evhttp

import (
	"errors"
	"log/slog"
	"net/netip"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
)

// lossLogPause is the least time between two messages of a lossLog: the failures
// that it is for come in crowds.
const lossLogPause = time.Second

// lossLog limits messages about connections that were lost by a failure on this
// side.
type lossLog struct {
	next    time.Time // when there may be another message
	skipped int       // since the last one
}

// logLoss logs why a connection was lost, if a system call has failed for another
// reason than that the client is gone. Clients cannot cause such failures alone,
// and nobody else would tell of them.
func (s *Server) logLoss(client netip.AddrPort, err error) {
	if _, system := errors.AsType[syscall.Errno](err); system && !evutil.IsDisconnect(err) {
		s.complain("connection lost", client, err)
	}
}

// complain logs what has gone wrong with a connection.
func (s *Server) complain(msg string, client netip.AddrPort, err error) {
	l, now := &s.losses, s.base.Now()
	if now.Before(l.next) {
		l.skipped++
		return
	}
	args := []any{"client", client, "error", err}
	if l.skipped > 0 {
		args = append(args, "more", l.skipped)
	}
	slog.Warn("evhttp: "+msg, args...)
	*l = lossLog{next: now.Add(lossLogPause)}
}
