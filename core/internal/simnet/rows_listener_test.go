package simnet_test

var listenerRows = []row{
	{"accept in the order of connections", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 a
		tcp4 b
		tcp4 c
		connect b l = started
		connect a l = started
		connect c l = started
		accept x l = 127.0.0.1:b
		accept y l = 127.0.0.1:a
		ready l = read
		accept z l = 127.0.0.1:c
		ready l = -
	`},
	{"accept what was reset since", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		connect c l = started
		ready c = write
		reset c
		ready l = read
		accept s l = 127.0.0.1:c
		recv s 10 = ECONNRESET
		recv s 10 = end
	`},
	{"accept what was closed since", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		connect c l = started
		ready c = write
		send c data
		close c
		accept s l = 127.0.0.1:c
		recv s 10 = "data"
		recv s 10 = end
	`},
	{"closed with connections that wait", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		connect c l = started
		ready c = write
		tcp4 d
		connect d l = started
		send d data
		close l
		ready c = read+write+closed
		recv c 10 = ECONNRESET
		send d x = ECONNRESET
	`},
	{"closed, and its connections stay", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		connect c l = started
		accept s l = 127.0.0.1:c
		close l
		send c data
		recv s 10 = "data"
	`},
	{"closed, and others can listen there", linux, `
		tcp4 l
		set l reuseaddr 1
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		connect c l = started
		accept s l = 127.0.0.1:c
		close l
		tcp4 m
		set m reuseaddr 1
		bind m 127.0.0.1:l
		listen m 10
		tcp4 d
		connect d m = started
		accept t m = 127.0.0.1:d
		send c old
		recv s 10 = "old"
		send d new
		recv t 10 = "new"
		recv s 10 = EAGAIN
	`},
	{"duplicated, and one of them closed", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		dup k l
		close l
		tcp4 c
		connect c k = started
		ready k = read
		accept s k = 127.0.0.1:c
	`},
	{"not listening yet", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listening l = false
		ready l = read+write+closed
		accept s l = EINVAL
		listen l 1
		listening l = true
		ready l = -
	`},
	{"without an address get one", linux, `
		tcp4 l
		listen l 1
		tcp4 c
		connect c 127.0.0.1:l = started
		accept s l = 127.0.0.1:c
	`},
	{"listening again with another backlog", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 0
		tcp4 a
		tcp4 b
		connect a l = started
		ready a = write
		listen l 5
		connect b l = started
		ready b = write
		accept x l = 127.0.0.1:a
		accept y l = 127.0.0.1:b
	`},
	{"pass their options on", linux, `
		tcp4 l
		set l keepalive 1
		set l keepintvl 42
		set l nodelay 1
		set l rcvbuf 30000
		bind l 127.0.0.1:0
		listen l 10
		tcp4 c
		connect c l = started
		accept s l = 127.0.0.1:c
		option s keepalive = 1
		option s keepintvl = 42
		option s nodelay = 1
		option s rcvbuf = 60000
		option c keepalive = 0
		listening s = false
	`},
	{"the address of one", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 1
		tcp4 m
		bind m l = EADDRINUSE
		sockname m = 0.0.0.0:0
		close l
		bind m 127.0.0.1:l
		listen m 1
	`},
	{"the address of one that does not listen", linux, `
		tcp4 a
		bind a 127.0.0.1:0
		tcp4 b
		bind b a = EADDRINUSE
		set b reuseaddr 1
		bind b a = EADDRINUSE
		set a reuseaddr 1
		bind b a
		listen b 1
		listen a 1 = EADDRINUSE
	`},
	{"reusable addresses are not shared by listeners", linux, `
		tcp4 a
		set a reuseaddr 1
		bind a 127.0.0.1:0
		listen a 1
		tcp4 b
		set b reuseaddr 1
		bind b a = EADDRINUSE
	`},
	{"the address of connections that were closed", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 1
		tcp4 c
		connect c l = started
		accept s l = 127.0.0.1:c
		close s
		close l
		close c
		tcp4 m
		bind m 127.0.0.1:l = EADDRINUSE
		set m reuseaddr 1
		bind m 127.0.0.1:l = EADDRINUSE
	`},
	{"the address of connections that were closed, reusable", linux, `
		tcp4 l
		set l reuseaddr 1
		bind l 127.0.0.1:0
		listen l 1
		tcp4 c
		connect c l = started
		accept s l = 127.0.0.1:c
		close s
		close l
		close c
		tcp4 m
		bind m 127.0.0.1:l = EADDRINUSE
		set m reuseaddr 1
		bind m 127.0.0.1:l
		listen m 1
	`},
	{"the address of connections that the others closed", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 1
		tcp4 c
		connect c l = started
		accept s l = 127.0.0.1:c
		close c
		recv s 10 = end
		close s
		close l
		tcp4 m
		bind m 127.0.0.1:l
		listen m 1
	`},
	{"the address of connections that are open", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 1
		tcp4 c
		connect c l = started
		accept s l = 127.0.0.1:c
		close l
		tcp4 m
		bind m 127.0.0.1:l = EADDRINUSE
		set m reuseaddr 1
		bind m 127.0.0.1:l = EADDRINUSE
	`},
	{"the address of connections that are open, reusable", linux, `
		tcp4 l
		set l reuseaddr 1
		bind l 127.0.0.1:0
		listen l 1
		tcp4 c
		connect c l = started
		accept s l = 127.0.0.1:c
		close l
		tcp4 m
		bind m 127.0.0.1:l = EADDRINUSE
		set m reuseaddr 1
		bind m 127.0.0.1:l
		listen m 1
	`},
	{"share a port", linux, `
		tcp4 a
		set a reuseport 1
		bind a 127.0.0.1:0
		listen a 100
		tcp4 b
		bind b a = EADDRINUSE
		set b reuseport 1
		bind b a
		listen b 100
		spread 64 a b
	`},
	{"that leave a shared port to others", linux, `
		tcp4 a
		set a reuseport 1
		bind a 127.0.0.1:0
		listen a 100
		tcp4 b
		set b reuseport 1
		bind b a
		listen b 100
		close a
		tcp4 c
		connect c b = started
		ready b = read
		accept s b = 127.0.0.1:c
	`},
}
