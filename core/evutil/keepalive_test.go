package evutil

import (
	"math"
	"syscall"
	"testing"
	"time"
)

func TestKeepAliveTimes(t *testing.T) {
	for _, test := range []struct {
		idle time.Duration
		want keepAliveTimes
	}{
		{1, keepAliveTimes{1, 1}},
		{time.Second, keepAliveTimes{1, 1}},
		{time.Second + 1, keepAliveTimes{2, 1}},
		{5 * time.Second, keepAliveTimes{5, 1}},
		{6 * time.Second, keepAliveTimes{6, 2}},
		{300 * time.Second, keepAliveTimes{300, 100}},
		{math.MaxInt64, keepAliveTimes{math.MaxInt32, math.MaxInt32 / 3}},
	} {
		if got := newKeepAliveTimes(test.idle); got != test.want {
			t.Errorf("idle %v: %+v, want %+v", test.idle, got, test.want)
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
		if err := SetTCPKeepAlive(fd, test.on, test.idle); err != nil {
			t.Fatal(err)
		}
		if on := option(t, fd, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE) != 0; on != test.on {
			t.Errorf("keep-alive is %t, want %t", on, test.on)
		}
	}
}
