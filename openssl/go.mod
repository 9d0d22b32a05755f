module github.com/go-libevent/libevent/openssl

go 1.26.0

require (
	github.com/go-libevent/libevent/core v0.1.0
	golang.org/x/crypto v0.58.0
)

require (
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/go-libevent/libevent/core => ../core
