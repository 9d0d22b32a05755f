package simnet_test

var addressRows = []row{
	{"wildcard and specific", linux, `
		tcp4 w
		bind w 0.0.0.0:0
		listen w 1
		tcp4 s
		bind s 127.0.0.1:w = EADDRINUSE
		tcp4 v
		bind v 127.0.0.2:0
		listen v 1
		bind s 127.0.0.1:v
		listen s 1
	`},
	{"specific before wildcard", linux, `
		tcp4 w
		set w reuseport 1
		bind w 0.0.0.0:0
		listen w 1
		tcp4 s
		set s reuseport 1
		bind s 127.0.0.1:w
		listen s 1
		tcp4 c
		connect c 127.0.0.1:w = started
		ready s = read
		ready w = -
		tcp4 d
		connect d 127.0.0.2:w = started
		ready w = read
		accept x w = 127.0.0.1:d
		sockname x = 127.0.0.2:w
	`},
	{"of others", linux, `
		tcp4 a
		bind a 192.0.2.1:0 = EADDRNOTAVAIL
		tcp6 b
		bind b [2001:db8::1]:0 = EADDRNOTAVAIL
		udp4 u
		bind u 192.0.2.1:0 = EADDRNOTAVAIL
	`},
	{"before there are any", linux, `
		tcp4 a
		sockname a = 0.0.0.0:0
		peername a = ENOTCONN
		tcp6 b
		sockname b = [::]:0
		udp4 c
		sockname c = 0.0.0.0:0
		unix d
		sockname d = unnamed
		peername d = ENOTCONN
	`},
	{"IPv6", all, `
		tcp6 l
		bind l [::1]:0
		listen l 10
		tcp6 c
		connect c l = started
		ready c = write
		accept s l = [::1]:c
		sockname s = [::1]:l
		peername c = [::1]:l
		tcp4 d
		connect d 127.0.0.1:l = started
		ready d = read+write+closed
		error d = ECONNREFUSED
	`},
	{"both families at the IPv6 wildcard", linux, `
		tcp6 l
		option l v6only = 0
		bind l [::]:0
		sockname l = [::]:l
		listen l 10
		tcp4 c
		connect c 127.0.0.1:l = started
		accept s l = 127.0.0.1:c
		sockname s = [::ffff:127.0.0.1]:l
		peername s = [::ffff:127.0.0.1]:c
		tcp6 d
		connect d [::1]:l = started
		accept t l = [::1]:d
		tcp4 m
		bind m 0.0.0.0:l = EADDRINUSE
		bind m 127.0.0.1:l = EADDRINUSE
	`},
	{"IPv6 alone at the IPv6 wildcard", linux, `
		tcp6 l
		set l v6only 1
		option l v6only = 1
		bind l [::]:0
		listen l 10
		set l v6only 0 = EINVAL
		tcp4 c
		connect c 127.0.0.1:l = started
		error c = ECONNREFUSED
		tcp4 m
		bind m 0.0.0.0:l
		listen m 10
		tcp4 d
		connect d 127.0.0.1:l = started
		accept s m = 127.0.0.1:d
	`},
	{"IPv4 in IPv6", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp6 c
		connect c [::ffff:127.0.0.1]:l = started
		accept s l = 127.0.0.1:c
		sockname c = [::ffff:127.0.0.1]:c
		peername c = [::ffff:127.0.0.1]:l
		tcp6 m
		bind m [::ffff:127.0.0.1]:0
		sockname m = [::ffff:127.0.0.1]:m
		listen m 10
		tcp4 d
		connect d 127.0.0.1:m = started
		accept t m = 127.0.0.1:d
		tcp6 e
		set e v6only 1
		connect e [::ffff:127.0.0.1]:l = ENETUNREACH
		bind e [::ffff:127.0.0.1]:0 = EINVAL
	`},
	{"another family", linux, `
		tcp4 l
		bind l 127.0.0.1:0
		listen l 10
		tcp6 k
		bind k [::1]:0
		listen k 10
		tcp4 a
		connect a k = EAFNOSUPPORT
		bind a k = EAFNOSUPPORT
		connect a socket = EAFNOSUPPORT
		tcp6 b
		connect b l = EINVAL
		bind b l = EINVAL
		unix c
		connect c l = EINVAL
		bind c l = EINVAL
		udp4 u
		connect u k = EAFNOSUPPORT
		bind u k = EAFNOSUPPORT
	`},
	{"IPv4 at datagram sockets for IPv6", linux, `
		udp4 a
		bind a 127.0.0.1:0
		udp6 b
		sendto b 127.0.0.1:a x
		recvfrom a 10 = "x" from 127.0.0.1:b
		sendto a 127.0.0.1:b y
		recvfrom b 10 = "y" from [::ffff:127.0.0.1]:a
		connect b 127.0.0.1:a
		peername b = [::ffff:127.0.0.1]:a
		sockname b = [::ffff:127.0.0.1]:b
		udp6 c
		set c v6only 1
		sendto c 127.0.0.1:a x = ENETUNREACH
		connect c 127.0.0.1:a = EAFNOSUPPORT
		sendto c [::ffff:127.0.0.1]:a x = ENETUNREACH
		udp4 d
		sendto d [::1]:a x = EAFNOSUPPORT
		bind b 127.0.0.1:0 = EINVAL
	`},
	{"of datagrams, IPv6 alone", linux, `
		udp6 w
		set w v6only 1
		bind w [::]:0
		udp4 f
		bind f 0.0.0.0:w
		udp4 c
		sendto c 127.0.0.1:w four
		recvfrom f 10 = "four" from 127.0.0.1:c
		recvfrom w 10 = EAGAIN
		udp6 d
		sendto d [::1]:w six
		recvfrom w 10 = "six" from [::1]:d
	`},
	{"ports that are given differ", linux, `
		tcp4 a
		bind a 127.0.0.1:0
		tcp4 b
		bind b 127.0.0.1:0
		udp4 c
		bind c 127.0.0.1:a
		sockname c = 127.0.0.1:a
		sockname b = 127.0.0.1:b
	`},
	{"one is for good", linux, `
		tcp4 a
		bind a 127.0.0.1:0
		bind a 127.0.0.1:0 = EINVAL
		udp4 u
		bind u 127.0.0.1:0
		bind u 127.0.0.1:0 = EINVAL
	`},
}
