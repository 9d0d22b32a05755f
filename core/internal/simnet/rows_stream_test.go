package simnet_test

var connectionRows = []row{
	{"made", all, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		ready l = -
		accept s l = EAGAIN
		tcp4 c
		connect c l = started
		ready c = write
		error c
		ready l = read
		accept s l = 127.0.0.1:c
		ready l = -
		accept s l = EAGAIN
		ready s = write
		sockname c = 127.0.0.1:c
		peername c = 127.0.0.1:l
		sockname s = 127.0.0.1:l
		peername s = 127.0.0.1:c
		recv c 10 = EAGAIN
		recv s 10 = EAGAIN
		send c question
		send s answer
		recv s 100 = "question"
		recv c 100 = "answer"
	`},
	{"connected before it is accepted", all, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		connect c l = started
		ready c = write
		send c early
		shutdown c
		accept s l = 127.0.0.1:c
		recv s 100 = "early"
		recv s 100 = end
	`},
	{"of a socket that is bound", all, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		bind c 127.0.0.2:0
		sockname c = 127.0.0.2:c
		connect c l = started
		ready c = write
		accept s l = 127.0.0.2:c
		peername s = 127.0.0.2:c
	`},
	{"to the unspecified address", linux, `
		tcp4 l
		bind l 0.0.0.0:0
		sockname l = 0.0.0.0:l
		listen l 10
		tcp4 c
		connect c 0.0.0.0:l = started
		ready c = write
		peername c = 127.0.0.1:l
		accept s l = 127.0.0.1:c
		sockname s = 127.0.0.1:l
	`},
	{"refused", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		tcp4 c
		ready c = read+write+closed
		connect c l = started
		ready c = read+write+closed
		peername c = ENOTCONN
		error c = ECONNREFUSED
		error c
		ready c = read+write+closed
		sockname c = 127.0.0.1:c
		send c x = EPIPE
		recv c 10 = end
		shutdown c = ENOTCONN
	`},
	{"refused, told by sending", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		tcp4 c
		connect c l = started
		ready c = read+write+closed
		send c x = ECONNREFUSED
		send c x = EPIPE
		error c
		recv c 10 = end
	`},
	{"refused, told by receiving", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		tcp4 c
		connect c l = started
		ready c = read+write+closed
		recv c 10 = ECONNREFUSED
		recv c 10 = end
		error c
	`},
	{"refused, told by connecting again", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		tcp4 c
		connect c l = started
		ready c = read+write+closed
		connect c l = ECONNREFUSED
		connect c l = started
		ready c = read+write+closed
		listen l 10
		connect c l = ECONNREFUSED
		connect c l = started
		ready c = write
	`},
	{"asked for again", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		connect c l = started
		ready c = write
		connect c l
		connect c l = EISCONN
	`},
	{"to a full backlog", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 1
		tcp4 a
		tcp4 b
		tcp4 c
		connect a l = started
		connect b l = started
		ready b = write
		connect c l = started
		ready c = -
		peername c = ENOTCONN
		send c x = EAGAIN
		recv c 10 = EAGAIN
		error c
		connect c l = EALREADY
		accept x l = 127.0.0.1:a
		accept y l = 127.0.0.1:b
		ready c = write
		accept z l = 127.0.0.1:c
	`},
	{"shut down before it is made", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 0
		tcp4 a
		tcp4 c
		connect a l = started
		ready a = write
		connect c l = started
		ready c = -
		shutdown c
		ready c = read+write+closed
		error c = ECONNRESET
		recv c 10 = ENOTCONN
	`},
	{"given up before it is made", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 0
		tcp4 a
		tcp4 c
		connect a l = started
		ready a = write
		connect c l = started
		ready c = -
		close c
		accept x l = 127.0.0.1:a
		ready l = -
	`},
	{"refused once the listener is closed", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 0
		tcp4 a
		tcp4 c
		connect a l = started
		ready a = write
		connect c l = started
		ready c = -
		close l
		ready a = read+write+closed
		ready c = read+write+closed
		error c = ECONNREFUSED
	`},
	{"by a wake-up each", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 a
		tcp4 b
		watch l read
		connect a l = started
		poll = l:read
		connect b l = started
		poll = l:read
		accept x l = 127.0.0.1:a
		poll = l:read
		accept y l = 127.0.0.1:b
		poll = -
	`},
	{"have ends with names of their own", linux, `
		loopback a b
		loopback c d
		sockname a = 127.0.0.1:a
		peername a = 127.0.0.1:b
		sockname b = 127.0.0.1:b
		peername b = 127.0.0.1:a
		sockname c = 127.0.0.1:c
		peername c = 127.0.0.1:d
		peername d = 127.0.0.1:c
	`},
	{"of two sockets to each other", linux, `
		loopback a b
		loopback c d
		send a one
		send d two
		recv b 100 = "one"
		recv c 100 = "two"
		recv d 100 = EAGAIN
	`},
}

var streamRows = []row{
	{"keep order and no boundaries", all, `
		loopback c s
		send c one
		send c two
		send c three
		recv s 4 = "onet"
		recv s 100 = "wothree"
		recv s 100 = EAGAIN
		ready s = write
	`},
	{"read and write do the same", linux, `
		loopback c s
		write c one
		read s 100 = "one"
		shutdown c
		read s 100 = end
	`},
	{"readable until all is read", all, `
		loopback c s
		ready s = write
		send c data
		ready s = read+write
		recv s 3 = "dat"
		ready s = read+write
		recv s 3 = "a"
		ready s = write
	`},
	{"an end stays", linux, `
		loopback c s
		shutdown c
		ready s = read+write+closed
		recv s 10 = end
		recv s 10 = end
		ready s = read+write+closed
		ready c = write
	`},
	{"an end is told before the data is read", linux, `
		loopback c s
		send c data
		shutdown c
		ready s = read+write+closed
		recv s 2 = "da"
		ready s = read+write+closed
		recv s 10 = "ta"
		recv s 10 = end
	`},
	{"half closed, the other half goes on", all, `
		loopback c s
		send c question
		shutdown c
		recv s 100 = "question"
		recv s 100 = end
		send s answer
		recv c 100 = "answer"
		recv c 100 = EAGAIN
		send s more
		recv c 100 = "more"
		shutdown s
		recv c 100 = end
		recv s 100 = end
	`},
	{"closed both ways", linux, `
		loopback c s
		shutdown c
		ready c = write
		shutdown s
		ready c = read+write+closed
		ready s = read+write+closed
		recv c 10 = end
		recv s 10 = end
		error c
		send c x = EPIPE
		peername c = ENOTCONN
		peername s = ENOTCONN
	`},
	{"nothing is sent after the end", linux, `
		loopback c s
		shutdown c
		send c x = EPIPE
		send c x = EPIPE
		error c
		shutdown c
		recv s 10 = end
	`},
	{"closing sends what is there", all, `
		loopback c s
		send c last
		close c
		recv s 10 = "last"
		recv s 10 = end
	`},
	{"a pair", linux, `
		pair a b stream
		ready a = write
		send a data
		ready b = read+write
		recv b 10 = "data"
		recv b 10 = EAGAIN
		sockname a = unnamed
		peername a = unnamed
		send a data
		shutdown a
		ready a = write
		ready b = read+write+closed
		recv b 10 = "data"
		recv b 10 = end
		send b back
		recv a 10 = "back"
		send a x = EPIPE
		close b
		ready a = read+write+closed
		recv a 10 = end
	`},
	{"a pair closed with unread data", linux, `
		pair a b stream
		send a data
		send b back
		close b
		ready a = read+write+closed
		error a = ECONNRESET
		recv a 10 = "back"
		recv a 10 = end
		send a x = EPIPE
		error a
	`},
	{"a pair closed with unread data, told by receiving", linux, `
		pair a b stream
		send a data
		send b back
		close b
		recv a 10 = "back"
		recv a 10 = ECONNRESET
		recv a 10 = end
		send a x = EPIPE
	`},
	{"a pair closed both ways", linux, `
		pair a b stream
		shutdown a
		shutdown b
		ready a = read+write+closed
		recv a 10 = end
		send a x = EPIPE
		error a
	`},
}

var resetRows = []row{
	{"by closing with unread data", linux, `
		loopback c s
		send c unread
		ready s = read+write
		close s
		ready c = read+write+closed
		recv c 10 = ECONNRESET
		recv c 10 = end
		error c
		send c x = EPIPE
		ready c = read+write+closed
	`},
	{"told by sending", linux, `
		loopback c s
		reset s
		ready c = read+write+closed
		send c x = ECONNRESET
		send c x = EPIPE
		recv c 10 = end
		error c
		peername c = ENOTCONN
		shutdown c = ENOTCONN
	`},
	{"told by SO_ERROR", linux, `
		loopback c s
		reset s
		ready c = read+write+closed
		error c = ECONNRESET
		error c
		recv c 10 = end
		send c x = EPIPE
		ready c = read+write+closed
	`},
	{"told after the data before it", linux, `
		loopback c s
		send s before
		ready c = read+write
		reset s
		ready c = read+write+closed
		recv c 3 = "bef"
		recv c 10 = "ore"
		recv c 10 = ECONNRESET
		recv c 10 = end
	`},
	{"by sending to what was closed", linux, `
		loopback c s
		close c
		ready s = read+write+closed
		send s x
		ready s = read+write+closed
		error s = EPIPE
		error s
		send s x = EPIPE
		recv s 10 = end
	`},
	{"by sending to what was closed, told by receiving", linux, `
		loopback c s
		close c
		send s x
		ready s = read+write+closed
		recv s 10 = end
		recv s 10 = end
		send s x = EPIPE
		error s
	`},
	{"by sending twice to what was closed", linux, `
		loopback c s
		send c before
		close c
		send s x
		ready s = read+write+closed
		send s x = EPIPE
		recv s 10 = "before"
		recv s 10 = end
	`},
	{"by shutting down what was reset", linux, `
		loopback c s
		reset c
		ready s = read+write+closed
		shutdown s = ENOTCONN
		recv s 10 = ECONNRESET
	`},
	{"after the own end", linux, `
		loopback c s
		shutdown c
		reset s
		ready c = read+write+closed
		recv c 10 = ECONNRESET
		recv c 10 = end
		send c x = EPIPE
		error c
	`},
	{"after the peer's end", linux, `
		loopback c s
		shutdown s
		ready c = read+write+closed
		reset s
		recv c 10 = end
		error c = EPIPE
		recv c 10 = end
		send c x = EPIPE
	`},
	{"of what has sent its end, with unread data", linux, `
		loopback c s
		send c unread
		shutdown s
		ready c = read+write+closed
		close s
		error c = EPIPE
		recv c 10 = end
		send c x = EPIPE
	`},
	{"with a full buffer behind it", linux, `
		loopback c s
		fill c
		close s
		ready c = read+write+closed
		send c x = ECONNRESET
		send c x = EPIPE
		recv c 10 = end
	`},
	{"with a full buffer behind the end", linux, `
		loopback c s
		fill c
		shutdown c
		close s
		ready c = read+write+closed
		error c = ECONNRESET
		recv c 10 = end
	`},
	{"of what was accepted late", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		connect c l = started
		send c data
		close c
		accept s l = 127.0.0.1:c
		send s x
		error s = EPIPE
		recv s 10 = "data"
		recv s 10 = end
	`},
	{"told to each duplicate once", linux, `
		loopback c s
		dup d c
		reset s
		ready c = read+write+closed
		ready d = read+write+closed
		recv d 10 = ECONNRESET
		recv c 10 = end
	`},
	{"of data on its way to what is closed", linux, `
		loopback c s
		shutdown c
		close c
		ready s = read+write+closed
		send s late
		error s = EPIPE
		recv s 10 = end
	`},
}
