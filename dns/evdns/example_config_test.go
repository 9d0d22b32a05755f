package evdns_test

import (
	"fmt"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

// Settings that are zero are the defaults.
func ExampleBase_SetConfig() {
	loop, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer loop.Free()
	resolver, err := evdns.NewBase(loop, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resolver.Free(false)
	err = resolver.SetConfig(evdns.Config{Timeout: 2 * time.Second, CacheSize: -1})
	if err != nil {
		fmt.Println(err)
		return
	}
	c := resolver.Config()
	fmt.Println(c.Timeout, c.Attempts, c.CacheSize)
	fmt.Println(resolver.SetConfig(evdns.Config{Attempts: 1000}))
	// Output:
	// 2s 3 -1
	// evdns: set config: attempts 1000: invalid value
}
