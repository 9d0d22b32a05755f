module github.com/go-libevent/libevent/dns

go 1.26.0

require (
	github.com/go-libevent/libevent/core v0.1.0
	github.com/miekg/dns v1.1.73
)

require (
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/go-libevent/libevent/core => ../core
