package evdns_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/dns/evdns"
)

// What the system refuses ends a lookup at once, with the reason, whatever the
// call; with another nameserver there, it does not end.
func TestSystemCallsThatAlwaysFail(t *testing.T) {
	for _, test := range []struct {
		name       string
		nameserver string
		bindTo     string
		flags      evdns.QueryFlags
	}{
		{"connect to broadcast", "255.255.255.255:53", "", 0},
		{"connect to broadcast over TCP", "255.255.255.255:53", "", evdns.UseVC},
		{"bind to somebody else's address", "192.0.2.1:53", "198.51.100.77", 0},
		{"connect to multicast over TCP", "224.0.0.1:53", "", evdns.UseVC},
	} {
		for _, good := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, another one is good: %t", test.name, good), func(t *testing.T) {
				loop := newLoop(t)
				b := newResolver(t, loop)
				set(t, b, "timeout", "1000")
				if test.bindTo != "" {
					set(t, b, "bind-to", test.bindTo)
				}
				ok(t, b.AddNameserver(netip.MustParseAddrPort(test.nameserver)))
				if good {
					ok(t, b.AddNameserver(newUpstream(t).addr))
				}
				for i := range 4 {
					a := new(answer)
					_, err := b.ResolveIPv4(fmt.Sprintf("n%d.example", i), test.flags, a.callback)
					ok(t, err)
					dispatch(t, loop)
					if good {
						a.want(t, "192.0.2.1")
					} else {
						a.fails(t, evdns.ErrUnreachable)
						if _, ok := errors.AsType[syscall.Errno](a.err); !ok {
							t.Errorf("%v", a.err)
						}
					}
				}
			})
		}
	}
}

// A socket that breaks under the resolver's hands is replaced, and lookups do not
// notice, be it when they are sent or when they are awaited.
func TestASocketThatBreaks(t *testing.T) {
	for _, awaited := range []bool{false, true} {
		t.Run(fmt.Sprintf("awaited %t", awaited), func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "timeout", "1000", "ports-per-nameserver", "1")
			lookup(t, loop, b, "first.example").want(t, "192.0.2.1")
			breakSocket := func() {
				null, err := os.Open("/dev/null")
				ok(t, err)
				defer null.Close()
				ok(t, syscall.Dup3(int(null.Fd()), b.NameserverFD(0), syscall.O_CLOEXEC))
			}
			second := start(t, b, "second.example")
			if awaited {
				b.EndIteration() // sends it
				ok(t, loop.Post(func() { b.Expire(u.addr) }))
			}
			breakSocket()
			dispatch(t, loop)
			second.want(t, "192.0.2.1")
			lookup(t, loop, b, "third.example").want(t, "192.0.2.1")
		})
	}
}
