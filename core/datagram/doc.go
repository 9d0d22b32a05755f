// Package datagram has UDP sockets on loops, and moves their messages in batches.
// libevent has no counterpart; its evdns makes a system call for each message, which
// is most of what a small message costs.
//
// # Sockets on a loop
//
// A [Socket] belongs to an event base. It calls OnMessages with what has arrived,
// many messages at a time, and sends what was queued with [Socket.Send] at once: when
// OnMessages returns, and at the end of the iteration. An echo server is
//
//	s, err := datagram.ListenSocket(base, netip.MustParseAddrPort("127.0.0.1:5353"), 0, datagram.Config{
//		OnMessages: func(s *datagram.Socket, messages []datagram.Message) {
//			for _, m := range messages {
//				s.Send(m) // back to m.Addr; an error says that too many wait
//			}
//		},
//	})
//	...
//	err = s.Enable()
//
// While the system has no room, messages wait in the queue, up to Config.MaxQueued
// and MaxQueuedBytes; OnDrained tells when all are sent. A program that makes its
// messages when they can be sent uses [Socket.SendNow], which copies nothing. What
// the system refuses to send goes to OnUnsent, with the reason. Errors of receiving go
// to OnError; the socket goes on by itself, after a pause if it fails each time. With
// Config.PeerErrors a server hears, on Linux, of peers that are not there
// ([PeerError]).
//
// A Socket belongs to the goroutine of its loop, or to the one that holds Config.Guard.
// [Socket.Close] may be called in any callback. Sending at a given rate is left to
// timers of the user's: what the system offers for it acts only with some of its
// network schedulers.
//
// # Descriptors
//
// [Listen] makes a socket that is bound to an address and takes messages from
// any peer, [Dial] one that is connected to a peer and takes messages from
// no other; [ListenSocket] and [DialSocket] put it on a loop at once. Both return
// a descriptor that is non-blocking and close-on-exec; it is the caller's, to be
// closed with evutil.CloseSocket, or given to [NewSocket].
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
// goroutine at a time, as does everything of a loop. A Socket has one of its own, or
// shares that of Config.Batch.
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
// are good, and the next call goes on; [ErrRefused] says of a connected
// socket that no socket is bound at its peer, and is the answer to an earlier
// message. Errors name the operation and the descriptor:
//
//	datagram: send fd 7: message too long
//
// # Files
//
//	batch.go             Message, and Batch: many messages by one system call
//	config.go            Config of a Socket, its checks and defaults
//	errors.go            the errors that a caller can tell apart, PeerError
//	flag.go              flags of Listen and Dial
//	limits.go            defaults and limits of a Socket
//	open.go              Listen, Dial, and options of descriptors
//	socket.go            Socket: its states, making and closing it, retries
//	socket_receive.go    the way from the system to OnMessages and OnError
//	socket_send.go       the queue, and the way from Send to the system
package datagram
