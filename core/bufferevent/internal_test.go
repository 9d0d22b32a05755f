package bufferevent

import (
	"math"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

func TestFamiliesTakeTurns(t *testing.T) {
	const v4, v6 = syscall.AF_INET, syscall.AF_INET6
	for _, tt := range []struct{ families, order []int }{
		{[]int{v4}, []int{0}},
		{[]int{v4, v4, v4}, []int{0, 1, 2}},
		{[]int{v6, v4}, []int{0, 1}},
		{[]int{v6, v6, v6, v4, v4}, []int{0, 3, 1, 4, 2}},
		{[]int{v4, v6, v6, v6}, []int{0, 1, 2, 3}},
		{[]int{v4, v4, v6, v4}, []int{0, 2, 1, 3}},
	} {
		var addrs []evutil.AddrInfo
		for i, family := range tt.families {
			addr := netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(i))
			addrs = append(addrs, evutil.AddrInfo{Family: family, Addr: addr})
		}
		var order []int
		for _, addr := range interleave(addrs) {
			order = append(order, int(addr.Port()))
		}
		if !slices.Equal(order, tt.order) {
			t.Errorf("families %v: got order %v, want %v", tt.families, order, tt.order)
		}
	}
}

// config returns a limit for both directions with a tick of a second.
func config(t *testing.T, rate, burst int) *TokenBucketConfig {
	t.Helper()
	cfg, err := NewTokenBucketConfig(rate, burst, rate, burst, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// at returns the moment so many ticks of a second after the first one.
func at(ticks float64) time.Duration { return time.Duration(ticks * float64(time.Second)) }

func TestBucketsFillWithEachTick(t *testing.T) {
	steps := []struct {
		take int
		at   float64
		want int
	}{
		{0, 1.95, 10}, // what one tick adds
		{4, 1.99, 6},
		{0, 2, 16},
		{0, 2.9, 16}, // once a tick
		{0, 3, 25},   // up to the burst
		{0, 9, 25},
		{100, 9.5, -75},
		{0, 8, -75}, // time does not go back
		{0, 10, -65},
		{0, 18, 15},
		{0, 100, 25},
		{-100, 100, 125}, // given by hand, until the next tick
		{0, 101, 25},
	}
	for _, origin := range []float64{0, -1000} { // before the start of the process as well
		var k buckets
		k.start(config(t, 10, 25), at(origin+1.9))
		for _, step := range steps {
			k.take(event.Read, step.take)
			k.fill(at(origin + step.at))
			if k.read != step.want {
				t.Fatalf("after %d were taken, at tick %v: %d tokens, want %d", step.take, origin+step.at, k.read, step.want)
			}
		}
	}
}

func TestBucketsOfBothDirectionsAreSeparate(t *testing.T) {
	cfg, err := NewTokenBucketConfig(1, 2, 10, 20, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var k buckets
	k.start(cfg, at(0))
	k.take(event.Write, 15)
	k.fill(at(1))
	if k.tokens(event.Read) != 2 || k.tokens(event.Write) != 5 {
		t.Errorf("%d and %d tokens", k.read, k.write)
	}
}

func TestAChangeOfLimitGivesNothing(t *testing.T) {
	var k buckets
	k.start(config(t, 10, 100), at(0))
	k.take(event.Read, 8)
	k.take(event.Write, 30)
	k.change(config(t, 50, 50), at(5))
	if k.read != 2 || k.write != -20 {
		t.Errorf("%d and %d tokens, want 2 and -20", k.read, k.write)
	}
	k.change(config(t, 1, 1), at(5))
	if k.read != 1 || k.write != -20 {
		t.Errorf("%d and %d tokens, want 1 and -20", k.read, k.write)
	}
	k.fill(at(6))
	if k.read != 1 || k.write != -19 {
		t.Errorf("%d and %d tokens, want 1 and -19", k.read, k.write)
	}
}

func TestBucketsWithExtremeNumbers(t *testing.T) {
	var k buckets
	k.start(config(t, 1, RateLimitMax), at(0))
	k.take(event.Read, math.MaxInt)
	k.take(event.Read, math.MaxInt)
	k.take(event.Read, math.MaxInt)
	if k.read != math.MinInt {
		t.Errorf("%d tokens are left", k.read)
	}
	k.fill(at(1))
	if k.read != math.MinInt+1 {
		t.Errorf("%d tokens after a tick", k.read)
	}
	if wait := k.untilRefill(at(1)); wait != maxWait {
		t.Errorf("waits %v", wait)
	}
	k.take(event.Read, math.MinInt)
	k.take(event.Read, math.MinInt)
	k.take(event.Read, math.MinInt)
	if k.read != math.MaxInt {
		t.Errorf("%d tokens after many were given", k.read)
	}
	k.fill(at(2))
	if k.read != math.MaxInt {
		t.Errorf("%d tokens of %d", k.read, RateLimitMax)
	}
	k.start(config(t, RateLimitMax, RateLimitMax), at(0))
	k.take(event.Read, math.MaxInt)
	k.take(event.Read, 10)
	k.fill(at(1e6))
	if k.read != RateLimitMax {
		t.Errorf("%d tokens of %d", k.read, RateLimitMax)
	}
}

func TestUntilTokens(t *testing.T) {
	cfg := config(t, 10, 100)
	for _, tt := range []struct {
		tokens, least int
		at            float64
		want          float64 // when, in ticks
	}{
		{0, 0, 3.25, 4},
		{-9, 0, 3.25, 4},
		{-10, 0, 3.25, 5}, // none, and not less
		{-11, 0, 3.25, 5},
		{-95, 0, 3.25, 13},
		{0, 9, 3.25, 4},
		{0, 10, 3.25, 5},
		{-20, 5, 3.25, 6},
		{0, 0, 4.5, 4.5}, // overdue
	} {
		k := buckets{cfg: cfg, read: tt.tokens, write: 1, readTick: 3, writeTick: 3}
		when := at(tt.at) + k.untilAbove(event.Read, tt.least, at(tt.at))
		if when != at(tt.want) {
			t.Errorf("%+v: at %v", tt, when)
		}
		k.fill(when)
		if k.read <= tt.least && tt.at < 4 {
			t.Errorf("%+v: only %d tokens then", tt, k.read)
		}
	}
	k := buckets{cfg: cfg, read: -30, write: -1, readTick: 3, writeTick: 3}
	if wait := k.untilRefill(at(3)); wait != time.Second {
		t.Errorf("waits %v for the first of two", wait)
	}
}

// The larger part of a bufferevent is its two buffers and the event for reading.
func TestASocketIsSmall(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the limit is for 64-bit machines")
	}
	const most = 416
	if size := unsafe.Sizeof(socket{}); size > most {
		t.Errorf("a bufferevent over a socket takes %d bytes, want at most %d", size, most)
	}
	const mostRare = 256
	if size := unsafe.Sizeof(rare{}); size > mostRare {
		t.Errorf("the rare fields take %d bytes, want at most %d", size, mostRare)
	}
	t.Logf("Bufferevent %d, with socket %d, write event %d more, rare %d bytes",
		unsafe.Sizeof(Bufferevent{}), unsafe.Sizeof(socket{}), unsafe.Sizeof(event.Event{}), unsafe.Sizeof(rare{}))
}
