package listener

import "fmt"

// A Flag changes how a listener is made. Flags are combined with |.
type Flag uint16

const (
	// LeaveSocketsBlocking makes accepted sockets blocking ones. By default
	// they are non-blocking, as events and bufferevents want them
	// (LEV_OPT_LEAVE_SOCKETS_BLOCKING).
	LeaveSocketsBlocking Flag = 1 << iota
	// CloseOnFree makes Free close the listening socket. The file of a Unix
	// socket that NewUnix made is removed with it (LEV_OPT_CLOSE_ON_FREE).
	CloseOnFree
	// CloseOnExec keeps the sockets from being inherited by the programs that
	// this one starts. For accepted sockets and those that NewBind and NewUnix
	// make this is the default, as everywhere in Go. With New it also changes
	// the listening socket, which otherwise is left as it is
	// (LEV_OPT_CLOSE_ON_EXEC).
	CloseOnExec
	// Reuseable lets NewBind have an address on which connections of an
	// earlier listener still linger, and NewUnix a path at which an earlier
	// listener has left its socket behind (LEV_OPT_REUSEABLE).
	Reuseable
	// ThreadSafe gives the listener a lock, so that any goroutine may use it.
	// The error of the constructor is evthread.ErrNoLocks if none are installed
	// (LEV_OPT_THREADSAFE).
	ThreadSafe
	// Disabled makes the listener wait for Enable. Until then it has not
	// touched its base (LEV_OPT_DISABLED).
	Disabled
	// DeferredAccept has connections reported only once data has arrived on
	// them, for protocols in which the client speaks first. Only Linux can do
	// it; elsewhere the flag has no effect. It is for NewBind
	// (LEV_OPT_DEFERRED_ACCEPT).
	DeferredAccept
	// ReuseablePort lets several listeners have the same port, over which the
	// system spreads the connections. The error wraps errors.ErrUnsupported
	// where it cannot do that: only Linux, FreeBSD and DragonFly BSD can. It
	// is for NewBind (LEV_OPT_REUSEABLE_PORT).
	ReuseablePort
	// BindIPv6Only keeps a listener at an IPv6 address from accepting IPv4, so
	// that another can have the same port for that. It is for NewBind
	// (LEV_OPT_BIND_IPV6ONLY).
	BindIPv6Only
	// BindIPv4AndIPv6 lets a listener at the address [::] accept IPv4 as well,
	// whatever the system does by default. It is for NewBind
	// (LEV_OPT_BIND_IPV4_AND_IPV6).
	BindIPv4AndIPv6
	// Inheritable lets the programs that this one starts inherit accepted
	// sockets, and the listening socket if NewBind or NewUnix makes it. It is
	// what C does without LEV_OPT_CLOSE_ON_EXEC.
	Inheritable

	allFlags  = Inheritable<<1 - 1
	bindFlags = DeferredAccept | ReuseablePort | BindIPv6Only | BindIPv4AndIPv6
)

// check refuses flags that do not exist, contradict each other, or have no
// meaning for the constructor that gets them.
func (f Flag) check(meaningless Flag) error {
	switch {
	case f&^allFlags != 0:
		return fmt.Errorf("%w: unknown %#x", ErrFlag, uint16(f&^allFlags))
	case f&meaningless != 0:
		return fmt.Errorf("%w: %#x has no meaning for this socket", ErrFlag, uint16(f&meaningless))
	case f&CloseOnExec != 0 && f&Inheritable != 0:
		return fmt.Errorf("%w: CloseOnExec and Inheritable", ErrFlag)
	case f&BindIPv6Only != 0 && f&BindIPv4AndIPv6 != 0:
		return fmt.Errorf("%w: BindIPv6Only and BindIPv4AndIPv6", ErrFlag)
	default:
		return nil
	}
}
