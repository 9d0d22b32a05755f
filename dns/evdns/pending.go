package evdns

import (
	"net/netip"
	"time"
)

// What follows is only here until the files with the real things are: options,
// search, hosts, cache and the configuration of the system.

// options are the settings of a base, with libevent's names and defaults.
type options struct {
	timeout         time.Duration  // timeout: 5s
	attempts        int            // attempts: how often a request is sent, 3
	maxTimeouts     int            // max-timeouts: in a row, before a server is down, 3
	maxInflight     int            // max-inflight: 64
	maxWaiting      int            // max-waiting: 1<<20
	randomizeCase   bool           // randomize-case: true
	bindTo          netip.AddrPort // bind-to
	initialProbe    time.Duration  // initial-probe-timeout: 10s
	maxProbe        time.Duration  // max-probe-timeout: 1h
	probeBackoff    int            // probe-backoff-factor: 3
	skew            time.Duration  // getaddrinfo-allow-skew: 3s
	soRcvbuf        int            // so-rcvbuf: 0, the system's
	soSndbuf        int            // so-sndbuf
	tcpIdleTimeout  time.Duration  // tcp-idle-timeout: 5s
	useVC, ignoreTC bool           // use-vc, ignore-tc
	ednsUDPSize     int            // edns-udp-size: 512, which is no EDNS
	ports           int            // ports-per-nameserver: 4
	cacheSize       int            // cache-size
}

func defaultOptions() options {
	return options{
		timeout: 5 * time.Second, attempts: 3, maxTimeouts: 3, maxInflight: 64, maxWaiting: 1 << 20,
		randomizeCase: true, initialProbe: 10 * time.Second, maxProbe: time.Hour, probeBackoff: 3,
		skew: 3 * time.Second, tcpIdleTimeout: 5 * time.Second, ednsUDPSize: 512, ports: 4, cacheSize: 10000,
	}
}

// search is the list of search domains. A copy of it, taken when a request
// starts, must not change any more.
type search struct{}

// names returns the names to try for name after first, in order; first is the
// one to begin with. Without search domains it allocates nothing.
func (s *search) names(name string) (first string, rest []string) { return name, nil }

type hosts struct{}

// cache remembers answers. now is Base.now.
type cache struct{}

// A cached is what a nameserver has said: an answer to one of the Resolve
// methods, or the message that answers a Query, and its error: nil, ErrNotExist
// or ErrNoData. TTLs are as of when it was put in.
type cached struct {
	answer Answer
	err    error
}

// get returns what is known, with the TTL that is left.
func (c *cache) get(name string, qtype uint16, now time.Duration) (cached, bool) {
	return cached{}, false
}

// put remembers what answer.TTL says how long. The key ignores case.
func (c *cache) put(name string, qtype uint16, v cached, now time.Duration) {}

func (b *Base) initializeNameservers() error { return nil }
