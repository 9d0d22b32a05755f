module github.com/go-libevent/libevent/extra

go 1.26.0

require (
	github.com/go-libevent/libevent/core v0.1.0
	github.com/klauspost/compress v1.20.4
)

require golang.org/x/sys v0.49.0 // indirect

replace github.com/go-libevent/libevent/core => ../core
