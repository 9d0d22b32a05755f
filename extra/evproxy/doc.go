// Package evproxy speaks the PROXY protocol, versions 1 and 2, in front of any stream: a
// load balancer such as haproxy says by a header at the beginning of each connection
// for whom it has made it, and a server behind it knows its clients' addresses.
//
// # Behind a proxy
//
// A [Receiver] reads the header, and hands the stream on. A header can say any address, so
// the receiver has to be told which peers to believe:
//
//	trust := evproxy.TrustPrefixes(netip.MustParsePrefix("10.0.0.0/24"))
//	receiver, err := evproxy.NewReceiver(base, &evproxy.Config{Trust: trust})
//	...
//	l, err := listener.Listen(base, ":8080", flags, listener.DefaultBacklog,
//		func(_ *listener.Listener, fd int, peer netip.AddrPort) {
//			_ = receiver.Accept(fd, peer, serve) // fails only if it was freed
//		})
//
//	func serve(b *bufferevent.Bufferevent, h *evproxy.Header, err error) {
//		if err != nil {
//			log.Print(err) // evproxy: receive from 10.0.0.7:4711: invalid header: no signature
//			return
//		}
//		log.Print(b.PeerAddr()) // of the client
//		...
//	}
//
// The stream is the same as before, without the header, and costs nothing more. TLS can
// be put over it, or it is given to an evhttp.Server by its method Serve: what asks for the
// peer's address there, such as a log, gets the client's.
//
// A peer that is not trusted is refused, before anything is read from it, or with
// [Config.Direct] has a stream without a header. A trusted one has to send one: what
// is in front of a stream is never guessed. It has to come within [Config.Timeout], and
// within [Config.MaxSize]. Headers that say that the connection is the proxy's own
// (LOCAL), or that do not say for whom it is (UNKNOWN, UNSPEC), leave the stream its
// own addresses.
//
// # Beside the addresses
//
// In version 2 a [Header] has a list of [TLV], of which [Header.ALPN],
// [Header.Authority], [Header.UniqueID], [Header.NetNS] and [Header.TLS] know the meaning.
// Checksums are checked.
//
// # Being a proxy
//
// [Send] puts a header in front of what a stream sends, and [HeaderOf] makes it from the
// stream that is passed on:
//
//	err := evproxy.Send(toServer, evproxy.HeaderOf(fromClient))
//
// # Datagrams
//
// With UDP each datagram begins with a header: [Parse] tells where it ends, and
// [Header.AppendTo] makes one.
//
// # Goroutines
//
// A Receiver belongs to a base, and is used on the goroutine of its loop. With several
// loops each has one. The rest of the package may be used from any goroutine.
//
// # Strictness
//
// What is not as the protocol says is refused at the first byte that shows it: ports and
// addresses with zeros in front, lines without CR, commands, families and kinds that do
// not exist, TLVs that do not fit, that come twice though they may not, or whose
// text is none.
//
// # Files
//
//	header.go    Header, Parse
//	line.go      version 1
//	binary.go    version 2: signature, addresses
//	tlv.go       version 2: TLVs, what is said of TLS
//	trust.go     whom to believe
//	config.go    Config, limits
//	receiver.go  Receiver, reading headers in front of streams
//	send.go      Send
//	errors.go    errors
package evproxy
