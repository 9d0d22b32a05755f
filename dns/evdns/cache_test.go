package evdns

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

func newCache(limit int) *cache {
	c := &cache{}
	c.setLimit(limit)
	return c
}

func answerA(ttl time.Duration, addrs ...string) cached {
	return cached{answer: Answer{Type: TypeA, Addrs: parseAddrs(addrs...), TTL: ttl}}
}

func negative(ttl time.Duration, err error) cached {
	return cached{answer: Answer{TTL: ttl}, err: err}
}

func TestCacheGivesAnswersBackUntilTheirTTLEnds(t *testing.T) {
	c := newCache(10)
	c.put("www.Example.com", dns.TypeA, answerA(10*time.Second, "192.0.2.1", "192.0.2.2"), time.Hour)
	for _, test := range []struct {
		now, left time.Duration
	}{
		{time.Hour, 10 * time.Second},
		{time.Hour + 9999*time.Millisecond, time.Millisecond},
		{time.Hour + 10*time.Second, 0},
		{time.Hour, 0}, // it does not come back
	} {
		v, ok := c.get("WWW.example.COM.", dns.TypeA, test.now)
		if ok != (test.left > 0) {
			t.Errorf("at %v: known is %t", test.now, ok)
		}
		if v.answer.TTL != test.left {
			t.Errorf("at %v: %v left, want %v", test.now, v.answer.TTL, test.left)
		}
		if want := parseAddrs("192.0.2.1", "192.0.2.2"); ok && !slices.Equal(v.answer.Addrs, want) {
			t.Errorf("got %v", v.answer.Addrs)
		}
	}
	if len(c.entries) != 0 {
		t.Errorf("%d entries are left", len(c.entries))
	}
}

func TestCacheHoldsEveryKindOfAnswer(t *testing.T) {
	for name, v := range map[string]cached{
		"A":          answerA(time.Second, "192.0.2.1"),
		"AAAA":       {answer: Answer{Type: TypeAAAA, Addrs: parseAddrs("2001:db8::1", "2001:db8::2"), TTL: time.Second}},
		"alias":      {answer: Answer{Type: TypeA, Addrs: parseAddrs("192.0.2.1"), CanonName: "canon.example", TTL: time.Second}},
		"PTR":        {answer: Answer{Type: TypePTR, Names: []string{"a.example", "b.example"}, TTL: time.Second}},
		"not exist":  negative(time.Second, ErrNotExist),
		"no data":    {answer: Answer{Type: TypeA, TTL: time.Second}, err: ErrNoData},
		"no message": {answer: Answer{TTL: time.Second}},
	} {
		c := newCache(10)
		c.put("x.example", dns.TypeA, v, 0)
		got, ok := c.get("x.example", dns.TypeA, 0)
		if !ok || fmt.Sprint(got) != fmt.Sprint(v) {
			t.Errorf("%s: got %v, want %v", name, got, v)
		}
	}
}

func TestCacheHoldsMessagesBesideAnswers(t *testing.T) {
	c := newCache(10)
	c.put("x.example", dns.TypeA, answerA(time.Minute, "192.0.2.1"), 0)
	c.putMessage(kindMessage, "x.example", dns.TypeA, cached{answer: Answer{TTL: time.Minute}, message: []byte{1, 0, 2}}, 0)
	v, ok := c.getMessage(kindMessage, "x.example", dns.TypeA, 3*time.Second)
	if !ok || !slices.Equal(v.message, []byte{1, 0, 2}) || v.age != 3*time.Second {
		t.Errorf("got %v, %t", v, ok)
	}
	if v, ok := c.get("x.example", dns.TypeA, 0); !ok || len(v.answer.Addrs) != 1 {
		t.Errorf("got %v, %t", v, ok)
	}
	if _, ok := c.getMessage(kindMessage, "x.example", dns.TypeMX, 0); ok {
		t.Error("another type is known")
	}
}

func TestThatANameDoesNotExistGoesForAllTypes(t *testing.T) {
	c := newCache(10)
	c.put("gone.example", dns.TypeA, negative(time.Minute, ErrNotExist), 0)
	c.put("empty.example", dns.TypeA, negative(time.Minute, ErrNoData), 0)
	for _, test := range []struct {
		name  string
		qtype uint16
		err   error
		known bool
	}{
		{"gone.example", dns.TypeA, ErrNotExist, true},
		{"gone.example", dns.TypeAAAA, ErrNotExist, true},
		{"empty.example", dns.TypeA, ErrNoData, true},
		{"empty.example", dns.TypeAAAA, nil, false},
	} {
		v, ok := c.get(test.name, test.qtype, 0)
		if ok != test.known || !errors.Is(v.err, test.err) {
			t.Errorf("%s %s: %v, %t", test.name, dns.TypeToString[test.qtype], v.err, ok)
		}
	}
	if v, ok := c.getMessage(kindMessage, "gone.example", dns.TypeMX, 0); !ok || v.err != ErrNotExist || v.message != nil {
		t.Errorf("message: %v, %t", v, ok)
	}

	c.put("gone.example", dns.TypeAAAA, cached{answer: Answer{Type: TypeAAAA, Addrs: parseAddrs("::1"), TTL: time.Minute}}, 0)
	if _, ok := c.get("gone.example", dns.TypeA, 0); ok {
		t.Error("a name that came to be does still not exist")
	}
}

func TestCacheDoesNotBelieveLongTTLs(t *testing.T) {
	c := newCache(10)
	c.put("a.example", dns.TypeA, answerA(1<<31*time.Second, "192.0.2.1"), 0)
	c.put("b.example", dns.TypeA, negative(1<<31*time.Second, ErrNoData), 0)
	if v, _ := c.get("a.example", dns.TypeA, 0); v.answer.TTL != dnswire.MaxTTL {
		t.Errorf("positive: %v", v.answer.TTL)
	}
	if v, _ := c.get("b.example", dns.TypeA, 0); v.answer.TTL != maxNegativeTTL {
		t.Errorf("negative: %v", v.answer.TTL)
	}
}

func TestCacheForgetsTheOneNotUsedForTheLongest(t *testing.T) {
	c := newCache(3)
	for _, name := range []string{"a", "b", "c"} {
		c.put(name, dns.TypeA, answerA(time.Minute, "192.0.2.1"), 0)
	}
	c.get("a", dns.TypeA, 0)
	c.put("d", dns.TypeA, answerA(time.Minute, "192.0.2.1"), 0) // b goes
	c.put("c", dns.TypeA, answerA(time.Minute, "192.0.2.2"), 0) // replaces
	c.put("e", dns.TypeA, answerA(time.Minute, "192.0.2.1"), 0) // a goes
	if got := known(c, "a", "b", "c", "d", "e"); got != "cde" {
		t.Errorf("known are %q", got)
	}
	c.setLimit(1) // known has used e last
	if got := known(c, "a", "b", "c", "d", "e"); got != "e" {
		t.Errorf("with a smaller limit known are %q", got)
	}
	c.setLimit(0)
	c.put("f", dns.TypeA, answerA(time.Minute, "192.0.2.1"), 0)
	if len(c.entries) != 0 {
		t.Errorf("without room %d are known", len(c.entries))
	}
}

func known(c *cache, names ...string) string {
	s := ""
	for _, name := range names {
		if _, ok := c.get(name, dns.TypeA, 0); ok {
			s += name
		}
	}
	return s
}

func TestCacheHoldsOnlySoManyBytes(t *testing.T) {
	const limit, size = 200, 60_000
	c := newCache(limit)
	for i := range limit {
		v := cached{answer: Answer{TTL: time.Minute}, message: make([]byte, size)}
		c.putMessage(kindMessage, fmt.Sprintf("n%d.example", i), dns.TypeTXT, v, 0)
	}
	want := limit * 1024 / size
	if _, ok := c.getMessage(kindMessage, "n199.example", dns.TypeTXT, 0); !ok || len(c.entries) != want {
		t.Errorf("%d long answers are remembered, want %d; the last one: %t", len(c.entries), want, ok)
	}
	c.setLimit(0)
	if len(c.entries) != 0 || c.size != 0 {
		t.Errorf("%d answers of %d bytes are left", len(c.entries), c.size)
	}
	// A small cache still has room for the longest answer.
	c.setLimit(1)
	c.putMessage(kindMessage, "long.example", dns.TypeTXT, cached{answer: Answer{TTL: time.Minute}, message: make([]byte, 65535)}, 0)
	if _, ok := c.getMessage(kindMessage, "long.example", dns.TypeTXT, 0); !ok {
		t.Error("the longest answer has no room")
	}
}

func TestCacheIgnoresWhatIsNotToBeRemembered(t *testing.T) {
	c := newCache(3)
	c.put("a.example", dns.TypeA, answerA(time.Minute, "192.0.2.1"), 0)
	c.put("a.example", dns.TypeA, answerA(0, "192.0.2.1"), 0) // replaced by nothing
	c.put(string(make([]byte, maxNameLength+1)), dns.TypeA, answerA(time.Minute, "192.0.2.1"), 0)
	if len(c.entries) != 0 {
		t.Errorf("%d entries", len(c.entries))
	}
	if _, ok := c.get(string(make([]byte, 1000)), dns.TypeA, 0); ok {
		t.Error("a name that is too long is known")
	}
}

// TestCacheBehavesAsAMap compares random operations with a simple model.
func TestCacheBehavesAsAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c := newCache(1000) // more than there are names
	type item struct {
		v       cached
		expires time.Duration
	}
	model := map[string]item{}
	var now time.Duration
	for range 20000 {
		now += time.Duration(r.IntN(3)) * time.Second
		name := fmt.Sprintf("host%d.example", r.IntN(50))
		if r.IntN(2) == 0 {
			v := answerA(time.Duration(r.IntN(60))*time.Second, fmt.Sprintf("192.0.2.%d", r.IntN(256)))
			c.put(name, dns.TypeA, v, now)
			model[name] = item{v, now + v.answer.TTL}
			continue
		}
		v, ok := c.get(name, dns.TypeA, now)
		want, there := model[name]
		there = there && want.expires > now
		if ok != there || ok && (!slices.Equal(v.answer.Addrs, want.v.answer.Addrs) || v.answer.TTL != want.expires-now) {
			t.Fatalf("%s at %v: %v, %t; want %v, %t", name, now, v, ok, want, there)
		}
	}
}

func TestCacheHitsOfNegativeAnswersDoNotAllocate(t *testing.T) {
	c := newCache(10)
	c.put("www.example.com", dns.TypeA, negative(time.Minute, ErrNoData), 0)
	n := testing.AllocsPerRun(100, func() {
		if _, ok := c.get("www.EXAMPLE.com.", dns.TypeA, 0); !ok {
			t.Error("not known")
		}
		c.get("other.example.com", dns.TypeA, 0)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCacheGet(b *testing.B) {
	c := newCache(10)
	c.put("www.example.com", dns.TypeA, answerA(time.Minute, "192.0.2.1"), 0)
	b.ReportAllocs()
	for b.Loop() {
		c.get("www.example.com", dns.TypeA, 0)
	}
}

// BenchmarkCacheMemory reports how many bytes an entry needs.
func BenchmarkCacheMemory(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		c := newCache(n)
		for i := range n {
			c.put(fmt.Sprintf("host%06d.example.com", i), dns.TypeA, answerA(time.Minute, "192.0.2.1"), 0)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/entry")
		runtime.KeepAlive(c)
	}
}
