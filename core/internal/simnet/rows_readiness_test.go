package simnet_test

var edgeRows = []row{
	{"of data, each time that some comes", linux, `
		loopback c s
		watch s read edge
		poll = -
		send c one
		poll = s:read
		poll = -
		send c two
		poll = s:read
		poll = -
		recv s 3 = "one"
		poll = -
		recv s 10 = "two"
		poll = -
		send c more
		poll = s:read
	`},
	{"of an end", linux, `
		loopback c s
		watch s read edge
		send c data
		poll = s:read
		shutdown c
		poll = s:read
		poll = -
		recv s 10 = "data"
		recv s 10 = end
		poll = -
	`},
	{"of an end that was asked for", linux, `
		loopback c s
		watch s closed edge
		send c data
		poll = -
		shutdown c
		poll = s:closed
		poll = -
		close c
		poll = -
	`},
	{"watched anew", linux, `
		loopback c s
		send c data
		watch s read edge
		poll = s:read
		poll = -
		watch s read write edge
		poll = s:read+write
		poll = -
		watch s read edge
		poll = s:read
		poll = -
		watch s nothing
		send c more
		poll = -
		watch s read edge
		poll = s:read
		poll = -
	`},
	{"of room is not told with data", linux, `
		loopback c s
		watch s read write edge
		poll = s:write
		poll = -
		send c data
		poll = s:read+write
		poll = -
	`},
	{"of room is not told for what was sent", linux, `
		loopback c s
		watch c write edge
		poll = c:write
		send c data
		poll = -
		recv s 10 = "data"
		poll = -
	`},
	{"of room after it was full", linux, `
		loopback c s
		watch c write edge
		poll = c:write
		fill c
		poll = -
		take s c all
		poll = c:write
		poll = -
	`},
	{"of a connection that is made", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		watch l read edge
		poll = -
		connect c l = started
		watch c read write edge
		poll = c:write l:read
		poll = -
		tcp4 d
		connect d l = started
		poll = l:read
		poll = -
		accept x l = 127.0.0.1:c
		poll = -
		accept y l = 127.0.0.1:d
		poll = -
	`},
	{"of a connection that is refused", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		tcp4 c
		watch c write edge
		poll = c:write
		connect c l = started
		poll = c:write
		poll = -
		error c = ECONNREFUSED
		poll = -
	`},
	{"of a reset", linux, `
		loopback c s
		watch c read write edge
		poll = c:write
		reset s
		poll = c:read+write
		poll = -
		recv c 10 = ECONNRESET
		poll = -
	`},
	{"of an own end", linux, `
		loopback c s
		watch c read write closed edge
		poll = c:write
		shutdown c
		poll = c:write
		shutdown s
		poll = c:read+write+closed
		poll = -
	`},
	{"of a pair", linux, `
		pair a b stream
		watch b read write closed edge
		poll = b:write
		send a one
		poll = b:read+write
		send a two
		poll = b:read+write
		recv b 100 = "onetwo"
		poll = -
		shutdown a
		poll = b:read+write+closed
		close a
		poll = b:read+write+closed
		poll = -
	`},
	{"of a listener with several connections", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 a
		tcp4 b
		connect a l = started
		connect b l = started
		watch l read edge
		poll = l:read
		accept x l = 127.0.0.1:a
		poll = -
		watch l nothing
		watch l read edge
		poll = l:read
	`},
	{"of what has ended before it is watched", linux, `
		loopback c s
		send c data
		close c
		ready s = read+write+closed
		watch s read closed edge
		poll = s:read+closed
		poll = -
		recv s 100 = "data"
		poll = -
		watch s read edge
		poll = s:read
		recv s 10 = end
		poll = -
	`},
	{"of room that came while it was not watched", linux, `
		loopback c s
		fill c
		take s c all
		watch c write edge
		poll = c:write
		poll = -
	`},
	{"of room, refused again", linux, `
		loopback c s
		watch c write edge
		poll = c:write
		fill c
		take s c all
		poll = c:write
		fill c
		take s c all
		poll = c:write
		poll = -
	`},
	{"of data in two pollers", linux, `
		loopback c s
		watch s read edge
		send c one
		ready s = read+write
		poll = s:read
		ready s = read+write
		poll = -
		send c two
		ready s = read+write
		poll = s:read
	`},
	{"of what was read before the wait is not told", linux, `
		loopback c s
		watch s read edge
		send c one
		recv s 10 = "one"
		poll = -
		send c two
		poll = s:read
	`},
	{"of a level that has gone is not told", linux, `
		loopback c s
		watch s read
		send c one
		poll = s:read
		recv s 10 = "one"
		poll = -
		send c two
		recv s 10 = "two"
		poll = -
	`},
	{"of a shutdown and of data in one wait", linux, `
		loopback c s
		watch s read closed edge
		send c one
		shutdown c
		poll = s:read+closed
		poll = -
	`},
	{"levels stay and are told apart", all, `
		loopback c s
		watch c read write
		watch s read
		poll = c:write
		send c data
		poll = c:write s:read
		poll = c:write s:read
		watch c nothing
		poll = s:read
		recv s 10 = "data"
		poll = -
	`},
}

var bufferRows = []row{
	{"full, and writable once a third is free", linux, `
		tcp4 l
		set l rcvbuf 20000
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		set c sndbuf 40000
		connect c l = started
		accept s l = 127.0.0.1:c
		watch c write
		poll = c:write
		fill c
		poll = -
		ready s = read+write
		take s c 100
		poll = -
		take s c all
		poll = c:write
		fill c
		poll = -
		take s c all
		recv s 10 = EAGAIN
	`},
	{"full, with parts that are sent", linux, `
		tcp4 l
		set l rcvbuf 20000
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		set c sndbuf 40000
		connect c l = started
		accept s l = 127.0.0.1:c
		send c bytes:10000000 = a part
	`},
	{"full, and the end comes after all", linux, `
		loopback c s
		fill c
		shutdown c
		take s c all
		recv s 10 = end
	`},
	{"full, and what was sent arrives though it is closed", linux, `
		loopback c s
		fill c
		close c
		take s c all
		recv s 10 = end
	`},
	{"full both ways at once", linux, `
		loopback c s
		fill c
		fill s
		take s c all
		take c s all
		ready c = write
		ready s = write
	`},
	{"full, and a reset makes writable", linux, `
		loopback c s
		fill c
		watch c write
		poll = -
		reset s
		poll = c:write
		send c x = ECONNRESET
	`},
	{"full of a pair", linux, `
		pair a b stream
		set a sndbuf 20000
		fill a
		ready a = -
		take b a 100
		ready a = -
		take b a all
		ready a = write
		fill a
		close a
		take b a all
		recv b 10 = end
	`},
	{"taken whole but not writable, and told when it is", linux, `
		pair a b stream
		set a sndbuf 20000
		watch a write
		poll = a:write
		send a bytes:15000
		poll = -
		recv b 20000 = 15000 bytes
		poll = a:write
	`},
	{"taken whole but not writable, and watched then", linux, `
		pair a b stream
		set a sndbuf 20000
		send a bytes:15000
		watch a write
		poll = -
		recv b 20000 = 15000 bytes
		poll = a:write
	`},
	{"taken whole but not writable, watched by edge", linux, `
		pair a b stream
		set a sndbuf 20000
		watch a write edge
		poll = a:write
		send a bytes:15000
		poll = -
		recv b 20000 = 15000 bytes
		poll = a:write
		send a bytes:1
		recv b 20000 = "x"
		poll = a:write
	`},
	{"of a pair of datagrams, taken but not writable", linux, `
		pair a b datagram
		set a sndbuf 20000
		watch a write
		poll = a:write
		send a bytes:15000
		poll = -
		recv b 20000 = 15000 bytes
		poll = a:write
	`},
	{"sizes are doubled and bounded", linux, `
		tcp4 c
		set c sndbuf 50000
		option c sndbuf = 100000
		set c rcvbuf 60000
		option c rcvbuf = 120000
		set c sndbuf 1
		option c sndbuf = 4608
		set c rcvbuf 1
		option c rcvbuf = 2304
	`},
}
