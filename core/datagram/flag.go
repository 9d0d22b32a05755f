package datagram

import "fmt"

// A Flag changes how a socket is made. Flags are combined with |.
type Flag uint16

const (
	// Reuseable lets the socket have an address that other sockets have, all of
	// which must have been made so. Only one of them gets a message, save for
	// multicast and broadcast ones, which is what it is for. It has no
	// effect on Windows, where it would let any program take the address over.
	Reuseable Flag = 1 << iota
	// ReuseablePort lets several sockets have the same address, over which the
	// system spreads the messages by their senders. The error wraps
	// errors.ErrUnsupported where it cannot do that: only Linux, FreeBSD and
	// DragonFly BSD can.
	ReuseablePort
	// BindIPv6Only keeps a socket at an IPv6 address from taking IPv4, so that
	// another can have the same port for that. It is for Listen.
	BindIPv6Only
	// BindIPv4AndIPv6 lets a socket at the address [::] take IPv4 as well,
	// whatever the system does by default. It is for Listen.
	BindIPv4AndIPv6
	// Inheritable lets the programs that this one starts inherit the socket.
	Inheritable

	allFlags    = Inheritable<<1 - 1
	familyFlags = BindIPv6Only | BindIPv4AndIPv6
)

// check refuses flags that do not exist, contradict each other, or have no
// meaning for the function that gets them.
func (f Flag) check(meaningless Flag) error {
	switch {
	case f&^allFlags != 0:
		return fmt.Errorf("%w: unknown %#x", ErrFlag, uint16(f&^allFlags))
	case f&meaningless != 0:
		return fmt.Errorf("%w: %#x has no meaning for this socket", ErrFlag, uint16(f&meaningless))
	case f&BindIPv6Only != 0 && f&BindIPv4AndIPv6 != 0:
		return fmt.Errorf("%w: BindIPv6Only and BindIPv4AndIPv6", ErrFlag)
	default:
		return nil
	}
}
