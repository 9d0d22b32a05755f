package evdns_test

import (
	"testing"
)

func TestResolveIPv4(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
}
