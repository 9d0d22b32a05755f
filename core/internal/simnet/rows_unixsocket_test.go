package simnet_test

var unixRows = []row{
	{"connections", linux, `
		unix l
		bind l socket
		sockname l = socket
		listen l 10
		unix c
		connect c l
		ready l = read
		accept s l = unnamed
		sockname s = socket
		peername s = unnamed
		sockname c = unnamed
		peername c = socket
		send c data
		recv s 10 = "data"
		close s
		recv c 10 = end
		send c x = EPIPE
	`},
	{"nothing listens", linux, `
		unix c
		connect c nowhere = ENOENT
		unix l
		bind l closed
		connect c closed = ECONNREFUSED
		listen l 1
		close l
		connect c closed = ECONNREFUSED
		unix m
		bind m closed = EADDRINUSE
		ready c = read+write+closed
	`},
	{"a full backlog", asLinux, `
		unix l
		bind l full
		listen l 0
		unix a
		connect a l
		unix b
		connect b l = EAGAIN
		ready b = read+write+closed
		accept x l = unnamed
		connect b l
		accept y l = unnamed
		connect b l = EISCONN
	`},
	{"closed with connections that wait", linux, `
		unix l
		bind l pending
		listen l 10
		unix c
		connect c l
		send c data
		close l
		ready c = read+write+closed
		recv c 10 = ECONNRESET
		recv c 10 = end
		send c x = EPIPE
	`},
	{"a client that is closed before it is accepted", linux, `
		unix l
		bind l early
		listen l 10
		unix c
		connect c l
		send c data
		close c
		ready l = read
		accept s l = unnamed
		ready s = read+write+closed
		recv s 10 = "data"
		recv s 10 = end
		send s x = EPIPE
	`},
	{"readiness by edge", linux, `
		unix l
		bind l edges
		listen l 10
		watch l read edge
		poll = -
		unix c
		connect c l
		poll = l:read
		poll = -
		accept s l = unnamed
		watch c read write closed edge
		poll = c:write
		close s
		poll = c:read+write+closed
		poll = -
		send c x = EPIPE
	`},
	{"full, and closed by the receiver", linux, `
		pair a b stream
		set a sndbuf 20000
		fill a
		watch a write
		poll = -
		close b
		poll = a:write
		error a = ECONNRESET
		send a x = EPIPE
	`},
	{"listening without a path", linux, `
		unix l
		listen l 1 = EINVAL
		bind l late
		unix c
		connect c l = ECONNREFUSED
		listen l 1
		connect c l
		bind c other
		bind l another = EINVAL
	`},
	{"abstract names", linux, `
		unix l
		bind l @name
		sockname l = @name
		listen l 10
		unix c
		connect c l
		accept s l = unnamed
		unix m
		bind m @name = EADDRINUSE
		close l
		close s
		bind m @name
		unix d
		connect d @other = ECONNREFUSED
	`},
	{"a client that has a name", linux, `
		unix l
		bind l server
		listen l 10
		unix c
		bind c client
		connect c l
		accept s l = unnamed
		peername s = client
	`},
	{"not connected", linux, `
		unix c
		ready c = read+write+closed
		send c x = ENOTCONN
		recv c 10 = EINVAL
		shutdown c
		listen c 1 = EINVAL
		accept s c = EINVAL
		connect c nowhere = ENOENT
	`},
	{"a pair of datagrams", linux, `
		pair a b datagram
		ready a = write
		ready b = write
		send a one
		send a two
		ready b = read+write
		recv b 2 = "on"
		recv b 10 = "two"
		recv b 10 = EAGAIN
		recvfrom b 10 = EAGAIN
		send b back
		recvfrom a 10 = "back"
		shutdown a
		send a x = EPIPE
		ready b = write
		close a
		ready b = write
		send b x = ECONNREFUSED
		recv b 10 = EAGAIN
	`},
	{"a pair of datagrams that is full", linux, `
		pair a b datagram
		fill a
		ready a = -
		recv b 5000 = 4096 bytes
		ready a = -
		send a bytes:1000000 = EMSGSIZE
	`},
}
