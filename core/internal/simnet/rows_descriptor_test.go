package simnet_test

var descriptorRows = []row{
	{"of a wake channel", linux, `
		wake r w
		ready r = write
		drain r = EAGAIN
		signal w
		signal w
		signal w
		ready r = read+write
		drain r
		drain r = EAGAIN
		issocket r = false
		listening r = ENOTSOCK
		recv r 10 = ENOTSOCK
		send w bytes:8 = ENOTSOCK
		accept s r = ENOTSOCK
		sockname r = ENOTSOCK
		shutdown r = ENOTSOCK
	`},
	{"of a wake channel, edges", linux, `
		wake r w
		watch r read edge
		poll = -
		signal w
		poll = r:read
		poll = -
		signal w
		poll = r:read
		drain r
		poll = -
		signal w
		poll = r:read
	`},
	{"of a wake channel, with levels", all, `
		wake r w
		watch r read
		poll = -
		signal w
		poll = r:read
		poll = r:read
		drain r
		poll = -
	`},
	{"two of a socket", linux, `
		loopback c s
		dup d c
		send d data
		recv s 10 = "data"
		send s more
		recv c 2 = "mo"
		recv d 10 = "re"
		close c
		ready s = write
		send d still
		recv s 10 = "still"
		close d
		ready s = read+write+closed
		recv s 10 = end
	`},
	{"two of a socket, shut down", linux, `
		loopback c s
		dup d c
		shutdown d
		send c x = EPIPE
		recv s 10 = end
	`},
	{"two of a socket, each watched", linux, `
		loopback c s
		dup d c
		watch c read
		watch d read write
		poll = d:write
		send s data
		poll = c:read d:read+write
		watch c nothing
		poll = d:read+write
	`},
	{"watched while closed", linux, `
		loopback c s
		watch c read
		close c
		watch c nothing
		poll = -
	`},
	{"replaced by the null device", linux, `
		loopback c s
		null c
		ready s = read+write+closed
		recv s 10 = end
		send c x = ENOTSOCK
		write c x
		read c 10 = end
		issocket c = false
	`},
	{"watched one way and another", linux, `
		loopback c s
		watch c read
		watch c read write
		poll = c:write
		watch c write
		poll = c:write
		watch c nothing
		poll = -
		send s x
		watch c read
		poll = c:read
	`},
	{"options", linux, `
		tcp4 c
		option c nodelay = 0
		nodelay c
		option c nodelay = 1
		option c keepalive = 0
		set c keepalive 1
		option c keepalive = 1
		set c keepcnt 7
		option c keepcnt = 7
		option c reuseaddr = 0
		set c reuseaddr 1
		option c reuseaddr = 1
		option c reuseport = 0
		option c error = 0
		set c error 1 = ENOPROTOOPT
		option c unknown = ENOPROTOOPT
		set c unknown 1 = ENOPROTOOPT
		nonblock c
		issocket c = true
		listening c = false
		option c v6only = EOPNOTSUPP
		udp4 u
		option u nodelay = EOPNOTSUPP
		nodelay u = ENOPROTOOPT
		unix x
		nodelay x = EOPNOTSUPP
	`},
}

var misuseRows = []row{
	{"of no descriptor", asLinux, `
		recv none 10 = EBADF
		send none x = EBADF
		read none 10 = EBADF
		write none x = EBADF
		accept s none = EBADF
		bind none 127.0.0.1:0 = EBADF
		listen none 1 = EBADF
		connect none 127.0.0.1:1 = EBADF
		sockname none = EBADF
		peername none = EBADF
		shutdown none = EBADF
		close none = EBADF
		option none sndbuf = EBADF
		set none sndbuf 1 = EBADF
		nodelay none = EBADF
		nonblock none = EBADF
		sendto none - x = EBADF
		recvfrom none 10 = EBADF
		signal none = EBADF
		drain none = EBADF
		dup d none = EBADF
		ready none = EBADF
		watch none read = EBADF
		issocket none = true
	`},
	{"of a socket that is not connected", linux, `
		tcp4 c
		ready c = read+write+closed
		recv c 10 = ENOTCONN
		send c x = EPIPE
		accept s c = EINVAL
		peername c = ENOTCONN
		shutdown c = ENOTCONN
		error c
	`},
	{"of a connection", linux, `
		loopback c s
		listen c 1 = EINVAL
		accept x c = EINVAL
		bind c 127.0.0.1:0 = EINVAL
		connect c s = EISCONN
		recvfrom c 10 = EAGAIN
		sendto c - data
		recvfrom s 10 = "data"
	`},
	{"of a listener", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 1
		recv l 10 = ENOTCONN
		send l x = EPIPE
		connect l 127.0.0.1:1 = EISCONN
		peername l = ENOTCONN
		shutdown l
		ready l = -
	`},
	{"of datagrams", linux, `
		udp4 u
		listen u 1 = EOPNOTSUPP
		accept s u = EOPNOTSUPP
		shutdown u = ENOTCONN
		peername u = ENOTCONN
		option u nodelay = EOPNOTSUPP
	`},
	{"of ports", linux, `
		tcp4 c
		connect c 127.0.0.1:0 = started
		ready c = read+write+closed
		error c = ECONNREFUSED
	`},
}
