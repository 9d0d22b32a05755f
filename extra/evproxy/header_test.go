package evproxy_test

import (
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/extra/evproxy"
)

// v2 makes a header of version 2 from the byte of version and command, that of the family,
// and what follows, in hexadecimal digits with spaces.
func v2(command, family, rest string) string {
	body, err := hex.DecodeString(strings.ReplaceAll(rest, " ", ""))
	if err != nil {
		panic(err)
	}
	head, err := hex.DecodeString("0d0a0d0a000d0a515549540a" + command + family)
	if err != nil {
		panic(err)
	}
	return string(head) + string([]byte{byte(len(body) >> 8), byte(len(body))}) + string(body)
}

func tcp(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
func udp(s string) net.Addr { return net.UDPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
func unix(network, name string) net.Addr {
	return &net.UnixAddr{Net: network, Name: name}
}

// Parts of headers: TCP from 192.0.2.1:1000 to 192.0.2.2:443, from [2001:db8::1]:1000 to
// [2001:db8::2]:443, and from /run/a to the abstract socket b.
var (
	ip4   = "c0000201 c0000202 03e8 01bb"
	ip6   = "20010db8000000000000000000000001 20010db8000000000000000000000002 03e8 01bb"
	paths = hex.EncodeToString([]byte("/run/a")) + strings.Repeat("00", 102) + "0062" + strings.Repeat("00", 106)

	from4, to4 = tcp("192.0.2.1:1000"), tcp("192.0.2.2:443")
	from6, to6 = tcp("[2001:db8::1]:1000"), tcp("[2001:db8::2]:443")
)

// tlvs is what the valid headers below have beside addresses.
func tlvs(tlvs ...evproxy.TLV) []evproxy.TLV { return tlvs }

func valid() map[string]struct {
	in   string
	want evproxy.Header
} {
	type V = struct {
		in   string
		want evproxy.Header
	}
	return map[string]V{
		"line: IPv4":                           {"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n", evproxy.Header{Version: 1, Source: from4, Destination: to4}},
		"line: longest IPv4":                   {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", evproxy.Header{Version: 1, Source: tcp("255.255.255.255:65535"), Destination: tcp("255.255.255.255:65535")}},
		"line: least":                          {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", evproxy.Header{Version: 1, Source: tcp("0.0.0.0:0"), Destination: tcp("0.0.0.0:0")}},
		"line: IPv6":                           {"PROXY TCP6 2001:db8::1 2001:db8::2 1000 443\r\n", evproxy.Header{Version: 1, Source: from6, Destination: to6}},
		"line: longest IPv6":                   {"PROXY TCP6 " + strings.Repeat("ffff:", 7) + "ffff " + strings.Repeat("FFFF:", 7) + "FFFF 65535 65535\r\n", evproxy.Header{Version: 1, Source: tcp("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"), Destination: tcp("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")}},
		"line: IPv4 in IPv6":                   {"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", evproxy.Header{Version: 1, Source: tcp("[::ffff:192.0.2.1]:1"), Destination: tcp("[::1]:2")}},
		"line: unknown":                        {"PROXY UNKNOWN\r\n", evproxy.Header{Version: 1}},
		"line: unknown with addresses":         {"PROXY UNKNOWN 192.0.2.1 192.0.2.2 1000 443\r\n", evproxy.Header{Version: 1}},
		"line: unknown with anything":          {"PROXY UNKNOWN \x00\xff  x\r\n", evproxy.Header{Version: 1}},
		"line: unknown, longest":               {"PROXY UNKNOWN " + strings.Repeat("x", 91) + "\r\n", evproxy.Header{Version: 1}},
		"binary: IPv4":                         {v2("21", "11", ip4), evproxy.Header{Version: 2, Source: from4, Destination: to4}},
		"binary: IPv6":                         {v2("21", "21", ip6), evproxy.Header{Version: 2, Source: from6, Destination: to6}},
		"binary: UDP over IPv4":                {v2("21", "12", ip4), evproxy.Header{Version: 2, Source: udp("192.0.2.1:1000"), Destination: udp("192.0.2.2:443")}},
		"binary: UDP over IPv6":                {v2("21", "22", ip6), evproxy.Header{Version: 2, Source: udp("[2001:db8::1]:1000"), Destination: udp("[2001:db8::2]:443")}},
		"binary: Unix":                         {v2("21", "31", paths), evproxy.Header{Version: 2, Source: unix("unix", "/run/a"), Destination: unix("unix", "@b")}},
		"binary: Unix datagrams":               {v2("21", "32", paths), evproxy.Header{Version: 2, Source: unix("unixgram", "/run/a"), Destination: unix("unixgram", "@b")}},
		"binary: Unix without names":           {v2("21", "31", strings.Repeat("00", 216)), evproxy.Header{Version: 2, Source: unix("unix", ""), Destination: unix("unix", "")}},
		"binary: Unix, full names":             {v2("21", "31", strings.Repeat("61", 216)), evproxy.Header{Version: 2, Source: unix("unix", strings.Repeat("a", 108)), Destination: unix("unix", strings.Repeat("a", 108))}},
		"binary: local":                        {v2("20", "00", ""), evproxy.Header{Version: 2, Local: true}},
		"binary: local with addresses":         {v2("20", "11", ip4), evproxy.Header{Version: 2, Local: true}},
		"binary: local with what is no family": {v2("20", "ff", "01"), evproxy.Header{Version: 2, Local: true}},
		"binary: unspecified":                  {v2("21", "00", ""), evproxy.Header{Version: 2}},
		"binary: unspecified, something":       {v2("21", "00", "ffffffffff"), evproxy.Header{Version: 2}},
		"binary: unspecified kind":             {v2("21", "10", ip4), evproxy.Header{Version: 2}},
		"binary: padding":                      {v2("21", "11", ip4+"04 0000 04 0002 ffff"), evproxy.Header{Version: 2, Source: from4, Destination: to4}},
		"binary: ALPN and authority": {v2("21", "11", ip4+"01 0002 6832 02 0001 61"), evproxy.Header{Version: 2, Source: from4, Destination: to4,
			TLVs: tlvs(evproxy.TLV{Type: evproxy.TypeALPN, Value: []byte("h2")}, evproxy.TLV{Type: evproxy.TypeAuthority, Value: []byte("a")})}},
		"binary: unknown types, some twice": {v2("21", "11", ip4+"e0 0001 31 e0 0001 32 f8 0000"), evproxy.Header{Version: 2, Source: from4, Destination: to4,
			TLVs: tlvs(evproxy.TLV{Type: evproxy.TypeCustom, Value: []byte("1")}, evproxy.TLV{Type: evproxy.TypeCustom, Value: []byte("2")}, evproxy.TLV{Type: 0xf8, Value: []byte{}})}},
		"binary: TLS": {v2("21", "11", ip4+"20 000f 01 00000001 21 0007"+hex.EncodeToString([]byte("TLSv1.3"))), evproxy.Header{Version: 2, Source: from4, Destination: to4,
			TLVs: tlvs((&evproxy.TLS{Client: true, Version: "TLSv1.3"}).TLV())}},
		"binary: longest unique ID": {v2("21", "11", ip4+"05 0080"+strings.Repeat("ff", 128)), evproxy.Header{Version: 2, Source: from4, Destination: to4,
			TLVs: tlvs(evproxy.TLV{Type: evproxy.TypeUniqueID, Value: []byte(strings.Repeat("\xff", 128))})}},
		// The sum was computed bit by bit by another program (RFC 9260, appendix A).
		"binary: checksum": {v2("21", "11", ip4+"03 0004 "+sumIP4), evproxy.Header{Version: 2, Source: from4, Destination: to4, Checksum: true}},
	}
}

// hostile is what is refused, and why.
var hostile = map[string]struct {
	in   string
	want error
}{
	"nothing of a header":                {"GET / HTTP/1.1\r\n\r\n", evproxy.ErrInvalid},
	"lower case":                         {"proxy TCP4 192.0.2.1 192.0.2.2 1000 443\r\n", evproxy.ErrInvalid},
	"line: tab":                          {"PROXY\tTCP4 192.0.2.1 192.0.2.2 1000 443\r\n", evproxy.ErrInvalid},
	"line: two spaces":                   {"PROXY TCP4  192.0.2.1 192.0.2.2 1000 443\r\n", evproxy.ErrInvalid},
	"line: space at the end":             {"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443 \r\n", evproxy.ErrInvalid},
	"line: LF only":                      {"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\n", evproxy.ErrInvalid},
	"line: CR only":                      {"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\rG", evproxy.ErrInvalid},
	"line: CR twice":                     {"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\r\n", evproxy.ErrInvalid},
	"line: without end":                  {"PROXY UNKNOWN" + strings.Repeat(" ", 200), evproxy.ErrInvalid},
	"line: one too long":                 {"PROXY UNKNOWN " + strings.Repeat("x", 92) + "\r\n", evproxy.ErrInvalid},
	"line: unknown in lower case":        {"PROXY unknown\r\n", evproxy.ErrInvalid},
	"line: unknown and more":             {"PROXY UNKNOWNS\r\n", evproxy.ErrInvalid},
	"line: UDP":                          {"PROXY UDP4 192.0.2.1 192.0.2.2 1000 443\r\n", evproxy.ErrInvalid},
	"line: no protocol":                  {"PROXY \r\n", evproxy.ErrInvalid},
	"line: no addresses":                 {"PROXY TCP4\r\n", evproxy.ErrInvalid},
	"line: no ports":                     {"PROXY TCP4 192.0.2.1 192.0.2.2\r\n", evproxy.ErrInvalid},
	"line: IPv6 as IPv4":                 {"PROXY TCP4 ::1 ::1 1000 443\r\n", evproxy.ErrInvalid},
	"line: IPv4 as IPv6":                 {"PROXY TCP6 192.0.2.1 192.0.2.2 1000 443\r\n", evproxy.ErrInvalid},
	"line: zeros in front":               {"PROXY TCP4 192.0.02.1 192.0.2.2 1000 443\r\n", evproxy.ErrInvalid},
	"line: three numbers":                {"PROXY TCP4 192.0.2 192.0.2.2 1000 443\r\n", evproxy.ErrInvalid},
	"line: 256":                          {"PROXY TCP4 192.0.2.256 192.0.2.2 1000 443\r\n", evproxy.ErrInvalid},
	"line: a name":                       {"PROXY TCP4 localhost 192.0.2.2 1000 443\r\n", evproxy.ErrInvalid},
	"line: zone":                         {"PROXY TCP6 fe80::1%lo ::1 1000 443\r\n", evproxy.ErrInvalid},
	"line: brackets":                     {"PROXY TCP6 [::1] [::1] 1000 443\r\n", evproxy.ErrInvalid},
	"line: two gaps":                     {"PROXY TCP6 1::2::3 ::1 1000 443\r\n", evproxy.ErrInvalid},
	"line: port with zero in front":      {"PROXY TCP4 192.0.2.1 192.0.2.2 01000 443\r\n", evproxy.ErrInvalid},
	"line: port too high":                {"PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n", evproxy.ErrInvalid},
	"line: port with sign":               {"PROXY TCP4 192.0.2.1 192.0.2.2 +1000 443\r\n", evproxy.ErrInvalid},
	"line: port in hexadecimal":          {"PROXY TCP4 192.0.2.1 192.0.2.2 0x10 443\r\n", evproxy.ErrInvalid},
	"line: port is missing":              {"PROXY TCP4 192.0.2.1 192.0.2.2  443\r\n", evproxy.ErrInvalid},
	"line: NUL":                          {"PROXY TCP4 192.0.2.1\x00 192.0.2.2 1000 443\r\n", evproxy.ErrInvalid},
	"binary: signature":                  {"\r\n\r\n\x00\r\nQUIT\r" + v2("21", "11", ip4)[12:], evproxy.ErrInvalid},
	"binary: version 1":                  {v2("11", "11", ip4), evproxy.ErrInvalid},
	"binary: version 3":                  {v2("31", "11", ip4), evproxy.ErrInvalid},
	"binary: command 2":                  {v2("22", "11", ip4), evproxy.ErrInvalid},
	"binary: family 4":                   {v2("21", "41", ip4), evproxy.ErrInvalid},
	"binary: kind 3":                     {v2("21", "13", ip4), evproxy.ErrInvalid},
	"binary: no addresses":               {v2("21", "11", ""), evproxy.ErrInvalid},
	"binary: IPv4 is short":              {v2("21", "11", "c0000201 c0000202 03e8 01"), evproxy.ErrInvalid},
	"binary: IPv6 is short":              {v2("21", "21", ip4), evproxy.ErrInvalid},
	"binary: Unix is short":              {v2("21", "31", ip6), evproxy.ErrInvalid},
	"binary: half a TLV":                 {v2("21", "11", ip4+"0100"), evproxy.ErrInvalid},
	"binary: TLV beyond the end":         {v2("21", "11", ip4+"01 0003 6832"), evproxy.ErrInvalid},
	"binary: ALPN twice":                 {v2("21", "11", ip4+"01 0001 61 01 0001 62"), evproxy.ErrInvalid},
	"binary: authority is no UTF-8":      {v2("21", "11", ip4+"02 0001 ff"), evproxy.ErrInvalid},
	"binary: namespace is no ASCII":      {v2("21", "11", ip4+"30 0002 c3a4"), evproxy.ErrInvalid},
	"binary: unique ID is too long":      {v2("21", "11", ip4+"05 0081"+strings.Repeat("00", 129)), evproxy.ErrInvalid},
	"binary: TLS is short":               {v2("21", "11", ip4+"20 0004 01 000000"), evproxy.ErrInvalid},
	"binary: TLS with half a TLV":        {v2("21", "11", ip4+"20 0007 01 00000000 2100"), evproxy.ErrInvalid},
	"binary: TLS beyond its end":         {v2("21", "11", ip4+"20 0009 01 00000000 21 0009 54 04 0020"), evproxy.ErrInvalid},
	"binary: checksum of two bytes":      {v2("21", "11", ip4+"03 0002 0000"), evproxy.ErrChecksum},
	"binary: checksum is wrong":          {v2("21", "11", ip4+"03 0004 00000000"), evproxy.ErrChecksum},
	"binary: checksum of something else": {v2("21", "12", ip4+"03 0004 "+sumIP4), evproxy.ErrChecksum},
	"binary: two checksums":              {v2("21", "11", ip4+"03 0004 "+sumIP4+"03 0004"+sumIP4), evproxy.ErrChecksum},
}

// sumIP4 is the checksum of ip4 over TCP, followed by nothing else.
const sumIP4 = "65d45ca7"

func TestParse(t *testing.T) {
	for name, test := range valid() {
		t.Run(name, func(t *testing.T) {
			h, n, err := evproxy.Parse([]byte(test.in + "what follows"))
			if err != nil || n != len(test.in) {
				t.Fatalf("length %d of %d, error %v", n, len(test.in), err)
			}
			if !reflect.DeepEqual(*h, test.want) {
				t.Errorf("got  %#v\nwant %#v", *h, test.want)
			}
			for i := range len(test.in) {
				if _, _, err := evproxy.Parse([]byte(test.in[:i])); err != evproxy.ErrIncomplete {
					t.Fatalf("%d bytes of it: error %v", i, err)
				}
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, test := range hostile {
		t.Run(name, func(t *testing.T) {
			if h, _, err := evproxy.Parse([]byte(test.in)); !errors.Is(err, test.want) {
				t.Errorf("error %v, header %v", err, h)
			}
			// No beginning of it is a header, and once it is none it stays so.
			refused := false
			for i := range len(test.in) {
				_, _, err := evproxy.Parse([]byte(test.in[:i]))
				if err == nil || refused && err == evproxy.ErrIncomplete {
					t.Fatalf("%d bytes of it: error %v", i, err)
				}
				refused = err != evproxy.ErrIncomplete
			}
		})
	}
}

// TestAppendTo writes what was read, and reads it again.
func TestAppendTo(t *testing.T) {
	for name, test := range valid() {
		t.Run(name, func(t *testing.T) {
			p, err := test.want.AppendTo([]byte("before"))
			if err != nil {
				t.Fatal(err)
			}
			h, n, err := evproxy.Parse(p[len("before"):])
			if err != nil || n != len(p)-len("before") {
				t.Fatalf("length %d of %d, error %v", n, len(p), err)
			}
			if !reflect.DeepEqual(*h, test.want) {
				t.Errorf("got  %#v\nwant %#v", *h, test.want)
			}
		})
	}
}

func TestAppendToRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		h    evproxy.Header
		want error
	}{
		"version 0":           {evproxy.Header{}, evproxy.ErrInvalid},
		"version 3":           {evproxy.Header{Version: 3}, evproxy.ErrInvalid},
		"line with TLVs":      {evproxy.Header{Version: 1, TLVs: tlvs(evproxy.TLV{Type: 1})}, evproxy.ErrInvalid},
		"line with checksum":  {evproxy.Header{Version: 1, Checksum: true}, evproxy.ErrInvalid},
		"line: one address":   {evproxy.Header{Version: 1, Source: from4}, evproxy.ErrInvalid},
		"line: empty address": {evproxy.Header{Version: 1, Source: from4, Destination: new(net.TCPAddr)}, evproxy.ErrInvalid},
		"one address":         {evproxy.Header{Version: 2, Destination: from4}, evproxy.ErrInvalid},
		"TCP and UDP":         {evproxy.Header{Version: 2, Source: from4, Destination: udp("1.2.3.4:5")}, evproxy.ErrInvalid},
		"TCP and Unix":        {evproxy.Header{Version: 2, Source: from4, Destination: unix("unix", "a")}, evproxy.ErrInvalid},
		"Unix of both kinds":  {evproxy.Header{Version: 2, Source: unix("unixgram", "a"), Destination: unix("unix", "a")}, evproxy.ErrInvalid},
		"Unix packets":        {evproxy.Header{Version: 2, Source: unix("unixpacket", "a"), Destination: unix("unixpacket", "a")}, evproxy.ErrInvalid},
		"long name":           {evproxy.Header{Version: 2, Source: unix("unix", strings.Repeat("a", 109)), Destination: unix("unix", "a")}, evproxy.ErrInvalid},
		"path with NUL":       {evproxy.Header{Version: 2, Source: unix("unix", "a\x00b"), Destination: unix("unix", "a")}, evproxy.ErrInvalid},
		"no address in it":    {evproxy.Header{Version: 2, Source: new(net.TCPAddr), Destination: from4}, evproxy.ErrInvalid},
		"another address":     {evproxy.Header{Version: 2, Source: new(net.IPAddr), Destination: new(net.IPAddr)}, evproxy.ErrInvalid},
		"TLVs, no addresses":  {evproxy.Header{Version: 2, TLVs: tlvs(evproxy.TLV{Type: 1})}, evproxy.ErrInvalid},
		"long TLV":            {evproxy.Header{Version: 2, Source: from4, Destination: to4, TLVs: tlvs(evproxy.TLV{Type: 0xe0, Value: make([]byte, 65536)})}, evproxy.ErrTooLong},
		"long TLVs":           {evproxy.Header{Version: 2, Source: from4, Destination: to4, TLVs: tlvs(evproxy.TLV{Type: 0xe0, Value: make([]byte, 65535-12-2)})}, evproxy.ErrTooLong},
		"padding":             {evproxy.Header{Version: 2, Source: from4, Destination: to4, TLVs: tlvs(evproxy.TLV{Type: evproxy.TypeNoop})}, evproxy.ErrInvalid},
		"checksum as TLV":     {evproxy.Header{Version: 2, Source: from4, Destination: to4, TLVs: tlvs(evproxy.TLV{Type: evproxy.TypeCRC32C})}, evproxy.ErrInvalid},
		"unique ID":           {evproxy.Header{Version: 2, Source: from4, Destination: to4, TLVs: tlvs(evproxy.TLV{Type: evproxy.TypeUniqueID, Value: make([]byte, 129)})}, evproxy.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := test.h.AppendTo([]byte("before"))
			if !errors.Is(err, test.want) {
				t.Errorf("error %v", err)
			}
			if string(p[:len("before")]) != "before" {
				t.Errorf("%q", p)
			}
		})
	}
}

// TestAddressesOfBothFamilies has one of IPv4 stand beside one of IPv6.
func TestAddressesOfBothFamilies(t *testing.T) {
	for version := 1; version <= 2; version++ {
		h := evproxy.Header{Version: version, Source: from4, Destination: tcp("[fe80::1%lo]:443")}
		p, err := h.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := evproxy.Parse(p)
		if err != nil {
			t.Fatal(err)
		}
		if got.Source.String() != "192.0.2.1:1000" || got.Destination.String() != "[fe80::1]:443" {
			t.Errorf("%v", got)
		}
	}
}

func TestWhatIsSaidOfTLS(t *testing.T) {
	want := evproxy.TLS{Client: true, Certificate: true, SessionCertificate: true, Verified: true, Version: "TLSv1.3",
		CommonName: "me", Cipher: "TLS_AES_128_GCM_SHA256", SignatureAlgorithm: "RSA-SHA256", KeyAlgorithm: "RSA2048",
		Group: "x25519", SignatureScheme: "ed25519", Raw: []byte{1, 2, 3}}
	h := evproxy.Header{Version: 2, Source: from4, Destination: to4, Checksum: true, TLVs: tlvs(
		want.TLV(),
		evproxy.TLV{Type: evproxy.TypeALPN, Value: []byte("h2")},
		evproxy.TLV{Type: evproxy.TypeAuthority, Value: []byte("example.com")},
		evproxy.TLV{Type: evproxy.TypeUniqueID, Value: []byte{7}},
		evproxy.TLV{Type: evproxy.TypeNetNS, Value: []byte("blue")},
	)}
	p, err := h.AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := evproxy.Parse(p)
	if err != nil {
		t.Fatal(err)
	}
	if got := got.TLS(); !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.ALPN() != "h2" || got.Authority() != "example.com" || string(got.UniqueID()) != "\x07" || got.NetNS() != "blue" {
		t.Errorf("%+v", got)
	}
	none := new(evproxy.Header)
	if none.TLS() != nil || none.ALPN() != "" || none.Authority() != "" || none.UniqueID() != nil || none.NetNS() != "" {
		t.Error("a header without TLVs has some")
	}
}

func TestHeadersForLogs(t *testing.T) {
	for want, h := range map[string]evproxy.Header{
		"PROXY v2 local":   {Version: 2, Local: true},
		"PROXY v1 unknown": {Version: 1},
		"PROXY v2 tcp 192.0.2.1:1000 -> 192.0.2.2:443": {Version: 2, Source: from4, Destination: to4},
		"PROXY v2 unix /run/a -> @b":                   {Version: 2, Source: unix("unix", "/run/a"), Destination: unix("unix", "@b")},
	} {
		if got := h.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
