package evdns

import (
	"net/netip"
	"strconv"
	"time"
)

// What follows is only here until the files with the real things are: options,
// search, hosts, cache and the configuration of the system.

type options struct {
	timeout        time.Duration
	attempts       int
	maxTimeouts    int
	maxInflight    int
	maxWaiting     int
	randomizeCase  bool
	bindTo         netip.AddrPort
	initialProbe   time.Duration
	maxProbe       time.Duration
	probeBackoff   int
	skew           time.Duration
	soRcvbuf       int
	soSndbuf       int
	tcpIdleTimeout time.Duration
	useVC          bool
	ignoreTC       bool
	ednsUDPSize    int
	ports          int
	cacheSize      int
}

func defaultOptions() options {
	return options{
		timeout: 5 * time.Second, attempts: 3, maxTimeouts: 3, maxInflight: 64, maxWaiting: 1 << 20,
		randomizeCase: true, initialProbe: 10 * time.Second, maxProbe: time.Hour, probeBackoff: 3,
		skew: 3 * time.Second, tcpIdleTimeout: 5 * time.Second, ednsUDPSize: 512, ports: 4, cacheSize: 10000,
	}
}

type search struct{}

func (s *search) names(name string) (first string, rest []string) { return name, nil }

type hosts struct{}

type cache struct{}

const maxTTL = 7 * 24 * time.Hour

type cached struct {
	answer  Answer
	message []byte
	age     time.Duration
	err     error
}

func (c *cache) get(name string, qtype uint16, now time.Duration) (cached, bool) {
	return cached{}, false
}
func (c *cache) put(name string, qtype uint16, v cached, now time.Duration) {}
func (c *cache) getMessage(name string, qtype uint16, now time.Duration) (cached, bool) {
	return cached{}, false
}
func (c *cache) putMessage(name string, qtype uint16, v cached, now time.Duration) {}
func (c *cache) setLimit(int)                                                      {}

func (b *Base) initializeNameservers() error { return nil }

// SetOption sets some of the options.
func (b *Base) SetOption(name, value string) error {
	n, _ := strconv.Atoi(value)
	seconds, _ := strconv.ParseFloat(value, 64)
	d := time.Duration(seconds * float64(time.Second))
	o := &b.options
	switch name {
	case "timeout":
		o.timeout = d
	case "attempts":
		o.attempts = n
	case "max-timeouts":
		o.maxTimeouts = n
	case "max-inflight":
		o.maxInflight = n
	case "max-waiting":
		o.maxWaiting = n
	case "randomize-case":
		o.randomizeCase = n != 0
	case "initial-probe-timeout":
		o.initialProbe = d
	case "max-probe-timeout":
		o.maxProbe = d
	case "probe-backoff-factor":
		o.probeBackoff = n
	case "tcp-idle-timeout":
		o.tcpIdleTimeout = d
	case "use-vc":
		o.useVC = true
	case "ignore-tc":
		o.ignoreTC = true
	case "edns-udp-size":
		o.ednsUDPSize = n
	case "ports-per-nameserver":
		o.ports = n
	case "so-rcvbuf":
		o.soRcvbuf = n
	case "so-sndbuf":
		o.soSndbuf = n
	default:
		panic(name)
	}
	return nil
}
