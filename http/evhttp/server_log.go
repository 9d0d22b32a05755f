package evhttp

import (
	"errors"
	"io"
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/evutil"
)

// SetLogCallback sets what is called for each request that is over and had an
// answer, complete or cut off, which its connection's end tells.
func (s *Server) SetLogCallback(fn func(r *Request)) { s.cfg.OnAnswer = fn }

// SetAccessLog writes a line to w for each request, in the Combined Log Format.
// Each is one call of Write, on the loop, which waits for it; nil ends that. It
// takes the place of SetLogCallback.
func (s *Server) SetAccessLog(w io.Writer) {
	if w == nil {
		s.cfg.OnAnswer = nil
		return
	}
	var line []byte
	s.cfg.OnAnswer = func(r *Request) {
		e := r.LogEntry()
		line = append(e.AppendCombined(line[:0]), '\n')
		_, _ = w.Write(line) // a log that cannot be written must not keep requests from being answered
	}
}

// LogEntry returns what an access log has to say of a server's request. Its texts
// are valid as long as the request.
func (r *Request) LogEntry() AccessLogEntry {
	f := r.InputHeaders().fields()
	return AccessLogEntry{
		Peer: r.conn.PeerAddr().Addr(), Time: r.conn.base.Now(),
		Method: r.asked.Method(), Target: r.asked.Target(), Protocol: r.asked.Proto.String(),
		Status: r.code, Sent: r.sent,
		Referer: f.Get("Referer"), UserAgent: f.Get("User-Agent"),
	}
}

// log writes a request to the access log.
func (s *Server) log(r *Request) {
	if s.cfg.OnAnswer != nil {
		r.conn.invoke(r, s.cfg.OnAnswer)
	}
}

// logLoss logs why a connection was lost, if a system call has failed for another
// reason than that the client is gone. Clients cannot cause such failures alone,
// and nothing else reports them.
func (s *Server) logLoss(client netip.AddrPort, err error) {
	if _, system := errors.AsType[syscall.Errno](err); system && !evutil.IsDisconnect(err) {
		s.logFailure("evhttp: connection lost", client, err)
	}
}

// logFailure logs what has gone wrong with a connection. There may be very many such failures
// at a time, so the messages are limited.
func (s *Server) logFailure(msg string, client netip.AddrPort, err error) {
	s.losses.Warn(s.base.Now(), msg, "client", client, "error", err)
}
