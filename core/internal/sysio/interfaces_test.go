package sysio

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"
)

func TestAddressesAreBelievedForASecond(t *testing.T) {
	var now time.Time
	n := 0
	var failed error
	i := interfaces{ask: func() ([]net.Addr, error) {
		n++
		ip := net.IPv4(192, 0, 2, byte(n))
		return []net.Addr{&net.IPNet{IP: ip, Mask: net.CIDRMask(24, 32)}, &net.UnixAddr{Name: "no address"}}, failed
	}}
	begin := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		at   time.Duration
		want string
	}{
		{0, "[192.0.2.1]"},
		{askAgain - 1, "[192.0.2.1]"},
		{askAgain, "[192.0.2.2]"},
		{0, "[192.0.2.3]"}, // in a bubble of testing/synctest it is another time
		{1, "[192.0.2.3]"},
	} {
		now = begin.Add(step.at)
		addrs, err := i.get(now)
		ok(t, err)
		want(t, fmt.Sprint("addresses at ", step.at), fmt.Sprint(addrs), step.want)
	}
	failed = errors.New("no interfaces")
	_, err := i.get(now.Add(askAgain))
	want(t, "error", err, failed)
}

func TestThisHostHasAddresses(t *testing.T) {
	addrs, err := LocalAddrs()
	ok(t, err)
	for _, a := range addrs {
		if a.IsLoopback() {
			return
		}
	}
	t.Skip("there is no loopback interface with an address")
}
