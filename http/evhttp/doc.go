// Package evhttp is HTTP/1.1 on the loop: a server and a client, without a
// goroutine for a connection. It is libevent's evhttp, in Go, and knows each
// thing by libevent's name.
//
// # A server
//
//	server := evhttp.NewServer(base)
//	server.Handle("/hello", func(r *evhttp.Request) {
//		r.SendReplyBytes(200, "", []byte("Hello, world\n"))
//	})
//	bound, err := server.Listen("127.0.0.1:8080")
//	...
//	err = base.Dispatch()
//
// [Server.Listen], [Server.Bind], [Server.BindUnix], [Server.AcceptSocket] and
// [Server.BindListener] say where it listens; [Server.Serve] and [Server.ServeFD]
// serve connections that were accepted, or made, elsewhere. The handler of a request is
// found by its host ([Server.AddVirtualHost], [Server.AddAlias]), and then by its path:
// the very path ([Server.Handle]), a pattern as in net/http's ServeMux
// ([Server.HandlePattern]), or the one for all others
// ([Server.SetGenericCallback]); otherwise there is 404, or 405.
//
// [NewServerWithConfig] takes a [ServerConfig], whose zero value is the default;
// libevent's setters change it later. [Servers] is a server on each loop of a
// group, for all cores.
//
// [Server.SetStreamFunc] makes the streams, of TLS for instance. Nothing of TLS
// is in this package; a function that calls evtls.NewSocket is all it takes.
//
// # Requests and replies
//
// A [Request] has the method, the target and the header fields of what came, and
// its body in [Request.Input]. One call answers: [Request.SendReply] with a
// buffer, which is moved and not copied, [Request.SendReplyBytes],
// [Request.SendError]. A long answer is sent part by part:
// [Request.SendReplyStart], [Request.SendReplyChunk], [Request.SendReplyEnd]. With
// [Request.SendReplyChunkFunc], or from a [BodySource] by
// [Request.SendReplySource], the next part is made when the one before has left,
// so that a client that reads slowly needs no memory. Package evfile answers with
// files and folders.
//
// A handler may answer later: keep the request, return, and answer from any
// other callback, or by [event.Base.Post] from any goroutine. What other requests
// have come on the connection waits. A request that is over says so, by
// [ErrDone], and never answers another one. [Request.Context] ends when the
// client has gone.
//
// The handler is called when the body is complete, which has a limit
// ([Server.SetMaxBodySize]). One of [Server.HandleStream] is called before, and
// gets the body as it comes ([Request.SetChunkCallback]); when it does not take
// it, no more is read.
//
// [Request.Hijack] takes the stream away from HTTP, after CONNECT or Upgrade.
//
// # Handlers of net/http
//
// Package evnethttp has a handler of net/http answer, in a goroutine for each request or
// on the loop, and makes a [Client] an http.RoundTripper, for http.Client and any
// goroutine.
//
// # A client
//
// A [ClientConn] is a connection to one host, which is made when there is a request, and
// again when there is one after it was closed:
//
//	conn, err := evhttp.NewClientConn(base, "example.com", 80, nil)
//	...
//	r := evhttp.NewRequest(func(r *evhttp.Request) {
//		if err := r.Err(); err != nil { ... }
//		use(r.ResponseCode(), r.InputHeaders(), r.Input())
//	})
//	err = conn.MakeRequest(r, evhttp.MethodGet, "/")
//
// Requests go one after the other; the same [Request] may be sent again and again,
// and then costs no memory. A body is what is in [Request.Output]; one that is made
// bit by bit follows after [ClientConn.StartRequest]. An answer is kept until it is
// complete, up to [DefaultMaxResponse], or taken as it comes
// ([Request.SetChunkCallback]); in both directions nothing piles up that the other
// side does not take. After "Expect: 100-continue" a body waits until it is wanted,
// or for a second.
//
// A [Client] takes URLs. It keeps connections for the next requests, has limits for
// each host, and goes through proxies; [ClientConfig] has all there is to choose. A
// [SecureFunc] makes TLS streams.
//
// A request that fails has an [Error] with a code and a reason. It is sent once,
// with one exception: if the server has closed a connection that it had kept just
// as the request came, it is sent on a new one, provided that it is still all there
// and either its method is idempotent (GET, PUT and others) or nothing of it had
// left. Connecting is tried again as [ClientConn.SetRetries] says.
//
// # Hostile peers
//
// A request that could be read in two ways is refused: with the right status, and
// the end of the connection. All that comes has limits ([Server.SetLimits],
// [Server.SetMaxBodySize], [Server.SetMaxConnections]) and timeouts
// ([Server.SetTimeouts]): a header must be there in time as a whole, a body come
// at a minimum rate, an answer be read. Answers that are not read keep further
// requests from being read. A connection that waits has no request and no
// buffers.
//
// Trailer fields are a list of their own ([Request.InputTrailers]), and never
// become header fields.
//
// # The end
//
// [Server.Shutdown] lets what is under way be answered, and [Server.Free] ends
// all at once. [Server.SetAccessLog] writes a line for each request.
//
// # URIs, queries, forms
//
// Package evuri reads URIs, queries and forms, and escapes.
//
// # Goroutines
//
// Servers, connections and requests belong to the goroutine of their loop.
// Callbacks may do anything to any of them, and free them.
//
// # Panics
//
// A panic in a handler or another callback passes through the loop, and the
// connection that it was for is closed; with [Server.SetPanicCallback] it ends there,
// with 500 and the end of that connection.
//
// # Coming from C
//
// What is different, besides the names:
//
//   - Each timeout is for one thing ([Timeouts]), and there are timeouts and
//     limits if none were set.
//   - A method that is not allowed is 405, with Allow; 501 is for those that
//     are not known.
//   - Pipelined requests are answered in turn. The header is complete when the
//     callback for new requests is called.
//   - The chunk callback is called at the end of the body, too, and what it
//     leaves stays in the input.
//   - Content-Length, Transfer-Encoding and Keep-Alive of an answer are the
//     server's to say. A length that is set announces that of an answer in parts.
//   - Misuse, such as a second answer, is an error.
//   - Callbacks of a client's request get the request when it has failed, too, and
//     no nil. One that is cancelled has its error callback called, whatever state
//     it was in.
//   - A client's Request belongs to the code that made it, and may be sent again.
//   - A close callback of a client is called each time that a connection ends.
//   - FreeOnCompletion frees a connection that could be kept, too.
//   - What only a client's connection can do is a method of [ClientConn], and its
//     settings are a [ConnConfig].
//
// # Inside
//
// A [Request] knows what HTTP means: which handler answers, what may be sent when, how long a body
// was announced to be. How its messages are framed is known to the exchange that carries
// it, of which there is one kind for each protocol and side. A session is a connection in what it
// speaks, and carries one exchange at a time or many: [Server], [ClientConn] and [Client] know of
// protocols no more than that. The heads of messages are
// those of internal/message, whatever has decoded them; files that begin with h1_ are all
// that knows HTTP/1.1, whose bytes internal/wire reads and writes.
//
// # Files
//
//	access_log.go        lines of access logs
//	client.go            Client: requests to any hosts
//	client_address.go    hosts and ports: as people write them, in URLs, in Host fields
//	client_config.go     ClientConfig and ConnConfig, and their defaults
//	client_conn.go       ClientConn, and how one is made
//	client_connect.go    connecting, through a proxy perhaps, retrying and failing of a ClientConn
//	client_exchange.go   a client's request on its way, from the queue to its end
//	disconnect_*.go      errors of a peer that reads no more
//	client_pool.go       the connections of a Client to one host, and what waits for them
//	turn.go              sets that are gone through in the order in which they were filled
//	client_queue.go      the requests of a ClientConn: what waits, what is next, how each ends
//	client_request.go    making requests, the stages of their sending, and why they fail
//	client_route.go      how hosts are reached: directly, or by a proxy
//	client_session.go    the seam between a ClientConn and what it speaks
//	client_settings.go   C's setters of a ClientConn
//	client_stream.go     what happens to the stream of a ClientConn, and its end
//	conn.go              Conn: what connections of both sides have in common
//	conn_timer.go        the timer of a connection
//	error_page.go        SendError
//	errors.go            errors
//	exchange.go          the seam between requests and protocols
//	h1_body.go           reading heads and bodies of HTTP/1.1, both sides
//	h1_client.go         a client's session of HTTP/1.1: its stream, its failures
//	h1_client_read.go    reading answers
//	h1_client_tunnel.go  CONNECT through a proxy
//	h1_client_write.go   sending requests
//	h1_server.go         a server's session of HTTP/1.1: its stream, its time
//	h1_server_end.go     how its requests, and the connection, end
//	h1_server_panic.go   panics in callbacks of its requests
//	h1_server_read.go    reading requests
//	h1_server_write.go   sending answers
//	header.go            Header
//	limits.go            limits, and their defaults
//	method.go            Method
//	panic.go             panics of callbacks
//	reply_source.go      answers from a source that is asked piece by piece
//	request.go           Request: its life, from its owner to its end, and what is called meanwhile
//	request_control.go   what a request's user decides: half-closed clients, wanted bodies
//	request_received.go  what has come from the peer: method, target, header, body
//	request_reply.go     what goes to the peer: replies, parts of a body, Hijack
//	server.go            Server, and how one is made
//	server_bound.go      what a server listens at
//	server_config.go     the settings of a Server
//	server_conn.go       ServerConn
//	server_end.go        how a Server ends: Shutdown, Free, and streams that end in order
//	server_group.go      a server on each loop of a group
//	server_handle.go     which handler answers
//	server_log.go        the log of requests, and of connections that were lost
//	server_serve.go      connections that are accepted or handed over
//	server_session.go    the seam between a Server and the protocols of its connections
//	server_settings.go   C's setters of a Server
//	states.go            the states of everything, and which may follow which
package evhttp
