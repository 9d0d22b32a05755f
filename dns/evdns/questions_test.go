package evdns

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The set of questions behaves as a map would.
func TestQuestionsAgainstAModel(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		q := questions{keys: [2]uint64{random.Uint64(), random.Uint64() | 1}}
		if seed%4 == 0 {
			q.keys[1] = 0 // all collide
		}
		model := map[string]*Request{}
		var all []*Request
		key := func(r *Request) string {
			return fmt.Sprint(strings.ToLower(r.name), r.qtype, r.flags&(UseVC|IgnoreTC))
		}
		for range 3000 {
			if len(all) > 0 && random.IntN(5) < 2 {
				i := random.IntN(len(all))
				r := all[i]
				all[i] = all[len(all)-1]
				all = all[:len(all)-1]
				delete(model, key(r))
				q.remove(r)
				q.remove(r) // is not in any more
			} else {
				name := fmt.Sprintf("%s%d.EXAMPLE.", strings.Repeat("x", random.IntN(12)), random.IntN(20))
				if random.IntN(2) == 0 {
					name = strings.ToLower(name)
				}
				r := &Request{name: name, qtype: []uint16{dns.TypeA, dns.TypeAAAA}[random.IntN(2)],
					flags: []QueryFlags{0, NoSearch, UseVC, IgnoreTC, CNAMECallback}[random.IntN(5)]}
				got := q.claim(r)
				if want := model[key(r)]; got != want {
					t.Fatalf("seed %d: claim of %s gave %v, want %v", seed, key(r), got, want)
				}
				if got == nil {
					model[key(r)] = r
					all = append(all, r)
				}
			}
			if q.n != len(model) {
				t.Fatalf("seed %d: %d questions, want %d", seed, q.n, len(model))
			}
		}
		for _, r := range all {
			q.remove(r)
		}
		for _, s := range q.slots {
			if s.r != nil {
				t.Fatalf("seed %d: %s is left", seed, s.r.name)
			}
		}
	}
}

// Failures are kept until their time has passed, and leave nothing behind.
func TestFailuresEnd(t *testing.T) {
	var f failures
	err := errors.New("failed")
	name := func(i int) *Request { return &Request{name: fmt.Sprintf("n%d.example.", i), qtype: dns.TypeA} }
	for i := range 100 {
		f.put(name(i), err, time.Duration(i), 50, 1000)
	}
	for i := range 100 {
		want := i+50 > 99
		if got := f.get(name(i), 99) != nil; got != want {
			t.Errorf("failure %d is kept: %t, want %t", i, got, want)
		}
	}
	f.put(name(99), err, 120, 50, 1000) // again
	if f.get(name(99), 149) == nil || f.get(name(98), 149) != nil {
		t.Error("the later failure does not count")
	}
	if f.get(name(99), 170) != nil || f.known != nil || f.order != nil {
		t.Errorf("left: %v, %v", f.known, f.order)
	}
	for i := range 100_000 {
		f.put(name(i), err, time.Duration(i), time.Hour, 10)
	}
	if len(f.known) > 10 || len(f.order) > 10 || cap(f.order) > 100 {
		t.Errorf("%d failures are kept", len(f.known))
	}
}
