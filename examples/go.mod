module github.com/go-libevent/libevent/examples

go 1.26.0

require (
	github.com/go-libevent/libevent/core v0.1.0
	github.com/go-libevent/libevent/dns v0.1.0
	github.com/go-libevent/libevent/extra v0.1.0
	github.com/go-libevent/libevent/http v0.1.0
	github.com/go-libevent/libevent/openssl v0.1.0
	github.com/go-libevent/libevent/pthreads v0.1.0
	github.com/go-libevent/libevent/rpc v0.1.0
	github.com/miekg/dns v1.1.73
	golang.org/x/sys v0.49.0
)

require (
	github.com/klauspost/compress v1.20.4 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace (
	github.com/go-libevent/libevent/core => ../core
	github.com/go-libevent/libevent/dns => ../dns
	github.com/go-libevent/libevent/extra => ../extra
	github.com/go-libevent/libevent/http => ../http
	github.com/go-libevent/libevent/openssl => ../openssl
	github.com/go-libevent/libevent/pthreads => ../pthreads
	github.com/go-libevent/libevent/rpc => ../rpc
)
