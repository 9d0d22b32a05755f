// Package datagram has UDP sockets for loops, and moves their messages in
// batches. libevent has no counterpart; its evdns makes a system call for each
// message, which is most of what a small message costs.
//
// # Sockets
//
// [Listen] makes a socket that is bound to an address and takes messages from
// everybody, [Dial] one that is connected to a peer and takes messages from
// nobody else. Both return a descriptor that is non-blocking and close-on-exec,
// for an event to wait on; it is the caller's, to be closed with
// evutil.CloseSocket:
//
//	fd, err := datagram.Listen(netip.MustParseAddrPort("127.0.0.1:5353"), 0)
//	...
//	ev, err := base.NewEvent(fd, event.Read|event.Persist, onReadable)
//
// Everything else here takes any descriptor of a datagram socket, wherever it
// comes from.
//
// # Batches
//
// A [Batch] has the memory for a number of messages and is used again and
// again. [Batch.Recv] receives all that has arrived, up to that number, and
// [Batch.Send] sends any number of messages. An echo server is
//
//	batch := datagram.NewBatch(64, 2048)
//	onReadable := func(ev *event.Event, _ event.What) {
//		msgs, err := batch.Recv(ev.FD())
//		...
//		n, err := batch.Send(ev.FD(), msgs)
//		...
//	}
//
// On Linux that takes two system calls for 64 messages (recvmmsg, sendmmsg). On
// other systems, and where the kernel lacks these calls or a sandbox refuses
// them, there is one call for each message; programs do not see the difference.
// Neither costs memory on Linux and Windows; elsewhere each address does.
//
// With [Batch.AllowSegments], messages of one length for one peer go through the
// kernel as one, which costs a fraction; for programs that send many of them.
//
// One Batch serves any number of sockets, one after the other. It belongs to one
// goroutine at a time, as does everything of a loop.
//
// # Messages
//
// A [Message] has data, the address of the peer, and a flag that says that data
// was cut off because it did not fit. Addresses are as the socket has them: at
// an IPv6 socket that takes IPv4 too, an IPv4 peer is an IPv4-mapped IPv6
// address, and has to be for sending; netip.Addr.Unmap makes it look plain.
//
// A server that is bound to a wildcard address, on a host with several, should
// answer from the address that was asked, or clients will not take the answer.
// With [TellLocal], Message.Local is that address, and a message is sent from
// it. Only Linux can do that.
//
// # Errors
//
// Nothing to receive and no room to send are not errors: there are fewer
// messages than might have been. What goes wrong with one message does not stop
// the others. Send leaves the reason with the message ([Message.Err]); [ErrTooLong]
// is a common one. When Recv returns an error, the messages that come with it
// are good, and the next call goes on; [ErrRefused] tells about a connected
// socket that nobody listens at its peer, and is the answer to an earlier
// message. Errors name the operation and the descriptor:
//
//	send fd 7: message too long
package datagram
