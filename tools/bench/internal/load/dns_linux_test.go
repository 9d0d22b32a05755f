package load

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// The servers and resolvers of these tests.
func init() {
	roles["dns"] = func() { serveDNS(func(query []byte, n int) int { n, _ = answer(query, n); return n }) }
	roles["dns-refusing"] = func() {
		serveDNS(func(query []byte, n int) int {
			n, _ = answer(query, n)
			query[3] |= dns.RcodeRefused
			return n
		})
	}
	roles["dns-other"] = func() {
		serveDNS(func(query []byte, n int) int { query[dnsHeaderLen+1] = 'x'; n, _ = answer(query, n); return n })
	}
	roles["dns-twice"] = func() {
		serveDNS(func(query []byte, n int) int { query[0], query[1] = 0xff, 0xff; n, _ = answer(query, n); return n })
	}
	roles["resolver"] = resolveOnce
	roles["lazy-resolver"] = func() { measure.Print(os.Stdout, []measure.Figure{{Name: "RSS", Value: 1}}) }
	roles["failing-resolver"] = func() { fmt.Fprintln(os.Stderr, "no luck"); os.Exit(1) }
}

// serveDNS has respond turn each query into a response.
func serveDNS(respond func(query []byte, n int) int) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(conn.LocalAddr())
	go func() {
		buf := make([]byte, dnsQueryMax)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			conn.WriteTo(buf[:respond(buf, n)], from)
		}
	}()
	os.Stdin.Read(make([]byte, 1))
}

// resolveOnce asks the upstream one question, whatever is asked of it, and does
// not wait for the response if it need not.
func resolveOnce() {
	var query dns.Msg
	query.SetQuestion("host.bench.example.", dns.TypeA)
	var client dns.Client
	var err error
	if len(os.Args) == 4 {
		_, _, err = client.Exchange(&query, os.Args[1])
	} else {
		var conn *dns.Conn
		if conn, err = client.Dial(os.Args[1]); err == nil {
			err = conn.WriteMsg(&query)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	measure.Print(os.Stdout, []measure.Figure{{Name: "it", Value: 1}})
}

func TestQueriesAndAnswersAreDNS(t *testing.T) {
	for _, name := range []string{"host-7.bench.example", "x"} {
		var query, response dns.Msg
		p := appendQuery(nil, name)
		if err := query.Unpack(p); err != nil {
			t.Fatal(err)
		}
		want := dns.Question{Name: name + ".", Qtype: dns.TypeA, Qclass: dns.ClassINET}
		if len(query.Question) != 1 || query.Question[0] != want {
			t.Errorf("asked %v, want %v", query.Question, want)
		}
		buf := make([]byte, dnsQueryMax)
		n, err := answer(buf, copy(buf, p))
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Unpack(buf[:n]); err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(response.Answer), fmt.Sprintf("[%s.\t300\tIN\tA\t192.0.2.1]", name); got != want {
			t.Errorf("answer %q, want %q", got, want)
		}
		if err := checkAnswer(buf[:n], p); err != nil {
			t.Error(err)
		}
	}
}

func TestAnswerToAQuestionOfAnotherKindIsEmpty(t *testing.T) {
	var query, response dns.Msg
	query.SetQuestion("host.bench.example.", dns.TypeAAAA)
	query.SetEdns0(1232, false)
	buf := make([]byte, dnsQueryMax)
	p, err := query.PackBuffer(buf)
	if err != nil {
		t.Fatal(err)
	}
	n, err := answer(buf, len(p))
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Unpack(buf[:n]); err != nil {
		t.Fatal(err)
	}
	if len(response.Question) != 1 || len(response.Answer)+len(response.Extra) != 0 {
		t.Errorf("response %v, want nothing but the question", &response)
	}
}

func TestWhatIsNoQueryIsNotAnswered(t *testing.T) {
	query := appendQuery(nil, "host.bench.example")
	isResponse, twoQuestions, beyond := strings.Clone(string(query)), strings.Clone(string(query)), strings.Clone(string(query))
	for name, p := range map[string][]byte{
		"nothing":       nil,
		"half":          query[:len(query)-3],
		"a response":    []byte(isResponse[:2] + "\x80" + isResponse[3:]),
		"two questions": []byte(twoQuestions[:5] + "\x02" + twoQuestions[6:]),
		"a long label":  []byte(beyond[:12] + "\x3f" + beyond[13:]),
	} {
		t.Run(name, func(t *testing.T) {
			buf := make([]byte, dnsQueryMax)
			if n, err := answer(buf, copy(buf, p)); err == nil {
				t.Errorf("it was answered with %q", buf[:n])
			}
		})
	}
}

func TestDNSServerIsMeasured(t *testing.T) {
	figures, err := DNSServer(role(t, "dns"), 10, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rate", "server CPU", "server busy", "load busy"} {
		if v := find(t, figures, name); v <= 0 {
			t.Errorf("%s is %g, want something", name, v)
		}
	}
}

func TestResponsesAreChecked(t *testing.T) {
	for server, want := range map[string]string{
		"dns-refusing": "flags",
		"dns-other":    "another question",
		"dns-twice":    "not outstanding",
	} {
		t.Run(server, func(t *testing.T) {
			_, err := DNSServer(role(t, server), 1, time.Millisecond)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q in it", err, want)
			}
		})
	}
}

func TestStatisticsOfDNSPerfAreRead(t *testing.T) {
	const statistics = "Statistics:\n\n  Queries sent:         317141\n  Queries completed:    317041 (99.97%)\n" +
		"  Queries lost:         %d (0.03%%)\n\n  Run time (s):         2.500000\n  Queries per second:   126816.4\n"
	got, err := parseDNSPerf(fmt.Appendf(nil, strings.ReplaceAll(statistics, "(99.97%)", ""), 100))
	if err != nil || got.completed != 317041 || got.elapsed != 2500*time.Millisecond {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, output := range []string{"", fmt.Sprintf(strings.ReplaceAll(statistics, "(99.97%)", ""), 10_000)} {
		if _, err := parseDNSPerf([]byte(output)); err == nil {
			t.Errorf("%q was taken", output)
		}
	}
}

func TestResolverMustAskForAllNames(t *testing.T) {
	if _, err := DNSResolve(role(t, "resolver"), 2, 1); err == nil || !strings.Contains(err.Error(), "1 queries for 2 names") {
		t.Errorf("error %v, want one about the number", err)
	}
	figures, err := DNSResolve(role(t, "resolver"), 1, 1)
	if err != nil || names(figures) != "it, load busy" {
		t.Errorf("figures %q, %v, want the resolver's and ours", names(figures), err)
	}
}

func TestResolverMustHaveLookupsOutstanding(t *testing.T) {
	if _, err := DNSHold(role(t, "lazy-resolver"), 1); err == nil || !strings.Contains(err.Error(), "sent nothing") {
		t.Errorf("error %v, want one about the queries", err)
	}
	figures, err := DNSHold(role(t, "resolver"), 1)
	if err != nil || names(figures) != "it" {
		t.Errorf("figures %q, %v, want the resolver's", names(figures), err)
	}
}

func TestResolversThatFailAreErrors(t *testing.T) {
	for resolver, want := range map[string]string{"failing-resolver": "no luck", "unable": measure.ErrUnable.Error(), "garbage": "hello"} {
		t.Run(resolver, func(t *testing.T) {
			if _, err := DNSHold(role(t, resolver), 1); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q in it", err, want)
			}
		})
	}
}
