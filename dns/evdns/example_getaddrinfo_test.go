package evdns_test

import (
	"errors"
	"fmt"
	"log"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
)

// What is known is answered at once; other names are looked up by the loop.
func ExampleBase_GetAddrInfo() {
	loop, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer loop.Free()
	resolver, err := evdns.NewBase(loop, evdns.DisableWhenInactive)
	if err != nil {
		log.Fatal(err)
	}
	defer resolver.Free(false)
	if err := resolver.LoadHosts(""); err != nil { // no file: localhost only
		log.Fatal(err)
	}

	hints := evutil.AddrInfoHints{Family: syscall.AF_INET, SockType: syscall.SOCK_STREAM}
	cancel := resolver.GetAddrInfo("localhost", "https", &hints, func(infos []evutil.AddrInfo, err error) {
		if err != nil {
			log.Fatal(err)
		}
		for _, info := range infos {
			fmt.Println(info.Addr)
		}
	})
	defer cancel()
	if err := loop.Dispatch(); err != nil {
		log.Fatal(err)
	}
	// Output: 127.0.0.1:443
}

// Addresses may be written into the cache, for so long.
func ExampleBase_CacheWrite() {
	loop, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer loop.Free()
	resolver, err := evdns.NewBase(loop, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer resolver.Free(false)

	addr := netip.MustParseAddrPort("192.0.2.1:0")
	resolver.CacheWrite("db.example", []evutil.AddrInfo{{Addr: addr}}, time.Minute)
	infos, err := resolver.CacheLookup("db.example", &evutil.AddrInfoHints{Protocol: syscall.IPPROTO_TCP}, 5432)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(infos[0].Addr)
	_, err = resolver.CacheLookup("other.example", nil, 5432)
	fmt.Println(errors.Is(err, evdns.ErrNotCached))
	// Output:
	// 192.0.2.1:5432
	// true
}

// An error says which option is not right.
func ExampleBase_SetOption() {
	loop, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer loop.Free()
	resolver, err := evdns.NewBase(loop, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer resolver.Free(false)

	fmt.Println(resolver.SetOption("timeout", "1.5"))
	fmt.Println(resolver.SetOption("attempts", "many"))
	fmt.Println(resolver.SetOption("no-such-option", "1"))
	// Output:
	// <nil>
	// evdns: set option attempts to "many": invalid value: not a number from 0
	// evdns: set option "no-such-option": unknown option
}

// A resolver takes its nameservers from a file in the format of resolv.conf.
func ExampleBase_ParseResolvConf() {
	loop, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer loop.Free()
	resolver, err := evdns.NewBase(loop, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer resolver.Free(false)

	file, err := os.CreateTemp("", "resolv.conf")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(file.Name())
	fmt.Fprintln(file, "nameserver 192.0.2.53")
	fmt.Fprintln(file, "options timeout:2 inet6")
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}

	err = resolver.ParseResolvConf(evdns.OptionNameservers|evdns.OptionMisc, file.Name())
	if err != nil {
		log.Fatal(err)
	}
	server, err := resolver.NameserverAddr(0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(server, resolver.ConfigStats().Unknown)
	// Output: 192.0.2.53:53 1
}
