package evdns_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

// Two names are looked up at the same time; the loop ends when both are known.
func Example() {
	stop, nameserver := exampleNameserver()
	defer stop()

	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	b, err := evdns.NewBase(base, evdns.DisableWhenInactive)
	if err != nil {
		log.Fatal(err)
	}
	defer b.Free(false)
	if err := b.AddNameserver(nameserver); err != nil {
		log.Fatal(err)
	}

	done := make(map[string]string)
	for _, name := range []string{"www.example.com", "nowhere.example.com"} {
		_, err := b.ResolveIPv4(name, 0, func(a evdns.Answer, err error) {
			if errors.Is(err, evdns.ErrNotExist) {
				done[name] = "does not exist"
			} else if err == nil {
				done[name] = fmt.Sprint("has ", a.Addrs, " for ", a.TTL)
			}
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	if err := base.Dispatch(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("www.example.com", done["www.example.com"])
	fmt.Println("nowhere.example.com", done["nowhere.example.com"])
	// Output:
	// www.example.com has [192.0.2.1] for 5m0s
	// nowhere.example.com does not exist
}

// The names of an address.
func ExampleBase_ResolveReverse() {
	stop, nameserver := exampleNameserver()
	defer stop()
	base, b := exampleResolver(nameserver)
	defer base.Free()
	defer b.Free(false)

	_, err := b.ResolveReverse(netip.MustParseAddr("192.0.2.1"), 0, func(a evdns.Answer, err error) {
		fmt.Println(a.Names, err)
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := base.Dispatch(); err != nil {
		log.Fatal(err)
	}
	// Output: [host.example.com] <nil>
}

// Any type of records can be asked for.
func ExampleBase_Query() {
	stop, nameserver := exampleNameserver()
	defer stop()
	base, b := exampleResolver(nameserver)
	defer base.Free()
	defer b.Free(false)

	_, err := b.Query("example.com", dns.TypeTXT, 0, func(m *dns.Msg, err error) {
		if err != nil {
			log.Fatal(err)
		}
		for _, rr := range m.Answer {
			if txt, ok := rr.(*dns.TXT); ok {
				fmt.Println(txt.Txt)
			}
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := base.Dispatch(); err != nil {
		log.Fatal(err)
	}
	// Output: [text]
}

// A lookup that is not wanted any more.
func ExampleRequest_Cancel() {
	stop, nameserver := exampleNameserver()
	defer stop()
	base, b := exampleResolver(nameserver)
	defer base.Free()
	defer b.Free(false)

	r, err := b.ResolveIPv4("www.example.com", 0, func(_ evdns.Answer, err error) { fmt.Println(err) })
	if err != nil {
		log.Fatal(err)
	}
	r.Cancel()
	if err := base.Dispatch(); err != nil {
		log.Fatal(err)
	}
	// Output: evdns: lookup www.example.com A: request cancelled
}

// A lookup that has to end in time, whatever nameservers do.
func ExampleRequest_Cancel_deadline() {
	stop, nameserver := exampleNameserver()
	defer stop()
	base, b := exampleResolver(nameserver)
	defer base.Free()
	defer b.Free(false)

	var deadline *event.Event
	late := false
	r, err := b.ResolveIPv4("slow.example.com", 0, func(a evdns.Answer, err error) {
		deadline.Del()
		if late {
			fmt.Println("too late:", errors.Is(err, evdns.ErrCancel))
			return
		}
		fmt.Println(a.Addrs, err)
	})
	if err != nil {
		log.Fatal(err)
	}
	deadline = base.NewTimer(func(*event.Event, event.What) {
		late = true
		r.Cancel()
	})
	if err := deadline.AddTimeout(10 * time.Millisecond); err != nil {
		log.Fatal(err)
	}
	if err := base.Dispatch(); err != nil {
		log.Fatal(err)
	}
	// Output: too late: true
}

// DNS over TLS with the package evtls.
func ExampleBase_AddTLSNameserver() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	b, err := evdns.NewBase(base, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer b.Free(false)
	// newTLSClient stands for evtls.NewSocket(base, -1, evtls.Connecting, &evtls.Config{TLS: cfg}, opts).
	newTLSClient := func(base *event.Base, cfg *tls.Config, opts bufferevent.Options) (*bufferevent.Bufferevent, error) {
		return bufferevent.NewSocket(base, -1, opts)
	}
	cfg := &tls.Config{ServerName: "dns.example", NextProtos: []string{"dot"}}
	dial := func(base *event.Base, addr netip.AddrPort) (*bufferevent.Bufferevent, error) {
		bev, err := newTLSClient(base, cfg, bufferevent.CloseOnFree)
		if err != nil {
			return nil, err
		}
		if err := bev.Connect(addr); err != nil {
			bev.Free()
			return nil, err
		}
		return bev, nil
	}
	if err := b.AddTLSNameserver(netip.MustParseAddrPort("192.0.2.53:0"), dial); err != nil {
		log.Fatal(err)
	}
	fmt.Println(b.NameserverAddr(0))
	// Output: 192.0.2.53:853 <nil>
}

// exampleResolver returns a resolver that asks one nameserver.
func exampleResolver(nameserver netip.AddrPort) (*event.Base, *evdns.Base) {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	b, err := evdns.NewBase(base, evdns.DisableWhenInactive)
	if err != nil {
		log.Fatal(err)
	}
	if err := b.AddNameserver(nameserver); err != nil {
		log.Fatal(err)
	}
	return base, b
}

// exampleNameserver starts a nameserver for examples.
func exampleNameserver() (stop func(), addr netip.AddrPort) {
	u := &upstream{t: exampleTest{}, streams: map[net.Conn]bool{}}
	u.does(func(q *question) {
		switch q.name() {
		case "nowhere.example.com":
			q.send(q.reply(dns.RcodeNameError))
		case "slow.example.com":
		default:
			q.good()
		}
	})
	u.listen(netip.MustParseAddrPort("127.0.0.1:0"))
	return u.stop, u.addr
}

// An exampleTest is what a nameserver complains to in an example.
type exampleTest struct{ testing.TB }

func (exampleTest) Helper()                   {}
func (exampleTest) Error(args ...any)         { log.Print(args...) }
func (exampleTest) Errorf(f string, a ...any) { log.Printf(f, a...) }
func (exampleTest) Fatal(args ...any)         { log.Fatal(args...) }
