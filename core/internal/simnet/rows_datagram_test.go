package simnet_test

var datagramRows = []row{
	{"have boundaries", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		bind b 127.0.0.1:0
		ready b = write
		sendto a b one
		sendto a b two
		ready b = read+write
		recvfrom b 100 = "one" from 127.0.0.1:a
		recvfrom b 100 = "two" from 127.0.0.1:a
		recvfrom b 100 = EAGAIN
		ready b = write
	`},
	{"may be empty", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		sendto b a ""
		ready a = read+write
		recvfrom a 100 = "" from 127.0.0.1:b
		recvfrom a 100 = EAGAIN
		sendto b a ""
		recv a 100 = end
		recv a 100 = EAGAIN
	`},
	{"are cut off", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		sendto b a longer
		sendto b a next
		recvfrom a 4 = "long" from 127.0.0.1:b truncated
		recvfrom a 4 = "next" from 127.0.0.1:b
		sendto b a longer
		recv a 4 = "long"
		recv a 4 = EAGAIN
	`},
	{"have a greatest length", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		sendto b a bytes:65507
		recvfrom a 70000 = 65507 bytes from 127.0.0.1:b
		sendto b a bytes:65508 = EMSGSIZE
		udp6 c
		bind c [::1]:0
		udp6 d
		sendto d c bytes:65508
		recvfrom c 70000 = 65508 bytes from [::1]:d
		sendto d c bytes:65528 = EMSGSIZE
	`},
	{"give their sender an address", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		sockname b = 0.0.0.0:0
		sendto b a x
		sockname b = 0.0.0.0:b
		recvfrom a 10 = "x" from 127.0.0.1:b
		sendto a 127.0.0.1:b y
		recvfrom b 10 = "y" from 127.0.0.1:a
	`},
	{"of connected sockets", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		connect b a
		sockname b = 127.0.0.1:b
		peername b = 127.0.0.1:a
		peername a = ENOTCONN
		send b data
		recvfrom a 10 = "data" from 127.0.0.1:b
		sendto b - more
		recvfrom a 10 = "more" from 127.0.0.1:b
		sendto a b back
		recv b 10 = "back"
		sendto a b back
		recvfrom b 10 = "back" from 127.0.0.1:a
	`},
	{"from others do not reach connected sockets", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		connect b a
		udp4 c
		sendto c b stranger
		recvfrom b 10 = EAGAIN
		sendto a b friend
		recvfrom b 10 = "friend" from 127.0.0.1:a
	`},
	{"of connected sockets to others", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		bind b 127.0.0.1:0
		udp4 c
		connect c a
		sendto c b other
		recvfrom b 10 = "other" from 127.0.0.1:c
	`},
	{"of sockets that are connected again", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		bind b 127.0.0.1:0
		udp4 c
		connect c a
		connect c b
		peername c = 127.0.0.1:b
		send c data
		recvfrom a 10 = EAGAIN
		recvfrom b 10 = "data" from 127.0.0.1:c
	`},
	{"refused", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		connect b a
		close a
		send b data
		ready b = read+write+closed
		error b = ECONNREFUSED
		error b
		ready b = write
		send b data
		recv b 10 = ECONNREFUSED
		recv b 10 = EAGAIN
		send b data
		send b data = ECONNREFUSED
		send b data
		recvfrom b 10 = ECONNREFUSED
	`},
	{"refused, of sockets that are not connected", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		sendto b a data
		sendto b 127.0.0.1:a data
		recvfrom a 10 = "data" from 127.0.0.1:b
		close a
		sendto b 127.0.0.1:a data
		ready b = write
		error b
		recvfrom b 10 = EAGAIN
	`},
	{"refused by a socket connected elsewhere", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 x
		bind x 127.0.0.1:0
		connect a x
		udp4 b
		connect b 127.0.0.1:a
		send b data
		error b = ECONNREFUSED
	`},
	{"without a destination", linux, `
		udp4 a
		sendto a - x = EDESTADDRREQ
		send a x = EDESTADDRREQ
		recvfrom a 10 = EAGAIN
		shutdown a = ENOTCONN
	`},
	{"to port 0", linux, `
		udp4 a
		sendto a 127.0.0.1:0 x = EINVAL
		udp4 b
		connect b 127.0.0.1:0
		send b x
	`},
	{"to a wildcard", linux, `
		udp4 a
		bind a 0.0.0.0:0
		udp4 b
		sendto b 127.0.0.1:a one
		sendto b 127.0.0.2:a two
		sendto b 0.0.0.0:a three
		recvfrom a 10 = "one" from 127.0.0.1:b
		recvfrom a 10 = "two" from 127.0.0.1:b
		recvfrom a 10 = "three" from 127.0.0.1:b
	`},
	{"told their destination", asLinux, `
		udp4 a
		bind a 0.0.0.0:0
		tell a
		udp4 b
		bind b 127.0.0.1:0
		sendto b 127.0.0.1:a one
		sendto b 127.0.0.2:a two
		recvfrom a 10 = "one" from 127.0.0.1:b to 127.0.0.1
		recvfrom a 10 = "two" from 127.0.0.1:b to 127.0.0.2
		sendto a b back 127.0.0.2
		recvfrom b 10 = "back" from 127.0.0.2:a
		sendto a b back
		recvfrom b 10 = "back" from 127.0.0.1:a
		sendto a b back 192.0.2.1 = ENETUNREACH
	`},
	{"told their destination at both families", asLinux, `
		udp6 a
		bind a [::]:0
		tell a
		udp4 b
		bind b 127.0.0.1:0
		udp6 c
		bind c [::1]:0
		sendto b 127.0.0.1:a four
		recvfrom a 10 = "four" from [::ffff:127.0.0.1]:b to ::ffff:127.0.0.1
		sendto c [::1]:a six
		recvfrom a 10 = "six" from [::1]:c to ::1
		sendto a [::ffff:127.0.0.1]:b back
		recvfrom b 10 = "back" from 127.0.0.1:a
		sendto a [::1]:c back
		recvfrom c 10 = "back" from [::1]:a
	`},
	{"to the specific before the wildcard", linux, `
		udp4 w
		set w reuseaddr 1
		bind w 0.0.0.0:0
		udp4 s
		bind s 127.0.0.1:w = EADDRINUSE
		set s reuseaddr 1
		bind s 127.0.0.1:w
		udp4 c
		sendto c 127.0.0.1:w one
		recvfrom s 10 = "one" from 127.0.0.1:c
		recvfrom w 10 = EAGAIN
		sendto c 127.0.0.2:w two
		recvfrom w 10 = "two" from 127.0.0.1:c
	`},
	{"to the connected before the bound", linux, `
		udp4 peer
		bind peer 127.0.0.1:0
		udp4 a
		set a reuseaddr 1
		bind a 127.0.0.1:0
		udp4 b
		set b reuseaddr 1
		bind b a
		connect b peer
		sendto peer 127.0.0.1:a one
		recvfrom b 10 = "one" from 127.0.0.1:peer
		udp4 c
		sendto c 127.0.0.1:a two
		recvfrom a 10 = "two" from 127.0.0.1:c
		recvfrom b 10 = EAGAIN
	`},
	{"that do not fit are dropped", linux, `
		udp4 a
		set a rcvbuf 5000
		bind a 127.0.0.1:0
		udp4 b
		sendto b a bytes:3000
		sendto b a bytes:3000
		sendto b a bytes:3000
		sendto b a bytes:3000
		sendto b a bytes:3000
		sendto b a bytes:3000
		sendto b a bytes:3000
		sendto b a bytes:3000
		ready b = write
		ready a = read+write
		received a 8 = fewer
		ready a = write
		sendto b a small
		recvfrom a 10 = "small" from 127.0.0.1:b
	`},
	{"are lost by closing", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		sendto b a x
		close a
		udp4 c
		bind c 127.0.0.1:a
		recvfrom c 10 = EAGAIN
	`},
	{"duplicated", linux, `
		udp4 a
		bind a 127.0.0.1:0
		dup d a
		udp4 b
		sendto b a one
		sendto b a two
		recvfrom d 10 = "one" from 127.0.0.1:b
		recvfrom a 10 = "two" from 127.0.0.1:b
		close a
		sendto b 127.0.0.1:a three
		recvfrom d 10 = "three" from 127.0.0.1:b
	`},
	{"read and written", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		connect b a
		write b one
		read a 2 = "on"
		read a 10 = EAGAIN
		write a x = EDESTADDRREQ
	`},
	{"to oneself", linux, `
		udp4 a
		bind a 127.0.0.1:0
		connect a a
		send a echo
		recvfrom a 10 = "echo" from 127.0.0.1:a
	`},
	{"refused, of sockets connected elsewhere since", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		bind b 127.0.0.1:0
		udp4 c
		connect c b
		close a
		sendto c 127.0.0.1:a x
		error c
		ready c = write
	`},
	{"edges", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		connect b a
		watch a read write edge
		poll = a:write
		send b one
		poll = a:read+write
		poll = -
		send b two
		poll = a:read+write
		recv a 10 = "one"
		poll = -
		recv a 10 = "two"
		poll = -
		watch b read write edge
		poll = b:write
		close a
		send b x
		poll = b:read+write
		poll = -
	`},
	{"share a port", linux, `
		udp4 a
		set a reuseport 1
		bind a 127.0.0.1:0
		udp4 b
		set b reuseport 1
		bind b a
		spreadto 64 a b
	`},
	{"whose refusals are queued", asLinux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 d
		bind d 127.0.0.1:0
		udp4 b
		bind b 127.0.0.1:0
		queue b
		queued b = EAGAIN
		sendto b a one
		recvfrom a 10 = "one" from 127.0.0.1:b
		close a
		close d
		sendto b 127.0.0.1:a x
		ready b = read+write+closed
		sendto b 127.0.0.1:d x = ECONNREFUSED
		sendto b 127.0.0.1:d x
		recvfrom b 10 = ECONNREFUSED
		recvfrom b 10 = EAGAIN
		ready b = read+write+closed
		queued b = ECONNREFUSED to 127.0.0.1:a from 127.0.0.1
		ready b = read+write+closed
		queued b = ECONNREFUSED to 127.0.0.1:d from 127.0.0.1
		queued b = EAGAIN
		ready b = write
		error b
		udp6 c
		queue c
		sendto c [::1]:d x
		queued c = ECONNREFUSED to [::1]:d from ::1
		error c
	`},
	{"of connected sockets whose refusals are queued", asLinux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		connect b a
		queue b
		close a
		send b x
		ready b = read+write+closed
		recv b 10 = ECONNREFUSED
		recv b 10 = EAGAIN
		ready b = read+write+closed
		queued b = ECONNREFUSED to 127.0.0.1:a from 127.0.0.1
		queued b = EAGAIN
		ready b = write
		send b x
		queued b = ECONNREFUSED to 127.0.0.1:a from 127.0.0.1
		error b
		send b bytes:65508 = EMSGSIZE
		queued b = EMSGSIZE to 127.0.0.1:a MTU 65535
	`},
	{"after the own end", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp4 b
		connect b a
		shutdown b
		send b x = EPIPE
		sendto b a x = EPIPE
		sendto a b y
		recv b 10 = "y"
		ready b = write
	`},
}
