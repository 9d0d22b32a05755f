package examples

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// An upstream is a nameserver for dns-forwarder.
type upstream struct {
	t       *testing.T
	addr    string
	queries atomic.Int64
	gate    chan struct{} // where queries wait for their answers, or nil
	arrived chan struct{} // is told of those that wait
}

// startUpstream starts a nameserver over UDP and TCP that has a few names.
func startUpstream(t *testing.T) *upstream {
	t.Helper()
	return (&upstream{t: t}).start()
}

func (u *upstream) start() *upstream {
	t := u.t
	t.Helper()
	udp, tcp := listenDNS(t)
	u.addr = udp.LocalAddr().String()
	var serving sync.WaitGroup
	for _, s := range []*dns.Server{{PacketConn: udp}, {Listener: tcp}} {
		s.Handler = dns.HandlerFunc(u.answer)
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		serving.Go(func() { s.ActivateAndServe() })
		<-started
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			s.ShutdownContext(ctx)
		})
	}
	return u
}

// listenDNS opens a port that is free for UDP and TCP.
func listenDNS(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 100 {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		udp.Close()
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

// manyRecords is how many addresses many.example.org has.
const manyRecords = 200

// answer has records for names that begin with "www", one or many, for a minute.
func (u *upstream) answer(w dns.ResponseWriter, query *dns.Msg) {
	u.queries.Add(1)
	if u.gate != nil {
		u.arrived <- struct{}{}
		<-u.gate
	}
	name := query.Question[0].Name
	response := new(dns.Msg).SetReply(query)
	label := strings.ToLower(name)
	switch {
	case strings.HasPrefix(label, "broken"):
		response.Rcode = dns.RcodeServerFailure
	case strings.HasPrefix(label, "many"):
		for i := range manyRecords {
			u.add(&response.Answer, "%s 60 IN A 198.51.100.%d", name, i)
		}
	case strings.HasPrefix(label, "signed"):
		u.add(&response.Answer, "%s 60 IN A 192.0.2.10", name)
		if opt := query.IsEdns0(); opt != nil && opt.Do() {
			u.add(&response.Answer, "%s 60 IN RRSIG A 8 3 60 20400101000000 20200101000000 1 example.org. AAAA", name)
		}
		response.AuthenticatedData = !query.CheckingDisabled
		response.CheckingDisabled = query.CheckingDisabled
		if query.CheckingDisabled {
			u.add(&response.Answer, "%s 60 IN A 192.0.2.11", name) // which would not be valid
		}
	case strings.HasPrefix(label, "www") && query.Question[0].Qtype == dns.TypeA:
		u.add(&response.Answer, "%s 60 IN A 192.0.2.10", name)
	default:
		response.Rcode = dns.RcodeNameError
		u.add(&response.Ns, "%s 60 IN SOA ns.example.org. admin.example.org. 1 3600 600 86400 60", "example.org.")
	}
	if _, ok := w.RemoteAddr().(*net.UDPAddr); ok {
		response.Truncate(dns.MinMsgSize)
	}
	w.WriteMsg(response)
}

func (u *upstream) add(section *[]dns.RR, format string, args ...any) {
	rr, err := dns.NewRR(fmt.Sprintf(format, args...))
	if err != nil {
		panic(err)
	}
	*section = append(*section, rr)
}

// startForwarder starts dns-forwarder, and returns its address.
func startForwarder(t *testing.T, u *upstream, args ...string) (p *process, addr string) {
	t.Helper()
	p = start(t, "dns-forwarder", append([]string{"-addr", "127.0.0.1:0", "-c", resolvConf(t, u.addr)}, args...)...)
	return p, p.lineAfter("listening on ")
}

// query asks one question, over UDP or TCP.
func query(t *testing.T, network, addr, name string, qtype uint16) *dns.Msg {
	t.Helper()
	client := dns.Client{Net: network, Timeout: deadline}
	response, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, qtype), addr)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestDNSForwarderPassesAnswersOn(t *testing.T) {
	u := startUpstream(t)
	_, addr := startForwarder(t, u)
	tests := []struct {
		name    string
		qtype   uint16
		rcode   int
		answers int
		ns      int
	}{
		{"www.example.org.", dns.TypeA, dns.RcodeSuccess, 1, 0},
		{"none.example.org.", dns.TypeA, dns.RcodeNameError, 0, 1},
		{"broken.example.org.", dns.TypeA, dns.RcodeServerFailure, 0, 0},
		{"www.example.org.", dns.TypeAXFR, dns.RcodeNotImplemented, 0, 0},
	}
	for _, network := range []string{"udp", "tcp"} {
		for _, tt := range tests {
			t.Run(network+" "+tt.name+dns.TypeToString[tt.qtype], func(t *testing.T) {
				r := query(t, network, addr, tt.name, tt.qtype)
				if r.Rcode != tt.rcode || len(r.Answer) != tt.answers || len(r.Ns) != tt.ns {
					t.Errorf("response %v", r)
				}
				if !r.Response || len(r.Question) != 1 || r.Question[0].Name != tt.name {
					t.Errorf("response %v, want one to the question", r)
				}
			})
		}
	}
}

func TestDNSForwarderHasLongAnswersFetchedOverTCP(t *testing.T) {
	_, addr := startForwarder(t, startUpstream(t))
	if r := query(t, "udp", addr, "many.example.org.", dns.TypeA); !r.Truncated {
		t.Errorf("response of %d records, want a truncated one", len(r.Answer))
	}
	if r := query(t, "tcp", addr, "many.example.org.", dns.TypeA); r.Truncated || len(r.Answer) != manyRecords {
		t.Errorf("response of %d records, want %d", len(r.Answer), manyRecords)
	}
}

// What clients want of DNSSEC reaches the nameserver, and what they get is for them.
func TestDNSForwarderPassesOnWhatClientsWantOfDNSSEC(t *testing.T) {
	u := startUpstream(t)
	_, addr := startForwarder(t, u)
	for range 2 { // the second from memory
		for _, tt := range []struct {
			do, cd  bool
			answers int
		}{{false, false, 1}, {true, false, 2}, {false, true, 2}, {true, true, 3}} {
			m := new(dns.Msg).SetQuestion("signed.example.org.", dns.TypeA)
			m.CheckingDisabled = tt.cd
			if tt.do {
				m.SetEdns0(1232, true)
			}
			client := dns.Client{Timeout: deadline}
			r, _, err := client.Exchange(m, addr)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Answer) != tt.answers || r.CheckingDisabled != tt.cd || (r.IsEdns0() != nil) != tt.do {
				t.Errorf("DO %v, CD %v: response %v", tt.do, tt.cd, r)
			}
			if r.AuthenticatedData { // nobody has said that the nameserver is to be trusted
				t.Errorf("DO %v, CD %v: AD", tt.do, tt.cd)
			}
		}
	}
	if got := u.queries.Load(); got != 4 {
		t.Errorf("the nameserver got %d queries, want 4", got)
	}
}

func TestDNSForwarderRemembersAnswers(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want int64 // queries of the nameserver
	}{{nil, 2}, {[]string{"-cache", "0"}, 6}} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			u := startUpstream(t)
			_, addr := startForwarder(t, u, tt.args...)
			for range 3 {
				if r := query(t, "udp", addr, "www.example.org.", dns.TypeA); len(r.Answer) != 1 || r.Answer[0].Header().Ttl > 60 {
					t.Errorf("response %v", r)
				}
				if r := query(t, "udp", addr, "none.example.org.", dns.TypeA); r.Rcode != dns.RcodeNameError {
					t.Errorf("response %v", r)
				}
			}
			if got := u.queries.Load(); got != tt.want {
				t.Errorf("the nameserver got %d queries, want %d", got, tt.want)
			}
		})
	}
}

func TestDNSForwarderRefusesWhatIsTooMuch(t *testing.T) {
	u := (&upstream{t: t, gate: make(chan struct{}), arrived: make(chan struct{}, 100)}).start()
	open := sync.OnceFunc(func() { close(u.gate) })
	defer open()
	_, addr := startForwarder(t, u, "-max", "3")
	var clients sync.WaitGroup
	rcodes := make([]int, 3)
	for i := range rcodes {
		clients.Go(func() {
			client := dns.Client{Timeout: deadline}
			r, _, err := client.Exchange(new(dns.Msg).SetQuestion(fmt.Sprintf("www%d.example.org.", i), dns.TypeA), addr)
			rcodes[i] = -1
			if err == nil {
				rcodes[i] = r.Rcode
			}
		})
	}
	for range rcodes {
		select {
		case <-u.arrived:
		case <-time.After(deadline):
			t.Fatal("not all queries have reached the nameserver")
		}
	}
	if r := query(t, "udp", addr, "www.example.org.", dns.TypeA); r.Rcode != dns.RcodeRefused {
		t.Errorf("response %v, want a refusal", r)
	}
	open()
	clients.Wait()
	if !slices.Equal(rcodes, []int{0, 0, 0}) {
		t.Errorf("the others got %v", rcodes)
	}
	if r := query(t, "udp", addr, "www.example.org.", dns.TypeA); r.Rcode != dns.RcodeSuccess {
		t.Errorf("response %v after the others, want an answer", r)
	}
}

func TestDNSForwarderServesManyClients(t *testing.T) {
	_, addr := startForwarder(t, startUpstream(t))
	var clients sync.WaitGroup
	for i := range 20 {
		clients.Go(func() {
			client := dns.Client{Net: []string{"udp", "tcp"}[i%2], Timeout: deadline}
			conn, err := client.Dial(addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for j := range 50 {
				m := new(dns.Msg).SetQuestion(fmt.Sprintf("www%d.example.org.", j), dns.TypeA)
				r, _, err := client.ExchangeWithConn(m, conn)
				if err != nil || len(r.Answer) != 1 {
					t.Errorf("client %d: response %v, %v", i, r, err)
					return
				}
			}
		})
	}
	clients.Wait()
}

func TestDNSForwarderEndsOnSignals(t *testing.T) {
	p, addr := startForwarder(t, startUpstream(t))
	conn := dial(t, addr) // does not keep it from ending
	p.signal(os.Interrupt)
	p.ends(0)
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still there: %v", err)
	}
}
