package evproxy_test

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/extra/evproxy"
)

// A datagram begins with a header, too.
func ExampleParse() {
	datagram := []byte("PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\nGET / HTTP/1.1\r\n")
	h, n, err := evproxy.Parse(datagram)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Source, h.Destination)
	fmt.Printf("%q\n", datagram[n:])
	// Output:
	// 192.0.2.1:1000 192.0.2.2:443
	// "GET / HTTP/1.1\r\n"
}

func ExampleHeader_AppendTo() {
	h := &evproxy.Header{
		Version:     2,
		Source:      net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:1000")),
		Destination: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.2:443")),
		TLVs:        []evproxy.TLV{{Type: evproxy.TypeALPN, Value: []byte("h2")}},
	}
	p, err := h.AppendTo(nil)
	fmt.Printf("% x\n%v\n", p, err)
	// Output:
	// 0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 11 c0 00 02 01 c0 00 02 02 03 e8 01 bb 01 00 02 68 32
	// <nil>
}

func ExampleParseTrust() {
	trust, err := evproxy.ParseTrust("10.0.0.0/8,unix")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("10.0.0.1:80"))
	for _, peer := range []string{"10.0.0.7:4711", "192.0.2.1:4711"} {
		fmt.Println(peer, trust(server, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(peer))))
	}
	// Output:
	// 10.0.0.7:4711 true
	// 192.0.2.1:4711 false
}
