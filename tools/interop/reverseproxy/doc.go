// Package reverseproxy tests httputil.ReverseProxy in front of an origin, with
// net/http's server and ours before it and behind it, and with net/http's transport
// and ours between: in all combinations a client sees the same.
//
//   - stack_test.go: the servers and transports, and what they are made into
//   - exchange_test.go: answers, uploads, events, trailers, informational answers,
//     what ends too early, and all of it at a time
//   - websocket_test.go: WebSocket by gorilla/websocket and by x/net
package reverseproxy
