// Package evnethttp connects package evhttp with net/http, in both directions: handlers of
// net/http answer requests that a loop receives, and clients of net/http send theirs over
// the connections of a loop.
//
// # Handlers
//
//	server.SetGenericStream(evnethttp.Handler(mux))
//
// [Handler] runs an http.Handler in a goroutine for each request. Such a handler may wait:
// for the body, for room in the output, or for anything else. It finds what it knows of
// net/http's own server; the few differences are listed there. [InlineHandler] runs a
// handler on the loop, which is faster, for those that wait for nothing.
//
// Both are functions that evhttp's servers take as any handler of theirs, for paths,
// patterns or everything else.
//
// # Clients
//
//	browser := http.Client{Transport: evnethttp.RoundTripper(client)}
//
// [RoundTripper] makes an [evhttp.Client] an http.RoundTripper, for every goroutine but
// that of the loop, which has to run meanwhile. Connections, proxies, TLS, limits and
// timeouts are those of the client.
//
// # Back-pressure, deadlines and the end
//
// Bodies pass between the loop and goroutines through the pipes of package bridge, one for
// each direction. Each holds some 64 kB; beyond that a handler that writes waits for its
// client, and a client that sends waits for its handler. The deadlines of
// [http.ResponseController] and the context of a request end what waits, and so does
// freeing the base: nothing waits for a loop that does not exist, and the error is
// event.ErrFreed.
//
// # Errors
//
// A RoundTrip fails with what the client reports, an [evhttp.Error] with a code and a
// reason, with the cause of the request's context, or with [evhttp.ErrInvalid] or
// [evhttp.ErrLength] for a request that cannot be sent.
//
// # Files
//
//	handler.go                 Handler: the goroutine of a request, panics, hijacking
//	handler_body.go            the body of its request
//	handler_writer.go          its ResponseWriter: from the handler to the loop
//	handler_file.go            files through io.Copy, sent by the kernel
//	inline.go                  InlineHandler
//	request.go                 net/http's form of a request
//	response.go                net/http's rules for the header of a reply
//	fields.go                  the order of fields
//	roundtripper.go            RoundTripper: a request from its start to its end
//	roundtripper_response.go   net/http's form of an answer
//	roundtripper_body.go       the body of the answer
//	roundtripper_upload.go     the body of the request
//	roundtripper_probe.go      whether a request has a body at all
//	roundtripper_trace.go      the callbacks of httptrace
//	limits.go                  how much waits, and for how long
//	errors.go                  errors
package evnethttp
