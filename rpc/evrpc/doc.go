// Package evrpc makes remote procedure calls over HTTP, on the loop. It is libevent's
// evrpc, in Go: it speaks with programs in C that use that, and knows each thing by
// libevent's name.
//
// An RPC has a name, a request and a reply. The request is the body of a POST to /.rpc.NAME,
// the reply that of its answer, both as package evtag writes them. Their types are
// [Message]s, which tools/evrpcgen generates from a file that describes them, as
// event_rpcgen.py does for C, and with them functions for each RPC that know its types.
//
// # A server
//
// A [Server] answers RPCs by a server of HTTP, beside whatever that serves else:
//
//	web := evhttp.NewServer(base)
//	server, err := evrpc.NewServer(web, nil)
//	...
//	err = evrpc.Register(server, "Greet", func(c *evrpc.Call[Name, Greeting]) {
//		c.Reply().SetText("Hello, " + c.Request().Name())
//		c.Done()
//	})
//	_, err = web.Listen(":8080")
//
// The handler may keep the call and answer later, from any other callback, or from another
// goroutine by [event.Base.Post]. [ServerCall.Context] ends when the client has gone.
// Whatever is wrong with a request or its reply is answered with 503, as in C.
//
// # A client
//
// A [Pool] has connections, each of which carries one call at a time; the others wait:
//
//	pool, err := evrpc.NewPool(base, &evrpc.PoolConfig{Timeout: 5 * time.Second})
//	err = pool.AddConns("example.com:8080", 10, nil)
//	...
//	_, err = evrpc.MakeRequest(pool, "Greet", &name, func(reply *Greeting, err error) { ... })
//
// That is for the goroutine of the loop. On any other, [Invoke] waits for the reply:
//
//	reply, err := evrpc.Invoke[Greeting](ctx, pool, "Greet", &name)
//
// A [ClientCall] from [Pool.NewCall] can be started again and again with the same messages,
// and then costs no memory; [ClientCall.StartContext] gives it up when a context is done.
//
// # Errors
//
// A call that fails has an [*Error] with a [Status], whose numbers are those of C, the status
// code of HTTP, if there was one, and the cause:
//
//	var e *evrpc.Error
//	switch {
//	case errors.Is(err, evrpc.StatusTimeout):      // no answer
//	case errors.Is(err, os.ErrDeadlineExceeded):   // not in time
//	case errors.As(err, &e) && e.Code == 404:      // no such RPC
//	}
//
// # Hooks
//
// Servers and pools have hooks for messages in both directions, which see them encoded
// ([Server.AddHook], [Pool.AddHook]): to compress, to authenticate, to log. They may change
// the body and the header fields, end the call (HookTerminate), or pause it
// (HookPause) until [Exchange.Resume]. What they learn they keep with the call
// ([Exchange.AddMeta]), which the hooks of the other direction and the callback find.
//
// # Limits
//
// Requests and replies have limits (DefaultMaxRequestSize, DefaultMaxReplySize), and so have
// the calls that wait for a connection (DefaultMaxWaiting). How deep messages may be nested
// is up to their Unmarshal. Connections and heads have the limits of package evhttp.
//
// # The end
//
// Servers and pools may be freed at any time: a server answers what is under way with 503, a
// pool tells the callbacks. When the base is freed, calls fail with [event.ErrFreed].
//
// # Goroutines
//
// Servers, pools and calls belong to the goroutine of their loop, except for Invoke. Callbacks
// may do anything to any of them, and free them.
//
// # Coming from C
//
//   - A client takes only an answer of success for a reply. In C the status code is not looked
//     at, so that a 503 is a reply without fields.
//   - The requests of C have no Host field, with which HTTP/1.1 is not allowed elsewhere. The
//     paths of RPCs take them.
//   - What keeps a call from starting is an error of Start, and the callback is not called.
//   - Requests are encoded when a call is started, and checked for what is missing.
//   - The timeout of a pool counts from the start of a call, its time in the queue included, and
//     has no need to be in whole seconds.
//   - When a call goes on that a hook has paused, the hooks behind that one are called, too.
//     While an output hook has a call of a client paused, its connection carries others.
//   - A call that this side gives up has a status of its own, StatusCanceled.
//   - Replies have a default content type, as in C; requests have none.
//
// # Files
//
//	message.go      Message, and the names of RPCs
//	server.go       Server: RPCs and their registration
//	server_call.go  ServerCall and Call: a call from its request to its answer
//	pool.go         Pool: connections, and the calls that wait for them
//	client_call.go  ClientCall: a call from its start to its end
//	invoke.go       calls that wait, for goroutines without a loop
//	exchange.go     Exchange: what calls of both sides are to hooks; queues of them
//	hook.go         hooks, pauses
//	limits.go       limits, and their defaults
//	errors.go       errors, Status
package evrpc
