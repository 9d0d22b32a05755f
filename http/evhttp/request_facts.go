package evhttp

import "github.com/go-libevent/libevent/http/internal/message"

// BodyLength returns the length in bytes of the body of the peer's message as its head
// announces it, 0 if there is none, and -1 if only its end will tell, as with chunks. The
// answer to HEAD has no body, whatever it announces. Before the head has come it is 0.
func (r *Request) BodyLength() int64 {
	if r.incoming == nil {
		return 0
	}
	return max(r.incoming.Length, message.Unknown)
}

// SwitchesProtocol reports whether another protocol follows the answer that has come:
// after 101, or 2xx to CONNECT. See [Request.Hijack].
func (r *Request) SwitchesProtocol() bool {
	return r.incoming != nil && r.incoming.Length == message.Tunnel
}

// KeepAlive reports whether the peer's message allows for another one on its connection
// (RFC 9112, section 9.3).
func (r *Request) KeepAlive() bool { return r.incoming != nil && r.incoming.KeepAlive }

// ExpectsContinue reports whether the client waits for an interim or final response
// before it sends the body (RFC 9110, section 10.1.1). It is false on a client.
func (r *Request) ExpectsContinue() bool {
	return r.asked != nil && r.asked.Expect == message.ExpectContinue
}

// Authority returns the host and port that the request is for, as they were sent: those
// of the target if it has them, otherwise the Host field. It is empty on a client.
func (r *Request) Authority() string {
	if r.asked == nil {
		return ""
	}
	return string(r.asked.Host())
}

// Reused reports on a client whether the connection that has the request has carried
// another one before. It is false while the request waits for a connection, and after
// its end.
func (r *Request) Reused() bool {
	return r.client != nil && r.client.conn != nil && r.client.conn.reused
}

// Stale reports on a client whether the request has failed because the server had closed
// a connection that was kept for it, before anything of the answer came. A request whose
// effect is the same when it is received twice may be sent again; without a body that
// follows the client has done that already, where it could.
func (r *Request) Stale() bool { return r.client != nil && r.client.stale }
