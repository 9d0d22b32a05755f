package main

import (
	"errors"
	"fmt"
	"log"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// zoneTTL is how long others may remember what a zone says.
const zoneTTL = time.Minute

// A zone has the addresses of names, and the names of addresses. Names are in small
// letters and end with a dot.
type zone struct {
	addrs map[string][]netip.Addr
	names map[string][]string // by the name that stands for an address
}

// parseZone reads NAME=ADDRESS.
func parseZone(args []string) (*zone, error) {
	z := &zone{addrs: make(map[string][]netip.Addr), names: make(map[string][]string)}
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		if _, valid := dns.IsDomainName(name); !ok || !valid {
			return nil, fmt.Errorf("%q is not NAME=ADDRESS", arg)
		}
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		reverse, err := dns.ReverseAddr(addr.Unmap().WithZone("").String())
		if err != nil {
			return nil, err
		}
		name = dns.CanonicalName(name)
		z.addrs[name] = append(z.addrs[name], addr.Unmap())
		z.names[reverse] = append(z.names[reverse], name)
	}
	return z, nil
}

// answer answers a request, with what there is or with SERVFAIL.
func (z *zone) answer(req *evdnsserver.Request) {
	result, err := z.fill(req)
	if err != nil {
		log.Print(err)
		result = dns.RcodeServerFailure
	}
	if err := req.Respond(result); err != nil && !errors.Is(err, evdnsserver.ErrClientGone) {
		log.Print(err)
	}
}

// fill adds what there is to all questions.
func (z *zone) fill(req *evdnsserver.Request) (result int, err error) {
	result = dns.RcodeNameError
	for _, q := range req.Questions {
		found, err := z.add(req, q)
		if err != nil {
			return 0, err
		}
		if found {
			result = 0
		}
	}
	return result, req.SetFlags(evdnsserver.FlagAA)
}

// add adds what there is to a question, and returns whether there is anything of
// its name.
func (z *zone) add(req *evdnsserver.Request, q dns.Question) (found bool, err error) {
	name := dns.CanonicalName(q.Name)
	addrs, names := z.addrs[name], z.names[name]
	for _, addr := range addrs {
		switch {
		case addr.Is4() && q.Qtype == dns.TypeA:
			err = errors.Join(err, req.AddA(q.Name, zoneTTL, addr))
		case addr.Is6() && q.Qtype == dns.TypeAAAA:
			err = errors.Join(err, req.AddAAAA(q.Name, zoneTTL, addr))
		}
	}
	if q.Qtype == dns.TypePTR {
		for _, target := range names {
			err = errors.Join(err, req.AddPTRName(q.Name, target, zoneTTL))
		}
	}
	return len(addrs)+len(names) > 0, err
}
