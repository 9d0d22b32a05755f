module github.com/go-libevent/libevent/tools

go 1.26.0
