package evdns

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/evutil"
)

// BenchmarkGetAddrInfoFromTheCache looks up what is known.
func BenchmarkGetAddrInfoFromTheCache(b *testing.B) {
	for _, order := range []string{"rfc6724", "as-answered"} {
		b.Run(order, func(b *testing.B) {
			r := newTestBase(b, 0)
			if err := r.SetOption("address-order", order); err != nil {
				b.Fatal(err)
			}
			r.cache.put("www.example.com", dns.TypeA, answerA(time.Hour, "127.0.0.1"), r.now())
			r.cache.put("www.example.com", dns.TypeAAAA, cached{answer: Answer{Type: TypeAAAA, Addrs: parseAddrs("::1"), TTL: time.Hour}}, r.now())
			hints := evutil.AddrInfoHints{SockType: 1}
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				r.GetAddrInfo("www.example.com", "80", &hints, func(infos []evutil.AddrInfo, err error) { n = len(infos) })
				if n != 2 {
					b.Fatal(n)
				}
			}
		})
	}
}
