package evhttp

import "math"

// A ServerConn is a connection that a server has accepted (struct evhttp_connection). It
// belongs to the server, and to the goroutine that runs the loop.
type ServerConn struct {
	Conn
	server *Server
	place  int // in the server's list
}

// Server returns the server that has accepted the connection
// (evhttp_connection_get_server).
func (c *ServerConn) Server() *Server { return c.server }

// session returns the connection in what it speaks.
func (c *ServerConn) session() serverSession { return c.role.asServer() }

// ServerConn returns the connection that a server's request has come by, or nil once the
// request is over, and for a request that a client sends.
func (r *Request) ServerConn() *ServerConn {
	if c := r.Conn(); c != nil {
		return c.accepted()
	}
	return nil
}

// ClientConn returns the connection that a client's request is sent by, or nil once the
// request is over, while it waits for a connection of a [Client], and for a request to a
// server.
func (r *Request) ClientConn() *ClientConn {
	if r.client == nil {
		return nil
	}
	return r.client.conn
}

// bodyLimit returns the most bytes that the body of a request may have. What is not kept in
// memory has a limit only if one was set.
func (c *ServerConn) bodyLimit(r *Request) int64 {
	switch {
	case r.handler.maxBody > 0:
		return r.handler.maxBody
	case r.handler.maxBody < 0:
		return math.MaxInt64
	case c.maxBody > 0:
		return c.maxBody
	case c.maxBody < 0 || r.stream || r.handler.stream:
		return math.MaxInt64
	}
	return DefaultMaxBodySize
}
