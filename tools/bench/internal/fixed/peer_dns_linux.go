package fixed

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"
)

// patience is how long a peer waits for a datagram.
const patience = 10 * time.Second

// asker asks a nameserver.
type asker struct {
	work    Work
	conn    net.Conn
	queries [][]byte
}

func (a *asker) address() string { return "" }

func (a *asker) connect(addr string) error {
	for i := range a.work.N {
		query := new(dns.Msg).SetQuestion("host-"+strconv.Itoa(i)+".bench.example.", dns.TypeA)
		text, err := query.Pack()
		if err != nil {
			return err
		}
		a.queries = append(a.queries, text)
	}
	var err error
	a.conn, err = net.Dial("udp", addr)
	return err
}

func (a *asker) close() {
	if a.conn != nil {
		a.conn.Close()
	}
}

func (a *asker) send() error {
	for _, query := range a.queries {
		if _, err := a.conn.Write(query); err != nil {
			return err
		}
	}
	return nil
}

func (a *asker) receive() error {
	buf := make([]byte, dns.MaxMsgSize)
	if err := a.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for range a.queries {
		n, err := a.conn.Read(buf)
		if err != nil {
			return err
		}
		var response dns.Msg
		if err := response.Unpack(buf[:n]); err != nil {
			return err
		}
		if len(response.Answer) != 1 || response.Rcode != dns.RcodeSuccess {
			return fmt.Errorf("response %v", &response)
		}
	}
	return nil
}

// upstream answers the queries of a resolver.
type upstream struct {
	work Work
	conn *net.UDPConn
}

func newUpstream(w Work) (*upstream, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(loopback))
	if err != nil {
		return nil, err
	}
	return &upstream{w, conn}, nil
}

func (u *upstream) address() string { return u.conn.LocalAddr().String() }

func (u *upstream) connect(string) error { return nil }

func (u *upstream) close() { u.conn.Close() }

// send answers what the resolver has asked.
func (u *upstream) send() error {
	buf := make([]byte, dns.MaxMsgSize)
	if err := u.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for range u.work.N {
		n, from, err := u.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return err
		}
		if err := u.answer(buf[:n], from); err != nil {
			return err
		}
	}
	return nil
}

func (u *upstream) answer(text []byte, to netip.AddrPort) error {
	var query dns.Msg
	if err := query.Unpack(text); err != nil {
		return err
	}
	response := new(dns.Msg).SetReply(&query)
	response.Answer = []dns.RR{&dns.A{
		Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: uint32(ttl.Seconds())},
		A:   target.AsSlice(),
	}}
	packed, err := response.Pack()
	if err != nil {
		return err
	}
	_, err = u.conn.WriteToUDPAddrPort(packed, to)
	return err
}

func (u *upstream) receive() error { return nil }
