package evtls

import (
	"container/list"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
)

const (
	// DefaultChallengeTimeout is how long a client of a ChallengeServer may
	// take if nothing else is said.
	DefaultChallengeTimeout = 10 * time.Second
	// DefaultChallengeConns is how many clients it has at a time if nothing
	// else is said.
	DefaultChallengeConns = 100
	// maxRequest is how long a request may be, in bytes.
	maxRequest = 4 << 10
	// maxToken is how long a challenge's token may be. Those of today have 43
	// characters.
	maxToken = 256
	// maxDrained is how much is read and thrown away after a request.
	maxDrained = 16 << 10
)

// ChallengeConfig says how to make a ChallengeServer.
type ChallengeConfig struct {
	// Answer returns what to answer to the challenge at path, which begins
	// with /.well-known/acme-challenge/, of a host, which has no port; an
	// error makes that a 404. It is called in a goroutine of its own, and ctx
	// is done when the client has no more time.
	Answer func(ctx context.Context, host, path string) ([]byte, error)

	// Redirect sends all other requests to the same place with https, at the
	// port RedirectPort, which is 443 if it is zero. Without it they get a 404.
	Redirect     bool
	RedirectPort uint16

	// Timeout bounds the time of a connection; zero is
	// DefaultChallengeTimeout.
	Timeout time.Duration

	// MaxConns bounds the number of connections; zero is
	// DefaultChallengeConns. Beyond that the oldest one has to go, so that
	// idlers do not keep the authority out.
	MaxConns int

	// OnError is told on the loop what goes wrong with accepting connections
	// or answering, but not of challenges that nobody knows (ErrNoChallenge).
	// Nil is nobody.
	OnError func(err error)
}

// A ChallengeServer answers ACME's HTTP-01 challenges on a loop, and nothing
// else. It is an HTTP server of the smallest kind: it takes one GET or HEAD
// request a connection, without a body, and closes that. Requests that are not
// exactly as the standard wants them are refused.
type ChallengeServer struct {
	base     *event.Base
	cfg      ChallengeConfig
	listener *listener.Listener
	conns    list.List // of *challengeConn, the oldest first
	asking   int       // calls of Answer
}

// NewChallengeServer begins to listen at addr. The error is that of
// listener.NewBind, or bufferevent.ErrNil if there is no base or Answer. It
// belongs to the goroutine that runs the loop of base.
func NewChallengeServer(base *event.Base, addr netip.AddrPort, cfg *ChallengeConfig) (*ChallengeServer, error) {
	const op = "new challenge server"
	if base == nil || cfg == nil || cfg.Answer == nil {
		return nil, opError(op, bufferevent.ErrNil)
	}
	s := &ChallengeServer{base: base, cfg: *cfg}
	if s.cfg.Timeout <= 0 {
		s.cfg.Timeout = DefaultChallengeTimeout
	}
	if s.cfg.MaxConns <= 0 {
		s.cfg.MaxConns = DefaultChallengeConns
	}
	if s.cfg.RedirectPort == 0 {
		s.cfg.RedirectPort = 443
	}
	if s.cfg.OnError == nil {
		s.cfg.OnError = func(error) {}
	}
	var err error
	s.listener, err = listener.NewBind(base, addr, listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog, s.accept)
	if err != nil {
		return nil, opError(op, err)
	}
	s.listener.SetErrorCallback(func(_ *listener.Listener, err error) { s.cfg.OnError(err) })
	return s, nil
}

// Addr returns the address that the server listens at.
func (s *ChallengeServer) Addr() netip.AddrPort { return s.listener.AddrPort() }

// Free closes the listener and all connections. Freeing it again does nothing.
func (s *ChallengeServer) Free() {
	s.listener.Free()
	for s.conns.Len() > 0 {
		s.oldest().close()
	}
}

func (s *ChallengeServer) oldest() *challengeConn { return s.conns.Front().Value.(*challengeConn) }

// accept is called with a new connection.
func (s *ChallengeServer) accept(_ *listener.Listener, fd int, _ netip.AddrPort) {
	if s.conns.Len() >= s.cfg.MaxConns {
		s.oldest().close()
	}
	b, err := bufferevent.NewSocket(s.base, fd, bufferevent.CloseOnFree)
	if err != nil {
		s.cfg.OnError(opError("challenge", err))
		return
	}
	c := &challengeConn{server: s, bev: b}
	c.element = s.conns.PushBack(c)
	b.SetCallbacks(c.onRead, c.onWritten, c.onEvent)
	err = c.deadline.Assign(s.base, -1, 0, c.onDeadline)
	if err == nil {
		err = c.deadline.AddTimeout(s.cfg.Timeout)
	}
	if err == nil {
		err = b.SetWatermark(event.Read, 0, maxRequest)
	}
	if err == nil {
		err = b.Enable(event.Read)
	}
	if err != nil {
		s.cfg.OnError(opError("challenge", err))
		c.close()
	}
}

// challengeConn is a client of a ChallengeServer.
type challengeConn struct {
	server   *ChallengeServer
	element  *list.Element
	bev      *bufferevent.Bufferevent
	deadline event.Event
	cancel   context.CancelFunc // of Answer, or nil
	head     bool               // the method is HEAD
	asked    bool               // the request is complete
	drained  int                // bytes after that
	replied  bool
	ended    bool // the client's stream
	closed   bool
}

func (c *challengeConn) onDeadline(*event.Event, event.What) { c.close() }

// onRead is called when there is more of the request.
func (c *challengeConn) onRead(b *bufferevent.Bufferevent) {
	in := b.Input()
	if c.asked {
		c.drain()
		return
	}
	end, err := in.Search([]byte("\r\n\r\n"), nil)
	if err != nil {
		if in.Len() >= maxRequest {
			c.reply(http.StatusRequestHeaderFieldsTooLarge, "", nil)
		}
		return
	}
	head := make([]byte, end.Pos())
	_, _ = in.Remove(head) // in memory, at an end that is not frozen
	r, status := parseRequest(string(head))
	c.head = r.method == http.MethodHead
	if status != 0 {
		c.reply(status, "", nil)
		return
	}
	c.serve(r)
}

// drain throws away what comes after the request.
func (c *challengeConn) drain() {
	in := c.bev.Input()
	c.drained += in.Len()
	in.Drain(in.Len())
	if c.drained > maxDrained {
		c.close()
	}
}

// serve answers a request.
func (c *challengeConn) serve(r challengeRequest) {
	s := c.server
	token, ok := r.challengeToken()
	switch {
	case ok && s.asking >= s.cfg.MaxConns:
		c.reply(http.StatusServiceUnavailable, "", nil)
	case ok:
		c.ask(r, challengePath+token)
	case s.cfg.Redirect && r.host != "" && !strings.HasPrefix(r.target, challengePath):
		c.reply(http.StatusFound, "https://"+s.secureHost(r.host)+r.target, nil)
	default:
		c.reply(http.StatusNotFound, "", nil)
	}
}

// secureHost returns the host to redirect to.
func (s *ChallengeServer) secureHost(host string) string {
	host = withoutPort(host)
	if s.cfg.RedirectPort == 443 {
		return host
	}
	return host + ":" + strconv.Itoa(int(s.cfg.RedirectPort))
}

// ask has Answer find the answer: that may have to look at a disk.
func (c *challengeConn) ask(r challengeRequest, path string) {
	s := c.server
	c.asked = true
	s.asking++
	s.base.AddVirtual()
	c.drain()
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Timeout)
	c.cancel = cancel
	go func() {
		body, err := s.cfg.Answer(ctx, withoutPort(r.host), path)
		cancel()
		s.base.Post(func() {
			s.base.DelVirtual()
			s.asking--
			c.answered(body, err)
		})
	}()
}

func (c *challengeConn) answered(body []byte, err error) {
	c.cancel = nil
	switch {
	case c.closed:
	case err == nil:
		c.reply(http.StatusOK, "", body)
	default:
		if !errors.Is(err, ErrNoChallenge) {
			c.server.cfg.OnError(opError("challenge", err))
		}
		if !c.closed {
			c.reply(http.StatusNotFound, "", nil)
		}
	}
}

// reply sends a response and ends the stream. Then the client ends its own, and
// what it sends till then is thrown away: closing the socket at once could take
// the response back.
func (c *challengeConn) reply(status int, location string, body []byte) {
	c.asked, c.replied = true, true
	if body == nil {
		body = []byte(http.StatusText(status) + "\n")
	}
	out := c.bev.Output()
	_, _ = out.Printf("HTTP/1.1 %d %s\r\n", status, http.StatusText(status))              // in memory, at an end that is not frozen
	_ = out.AddString("Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n") // in memory, at an end that is not frozen
	if location != "" {
		_, _ = out.Printf("Location: %s\r\n", location) // in memory, at an end that is not frozen
	}
	if status == http.StatusMethodNotAllowed {
		_ = out.AddString("Allow: GET, HEAD\r\n") // in memory, at an end that is not frozen
	}
	_, _ = out.Printf("Content-Length: %d\r\n\r\n", len(body)) // in memory, at an end that is not frozen
	if !c.head {
		_ = out.Add(body) // in memory, at an end that is not frozen
	}
	_ = c.bev.CloseWrite() // an error comes as an event
	c.drain()
}

// onWritten is called when the response has gone.
func (c *challengeConn) onWritten(*bufferevent.Bufferevent) {
	if c.replied && c.ended {
		c.close()
	}
}

// onEvent is called when the client has ended its stream, which it may do before
// it has the response, or when something has failed.
func (c *challengeConn) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		c.ended = true
		if waits := c.asked && (!c.replied || b.Output().Len() > 0); !waits {
			c.close()
		}
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		c.close()
	}
}

func (c *challengeConn) close() {
	if c.closed {
		return
	}
	c.closed = true
	c.server.conns.Remove(c.element)
	if c.cancel != nil {
		c.cancel()
	}
	c.deadline.Free()
	c.bev.Free()
}
