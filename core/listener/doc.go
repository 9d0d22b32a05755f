// Package listener accepts connections from the loop of a base and hands them
// to a callback. It is libevent's evconnlistener, in Go, with libevent's names.
//
// # A listener
//
// [Listen] makes a listener for an address as people write it, such as ":8080" or
// "unix:/path", [NewBind] for a TCP address, [NewUnix] for a Unix socket, and [New]
// for a socket that the program has already:
//
//	l, err := listener.Listen(base, ":7777", listener.CloseOnFree|listener.Reuseable,
//		listener.DefaultBacklog, func(l *listener.Listener, fd int, peer netip.AddrPort) {
//			// fd is the callback's to close
//		})
//	...
//	err = base.Dispatch()
//	...
//	l.Free()
//
// The callback gets a descriptor that is non-blocking and close-on-exec, and the
// address of the peer. A connection costs one system call and, on most systems,
// no memory. [Listener.Data] carries a value of the user's, so that one function
// can serve many listeners.
//
// [Listener.Disable] leaves connections waiting in the system's queue, whose
// length is the backlog, until [Listener.Enable]. A nil callback has the same
// effect until [Listener.SetCallback] sets another. [Listener.Addr] tells where port
// 0 has led. [Listener.Free] ends the listener, and with [CloseOnFree] closes
// its socket. All of this may be done from the callbacks, too.
//
// A listener accepts all connections that wait, but no more than
// [DefaultAcceptLimit], or than there are other descriptors ready, before the
// other events of the loop get their turn; [Listener.SetAcceptLimit] sets another
// number.
//
// # When descriptors run out
//
// A connection that cannot be accepted, because the process or the system has
// no descriptors or no memory left, stays in the queue. The listener then tells
// the callback of [Listener.SetErrorCallback] about it, with the error,
//
//	accept fd 7: too many open files
//
// and leaves the queue alone for a while, [DefaultPause] or what
// [Listener.SetPause] says, before it tries again. So the loop does not spin,
// and goes on by itself as descriptors return. Enable tries again at once, for
// programs that know that one has. Without an error callback, a warning is
// logged once for each shortage. Connections that are gone before they are
// accepted are not an error.
//
// # Sockets
//
// Flags say how a socket is made: [Reuseable], [ReuseablePort], [DeferredAccept],
// [BindIPv6Only], [BindIPv4AndIPv6]. A flag that has no meaning for a socket is
// an error. On TCP sockets that NewBind makes, keep-alive is on, so that peers
// that have vanished are found out; see [KeepAlive].
//
// [NewUnix] removes the socket's file together with the socket, and with
// Reuseable one that an earlier program has left behind. [Inherited] returns the
// sockets that a service manager such as systemd has opened for the program:
//
//	fds, err := listener.Inherited()
//	...
//	for _, in := range fds {
//		l, err := listener.New(base, in.FD, listener.CloseOnFree, 0, onConnection[in.Name])
//		...
//	}
//
// # Goroutines
//
// A listener belongs to the goroutine that runs the loop of its base. There are
// three ways for others. [event.Base.Post] has the loop do it. A listener that
// is made with [Disabled] does not touch its base, so that any goroutine can
// make it and post its Enable. And with [ThreadSafe] any goroutine may use a
// listener, if the package pthreads, or other hooks of evthread, were installed
// before its base was made. Its callbacks run with its lock held, which goes
// with its methods being called from them; beware of deadlocks with locks of
// your own. [Listener.CloseNow] closes the socket of a loop that is stuck.
//
// # Errors
//
// Errors name the operation and its object, and wrap what the system said:
//
//	listen tcp 127.0.0.1:80: permission denied
//
// [ErrAddrInUse] is the one that matters most, by the same name on every system.
//
// # Coming from C
//
// What is different, besides the names:
//
//   - Sockets are close-on-exec unless [Inheritable] says otherwise.
//   - The error callback gets the error, and the listener pauses after it;
//     it does not call again and again until the callback disables it.
//   - A listener that has lost its callback leaves connections waiting, where C
//     accepts and closes one.
//   - IPv4 peers of IPv6 sockets have IPv4 addresses.
//   - [New] makes the socket non-blocking and refuses one that does not listen.
//   - The default backlog is the longest that the system allows.
//   - LoopBreak in a callback ends accepting, too.
//
// # Files
//
//	listener.go    Listener: making one for a socket, its methods
//	listen.go      Listen: addresses as people write them
//	bind.go        NewBind: TCP addresses
//	unixsocket.go  NewUnix: Unix sockets and their files
//	inherited.go   sockets that a service manager has opened
//	accept.go      accepting, and pausing when that fails
//	addr.go        what the socket is bound to
//	flag.go        flags
//	lock.go        the lock of a listener
//	errors.go      errors
package listener
