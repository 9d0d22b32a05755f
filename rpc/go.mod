module github.com/go-libevent/libevent/rpc

go 1.26.0

replace (
	github.com/go-libevent/libevent/core => ../core
	github.com/go-libevent/libevent/extra => ../extra
	github.com/go-libevent/libevent/http => ../http
)

require (
	github.com/go-libevent/libevent/core v0.1.0
	github.com/go-libevent/libevent/extra v0.1.0
	github.com/go-libevent/libevent/http v0.1.0
)

require (
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
