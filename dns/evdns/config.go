package evdns

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// A Config is the settings of a resolver. The zero value of each field is its default.
// Most are also options of SetOption and of resolv.conf, whose names stand in
// parentheses. Where a negative number has a meaning, all have the same.
type Config struct {
	// Ndots is how many dots a name must have to be looked up as it is before the
	// search domains are tried; 0 is 1, negative is none (ndots).
	Ndots int
	// NoTLDQuery looks a name without a dot up in the search domains only, if there
	// are any (no-tld-query).
	NoTLDQuery bool

	// Timeout is the time until a request is sent again, or has failed; 0 is 5
	// seconds (timeout).
	Timeout time.Duration
	// Attempts is how often a request is sent, up to 255, and at least once to each
	// nameserver; 0 is 3 (attempts).
	Attempts int
	// MaxInflight is how many requests are in flight at a time, up to 1,000,000; 0 is
	// 64 (max-inflight).
	MaxInflight int
	// MaxWaiting is how many requests may wait for others or for a nameserver, up to
	// 1,000,000,000; 0 is 1,048,576 (max-waiting).
	MaxWaiting int

	// MaxTimeouts is after how many timeouts in a row a nameserver is taken for down,
	// up to 255; 0 is 3 (max-timeouts).
	MaxTimeouts int
	// InitialProbe is the time until a nameserver that is down is first probed, up to
	// an hour and MaxProbe; 0 is 10 seconds (initial-probe-timeout).
	InitialProbe time.Duration
	// MaxProbe is the limit of this time, from a second to an hour; 0 is an hour
	// (max-probe-timeout).
	MaxProbe time.Duration
	// ProbeBackoff is what this time is multiplied by after each failure, up to 10; 0
	// is 3 (probe-backoff-factor).
	ProbeBackoff int

	// BindTo is the local address of UDP sockets made from then on, with a port or
	// with port 0; not of those to nameservers on this host (bind-to). The sockets to
	// several nameservers share a port that is given. Windows lets one socket alone
	// have it: the nameserver that is asked first is the only one that can be asked
	// over UDP, and the others are taken for down, so have port 0 there.
	BindTo netip.AddrPort
	// Ports is how many UDP sockets, each with a random port, a nameserver has, up to
	// 256; 0 is 4 (ports-per-nameserver).
	Ports int
	// KeepCase sends names as they are, instead of in random case, which answers must
	// repeat (randomize-case 0).
	KeepCase bool
	// EDNSUDPSize is the longest UDP answer that queries announce by EDNS, in bytes, 512
	// to 65,535; 0 is 512, with which queries have no EDNS (edns-udp-size).
	EDNSUDPSize int
	// ReceiveBuffer and SendBuffer are SO_RCVBUF and SO_SNDBUF of UDP sockets made
	// from then on, in bytes; 0 is the system's default (so-rcvbuf, so-sndbuf).
	ReceiveBuffer int
	SendBuffer    int

	// TCPIdleTimeout is the time until a connection without requests is closed; 0 is 5
	// seconds (tcp-idle-timeout).
	TCPIdleTimeout time.Duration
	// UseVC sends queries over TCP only (use-vc).
	UseVC bool
	// IgnoreTC makes a truncated answer an error, instead of sending the query again
	// over TCP (ignore-tc).
	IgnoreTC bool
	// TrustAD sets AD in queries, and leaves it in the messages of Query; otherwise it
	// is cleared in them (trust-ad).
	TrustAD bool

	// AllowSkew is how long GetAddrInfo waits for the other family when it has
	// addresses of one; 0 is 3 seconds (getaddrinfo-allow-skew).
	AllowSkew time.Duration
	// SingleRequest has GetAddrInfo look up the families one after the other
	// (single-request).
	SingleRequest bool
	// NoAAAA has ResolveIPv6 and GetAddrInfo find no IPv6 addresses (no-aaaa).
	NoAAAA bool
	// Order is the order of the results of GetAddrInfo (address-order).
	Order AddressOrder

	// CacheSize is how many answers the cache holds, of 1 KiB on average, up to
	// 10,000,000; 0 is 10,000, negative is none (cache-size).
	CacheSize int
	// FailureTTL is the time for which a failed lookup is cached (RFC 9520), up to 5
	// minutes; 0 is a second, negative is none (failure-ttl).
	FailureTTL time.Duration
	// MaxFileSize is how many bytes a resolv.conf or hosts file may have, up to 1 GiB;
	// 0 is 16 MiB (max-file-size).
	MaxFileSize int

	// FS is the file system that ParseResolvConf, LoadHosts and ConfigureFromSystem
	// read files from; nil is that of the system. With one, the leading slash of a
	// filename is left out, and the configuration of the system is its
	// etc/resolv.conf and etc/hosts, on every platform.
	FS fs.FS
	// Hostname is the name of this host, whose domain is searched if resolv.conf has
	// no search domains; "" is that of the system.
	Hostname string
	// Random is read for the 32 bytes that seed the generator of ids, ports and the
	// case of letters: when the resolver is made, and by SetConfig. nil is the
	// system's secure source; SetConfig then leaves the generator as it is. A source
	// that can be predicted is for simulations only.
	Random io.Reader
}

// settings is the Config of a resolver, which is complete, and what is derived from it.
type settings struct {
	Config
	opt     []byte // an OPT record that announces optSize
	optSize int
}

// optRecord returns the OPT record of queries, or nil if they have none.
func (s *settings) optRecord() ([]byte, error) {
	if s.EDNSUDPSize <= dnswire.MinUDPSize {
		return nil, nil
	}
	if s.EDNSUDPSize != s.optSize {
		opt, err := dnswire.PackOPT(uint16(s.EDNSUDPSize))
		if err != nil {
			return nil, err
		}
		s.opt, s.optSize = opt, s.EDNSUDPSize
	}
	return s.opt, nil
}

// queryTimeout returns the time of one attempt.
func (c *Config) queryTimeout() time.Duration { return max(c.Timeout, minTimeout) }

// A number is a field of a Config with its default and its range. With none it may be
// negative, which SetOption sets for 0.
type number struct {
	option         string
	field          *int
	def, low, high int
	none           bool
}

func (c *Config) numbers() []number {
	return []number{
		{"ndots", &c.Ndots, defaultNdots, 0, math.MaxInt, true},
		{"attempts", &c.Attempts, 3, 1, 255, false},
		{"max-inflight", &c.MaxInflight, 64, 1, 1_000_000, false},
		{"max-waiting", &c.MaxWaiting, defaultMaxWaiting, 1, 1_000_000_000, false},
		{"max-timeouts", &c.MaxTimeouts, 3, 1, 255, false},
		{"probe-backoff-factor", &c.ProbeBackoff, 3, 1, 10, false},
		{"ports-per-nameserver", &c.Ports, defaultPorts, 1, 256, false},
		{"edns-udp-size", &c.EDNSUDPSize, 512, 512, 65535, false},
		{"so-rcvbuf", &c.ReceiveBuffer, 0, 0, math.MaxInt32, false},
		{"so-sndbuf", &c.SendBuffer, 0, 0, math.MaxInt32, false},
		{"cache-size", &c.CacheSize, defaultCacheSize, 0, 10_000_000, true},
		{"max-file-size", &c.MaxFileSize, defaultMaxFileSize, 1, 1 << 30, false},
	}
}

// A span is a field of a Config that is a time, as number is for numbers.
type span struct {
	option         string
	field          *time.Duration
	def, low, high time.Duration
	none           bool
}

func (c *Config) spans() []span {
	return []span{
		{"timeout", &c.Timeout, 5 * time.Second, minTimeout, maxSeconds, false},
		{"initial-probe-timeout", &c.InitialProbe, 10 * time.Second, minTimeout, time.Hour, false},
		{"max-probe-timeout", &c.MaxProbe, time.Hour, time.Second, time.Hour, false},
		{"tcp-idle-timeout", &c.TCPIdleTimeout, 5 * time.Second, minTimeout, maxSeconds, false},
		{"getaddrinfo-allow-skew", &c.AllowSkew, 3 * time.Second, minTimeout, maxSeconds, false},
		{"failure-ttl", &c.FailureTTL, defaultFailureTTL, minTimeout, maxFailureTTL, true},
	}
}

// complete checks a config and fills in its defaults.
func (c *Config) complete() error {
	for _, n := range c.numbers() {
		switch {
		case *n.field == 0:
			*n.field = n.def
		case *n.field < 0 && n.none:
			*n.field = -1
		case *n.field < n.low || *n.field > n.high:
			return fmt.Errorf("%s %d: %w", n.option, *n.field, ErrValue)
		}
	}
	for _, s := range c.spans() {
		switch {
		case *s.field == 0:
			*s.field = s.def
		case *s.field < 0 && s.none:
			*s.field = -1
		case *s.field < s.low || *s.field > s.high:
			return fmt.Errorf("%s %v: %w", s.option, *s.field, ErrValue)
		}
	}
	if c.Order > OrderAsAnswered {
		return fmt.Errorf("address-order %d: %w", c.Order, ErrValue)
	}
	c.InitialProbe = min(c.InitialProbe, c.MaxProbe)
	return nil
}

// Config returns the settings, with the defaults filled in.
func (b *Base) Config() Config {
	b.lock()
	defer b.unlock()
	return b.config.Config
}

// SetConfig sets all settings. They act from the next query on. The error wraps
// ErrValue if a field is out of its range, or the error of Random; nothing has changed
// then.
func (b *Base) SetConfig(c Config) error {
	b.lock()
	defer b.unlock()
	if b.freed {
		return fmt.Errorf("evdns: set config: %w", ErrFreed)
	}
	if err := c.complete(); err != nil {
		return fmt.Errorf("evdns: set config: %w", err)
	}
	if c.Random != nil {
		random, err := newRandom(c.Random)
		if err != nil {
			return fmt.Errorf("evdns: set config: %w", err)
		}
		b.random = random
	}
	b.apply(c)
	return nil
}

// apply sets a config that is complete.
func (b *Base) apply(c Config) {
	b.config.Config = c
	b.cache.setLimit(max(c.CacheSize, 0))
	b.scheduleFlush() // MaxInflight may have room for requests that wait
}
