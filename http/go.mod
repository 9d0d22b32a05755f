module github.com/go-libevent/libevent/http

go 1.26.0

replace github.com/go-libevent/libevent/core => ../core
