module github.com/go-libevent/libevent/tools/bench

go 1.26.0

require (
	github.com/cloudwego/netpoll v0.7.2
	github.com/go-libevent/libevent/core v0.1.0
	github.com/go-libevent/libevent/dns v0.1.0
	github.com/go-libevent/libevent/extra v0.1.0
	github.com/go-libevent/libevent/http v0.1.0
	github.com/go-libevent/libevent/openssl v0.1.0
	github.com/go-libevent/libevent/rpc v0.1.0
	github.com/lesismal/nbio v1.6.8
	github.com/miekg/dns v1.1.73
	github.com/panjf2000/gnet/v2 v2.9.7
	github.com/tidwall/evio v1.0.8
	github.com/valyala/fasthttp v1.78.0
	golang.org/x/sync v0.24.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/bytedance/gopkg v0.1.1 // indirect
	github.com/cloudwego/gopkg v0.1.4 // indirect
	github.com/kavu/go_reuseport v1.5.0 // indirect
	github.com/klauspost/compress v1.20.4 // indirect
	github.com/molecule-man/go-brrr v1.3.1 // indirect
	github.com/panjf2000/ants/v2 v2.11.3 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	go.uber.org/zap v1.27.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	gopkg.in/natefinch/lumberjack.v2 v2.2.1 // indirect
)

replace (
	github.com/go-libevent/libevent/core => ../../core
	github.com/go-libevent/libevent/dns => ../../dns
	github.com/go-libevent/libevent/extra => ../../extra
	github.com/go-libevent/libevent/openssl => ../../openssl
	github.com/go-libevent/libevent/pthreads => ../../pthreads
	github.com/go-libevent/libevent/rpc => ../../rpc
)

replace github.com/go-libevent/libevent/http => ../../http
