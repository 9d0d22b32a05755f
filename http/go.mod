module github.com/go-libevent/libevent/http

go 1.26.0

replace github.com/go-libevent/libevent/core => ../core

require (
	github.com/go-libevent/libevent/core v0.1.0
	golang.org/x/net v0.62.0
)

require (
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
