module github.com/go-libevent/libevent/tools/interop

go 1.26.0

require (
	github.com/go-libevent/libevent/core v0.1.0
	github.com/go-libevent/libevent/dns v0.1.0
	github.com/go-libevent/libevent/extra v0.1.0
	github.com/go-libevent/libevent/http v0.1.0
	github.com/go-libevent/libevent/openssl v0.1.0
	github.com/go-libevent/libevent/rpc v0.1.0
	github.com/gorilla/websocket v1.5.3
	github.com/miekg/dns v1.1.73
	golang.org/x/crypto v0.58.0
	golang.org/x/net v0.62.0
)
