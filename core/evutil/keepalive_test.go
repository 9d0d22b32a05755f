package evutil_test

import (
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestKeepAliveTimes(t *testing.T) {
	for _, test := range []struct {
		idle           time.Duration
		first, between int
	}{
		{1, 1, 1},
		{time.Second, 1, 1},
		{time.Second + 1, 2, 1},
		{5 * time.Second, 5, 1},
		{6 * time.Second, 6, 2},
		{300 * time.Second, 300, 100},
		{math.MaxInt64, math.MaxInt32, math.MaxInt32 / 3},
	} {
		if first, between := evutil.KeepAliveTimes(test.idle); first != test.first || between != test.between {
			t.Errorf("idle %v: %d and %d, want %d and %d", test.idle, first, between, test.first, test.between)
		}
	}
}

func TestSetTCPKeepAliveSwitchesOnAndOff(t *testing.T) {
	fd := newSocket(t)
	for _, test := range []struct {
		on   bool
		idle time.Duration
	}{
		{true, 300 * time.Second},
		{false, 300 * time.Second},
		{true, 0},
		{false, 0},
	} {
		if err := evutil.SetTCPKeepAlive(fd, test.on, test.idle); err != nil {
			t.Fatal(err)
		}
		if on := option(t, fd, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE) != 0; on != test.on {
			t.Errorf("keep-alive is %t, want %t", on, test.on)
		}
	}
}
