package evdns

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// OptionFlags say what ParseResolvConf is to take from the files.
type OptionFlags uint8

const (
	// OptionSearch takes the search domains and ndots (DNS_OPTION_SEARCH).
	OptionSearch OptionFlags = 1 << iota
	// OptionNameservers takes the nameservers and bind-to, and 127.0.0.1 if
	// there are no nameservers (DNS_OPTION_NAMESERVERS).
	OptionNameservers
	// OptionMisc takes all other options (DNS_OPTION_MISC).
	OptionMisc
	// OptionHostsFile loads the hosts file of the system as well
	// (DNS_OPTION_HOSTSFILE).
	OptionHostsFile
	// OptionNameserversNoDefault goes without nameservers if the file has
	// none (DNS_OPTION_NAMESERVERS_NO_DEFAULT).
	OptionNameserversNoDefault

	// OptionsAll takes everything (DNS_OPTIONS_ALL).
	OptionsAll = OptionSearch | OptionNameservers | OptionMisc | OptionHostsFile
)

var (
	// ErrOption says that there is no option of this name.
	ErrOption = errors.New("unknown option")
	// ErrValue says that an option cannot have this value.
	ErrValue = errors.New("invalid value")
)

// options are the settings of a base; SetOption says what they mean.
type options struct {
	timeout        time.Duration
	attempts       int
	maxTimeouts    int
	maxInflight    int
	maxWaiting     int
	randomizeCase  bool
	bindTo         netip.AddrPort // or the zero value
	initialProbe   time.Duration
	maxProbe       time.Duration
	probeBackoff   int
	skew           time.Duration
	soRcvbuf       int // or 0, for what the system gives
	soSndbuf       int
	tcpIdleTimeout time.Duration
	useVC          bool
	ignoreTC       bool
	singleRequest  bool
	noAAAA         bool
	trustAD        bool
	ednsUDPSize    int
	ports          int
	cacheSize      int
	failureTTL     time.Duration // or 0
	order          addressOrder
	maxFileSize    int
}

const (
	defaultCacheSize   = 10_000
	defaultMaxFileSize = 16 << 20
	defaultMaxWaiting  = 1 << 20
	defaultPorts       = 4
)

func defaultOptions() options {
	return options{
		timeout:        5 * time.Second,
		attempts:       3,
		maxTimeouts:    3,
		maxInflight:    64,
		maxWaiting:     defaultMaxWaiting,
		randomizeCase:  true,
		initialProbe:   10 * time.Second,
		maxProbe:       time.Hour,
		probeBackoff:   3,
		skew:           3 * time.Second,
		tcpIdleTimeout: 5 * time.Second,
		ednsUDPSize:    512,
		ports:          defaultPorts,
		cacheSize:      defaultCacheSize,
		failureTTL:     defaultFailureTTL,
		order:          orderRFC6724,
		maxFileSize:    defaultMaxFileSize,
	}
}

// SetOption sets an option of the resolver, which may also stand in the options
// of a resolv.conf as name:value. A colon after the name is ignored. Numbers of
// seconds may have a fraction and are at least 0.001; numbers beyond the range
// that is given become the nearest that is in it.
//
//	name                    default    meaning
//	ndots                   1          a name with fewer dots is looked up in the search domains first
//	timeout                 5          seconds until a request is sent again, to another nameserver if there is one, or has failed
//	attempts                3          how often a request is sent, 1 to 255, and at least once to each nameserver
//	max-timeouts            3          timeouts in a row that take a nameserver for down, 1 to 255
//	max-inflight            64         requests under way at a time; others wait; 1 to 1,000,000
//	randomize-case          1          whether to write names in random case, which answers must repeat: 0 or another number
//	bind-to                 -          local address, or address and port, of UDP sockets made from then on, but for nameservers on this host
//	initial-probe-timeout   10         seconds until a nameserver that is down is first tried, at most 3600
//	max-probe-timeout       3600       seconds that this time can grow to, whole ones, 1 to 3600
//	probe-backoff-factor    3          what this time is multiplied by after each failure, 1 to 10
//	getaddrinfo-allow-skew  3          seconds that GetAddrInfo waits for the other family when it has addresses of one
//	so-rcvbuf               0          SO_RCVBUF of sockets made from then on, in bytes; 0 is as the system likes
//	so-sndbuf               0          SO_SNDBUF, likewise
//	tcp-idle-timeout        5          seconds until a TCP connection without requests is closed
//	use-vc                  off        asks over TCP only; the value is empty
//	ignore-tc               off        takes a truncated answer for an error instead of asking over TCP; the value is empty
//	edns-udp-size           512        bytes of a UDP answer that nameservers are told to be welcome (EDNS0), up to 65535; 512 tells nothing
//
// These are of glibc, have an empty value, and cannot be taken back:
//
//	edns0                   off        edns-udp-size is 1232 if it was less
//	no-aaaa                 off        ResolveIPv6 and GetAddrInfo find no IPv6 addresses, but ask whether the name exists
//	no-reload               off        files are read once; that is so in any case
//	no-tld-query            off        a name without a dot is looked up in the search domains only, if there are any
//	rotate                  off        all nameservers are asked in turn; that is so in any case, among those that are as good
//	single-request          off        GetAddrInfo asks for addresses of one family after the other
//	single-request-reopen   off        the same: a lookup has no socket of its own
//	trust-ad                off        queries ask for AD, and Query gives messages that have it; otherwise it is cleared in them
//
// These are beyond libevent:
//
//	address-order           rfc6724    order of the results of GetAddrInfo: rfc6724 or as-answered
//	cache-size              10000      answers that the cache holds, of 1 KiB on average; 0 for none, up to 10,000,000
//	failure-ttl             1          seconds for which a failed lookup is not tried again (RFC 9520), at most 300; 0 for none
//	max-file-size           16777216   bytes that a resolv.conf or hosts file may have, 1 to 1 GiB
//	max-waiting             1048576    requests that may wait for others or for a nameserver; more are refused; 1 to 1,000,000,000
//	ports-per-nameserver    4          UDP sockets, each with a random port, to choose from, 1 to 256
//
// The error wraps ErrOption if there is no such option, and ErrValue if the
// value is none for it; nothing has changed then. Where libevent takes a
// missing number for 0, it is an error here (evdns_base_set_option).
func (b *Base) SetOption(name, value string) error {
	b.lock()
	defer b.unlock()
	if b.freed {
		return fmt.Errorf("set option %s: %w", name, ErrFreed)
	}
	_, err := b.setOption(name, value, OptionsAll)
	return err
}

// setOption sets an option if flags have its kind. In any case the value must
// be right. known says whether there is such an option.
func (b *Base) setOption(name, value string, flags OptionFlags) (known bool, err error) {
	name = strings.TrimSuffix(name, ":")
	opt, known := optionTable[name]
	if !known {
		opt, known = flagOptions[name]
	}
	if !known {
		return false, fmt.Errorf("set option %q: %w", name, ErrOption)
	}
	target := *b.settings()
	if err := opt.set(&target, value); err != nil {
		return true, fmt.Errorf("set option %s to %q: %w", name, value, err)
	}
	if flags&opt.kind != 0 {
		b.apply(target)
	}
	return true, nil
}

// settings are what SetOption can change.
type settings struct {
	options
	ndots      int
	noTLDQuery bool
}

func (b *Base) settings() *settings {
	return &settings{options: b.options, ndots: b.search.ndots(), noTLDQuery: b.search.noTLDQuery}
}

func (b *Base) apply(s settings) {
	b.options = s.options
	b.search.setNdots(s.ndots)
	b.search.noTLDQuery = s.noTLDQuery
	b.cache.setLimit(s.cacheSize)
	b.finishLater() // there may be room for requests that wait
}

// An option is an entry of the table of options.
type option struct {
	kind OptionFlags
	set  func(s *settings, value string) error
}

var optionTable = map[string]option{
	"ndots": {OptionSearch, func(s *settings, v string) error {
		return setInt(&s.ndots, v, 0, math.MaxInt)
	}},
	"timeout": {OptionMisc, func(s *settings, v string) error {
		return setSeconds(&s.timeout, v, maxSeconds)
	}},
	"attempts": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.attempts, v, 1, 255)
	}},
	"max-timeouts": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.maxTimeouts, v, 1, 255)
	}},
	"max-inflight": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.maxInflight, v, 1, 1_000_000)
	}},
	"randomize-case": {OptionMisc, func(s *settings, v string) error {
		n, err := parseInt(v)
		s.randomizeCase = n != 0
		return err
	}},
	"bind-to": {OptionNameservers, func(s *settings, v string) error {
		addr, err := evutil.ParseSockaddrPort(v)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrValue, err)
		}
		s.bindTo = addr
		return nil
	}},
	"initial-probe-timeout": {OptionMisc, func(s *settings, v string) error {
		err := setSeconds(&s.initialProbe, v, time.Hour)
		s.initialProbe = min(s.initialProbe, s.maxProbe)
		return err
	}},
	"max-probe-timeout": {OptionMisc, func(s *settings, v string) error {
		var seconds int
		err := setInt(&seconds, v, 1, 3600)
		s.maxProbe = time.Duration(seconds) * time.Second
		s.initialProbe = min(s.initialProbe, s.maxProbe)
		return err
	}},
	"probe-backoff-factor": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.probeBackoff, v, 1, 10)
	}},
	"getaddrinfo-allow-skew": {OptionMisc, func(s *settings, v string) error {
		return setSeconds(&s.skew, v, maxSeconds)
	}},
	"so-rcvbuf": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.soRcvbuf, v, 0, math.MaxInt32)
	}},
	"so-sndbuf": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.soSndbuf, v, 0, math.MaxInt32)
	}},
	"tcp-idle-timeout": {OptionMisc, func(s *settings, v string) error {
		return setSeconds(&s.tcpIdleTimeout, v, maxSeconds)
	}},
	"use-vc": {OptionMisc, func(s *settings, v string) error {
		return setFlag(&s.useVC, v)
	}},
	"ignore-tc": {OptionMisc, func(s *settings, v string) error {
		return setFlag(&s.ignoreTC, v)
	}},
	"edns-udp-size": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.ednsUDPSize, v, 512, 65535)
	}},

	"address-order": {OptionMisc, func(s *settings, v string) error {
		order, ok := addressOrders[v]
		if !ok {
			return fmt.Errorf("%w: not an order", ErrValue)
		}
		s.order = order
		return nil
	}},
	"cache-size": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.cacheSize, v, 0, 10_000_000)
	}},
	"failure-ttl": {OptionMisc, func(s *settings, v string) error {
		if v == "0" {
			s.failureTTL = 0
			return nil
		}
		return setSeconds(&s.failureTTL, v, maxFailureTTL)
	}},
	"max-file-size": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.maxFileSize, v, 1, 1<<30)
	}},
	"max-waiting": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.maxWaiting, v, 1, 1_000_000_000)
	}},
	"ports-per-nameserver": {OptionMisc, func(s *settings, v string) error {
		return setInt(&s.ports, v, 1, 256)
	}},
}

// flagOptions are the options of glibc, which are set by being there.
var flagOptions = map[string]option{
	"edns0": {OptionMisc, func(s *settings, v string) error {
		s.ednsUDPSize = max(s.ednsUDPSize, dnswire.EDNSUDPSize)
		return noValue(v)
	}},
	"no-aaaa":        {OptionMisc, func(s *settings, v string) error { return setFlag(&s.noAAAA, v) }},
	"no-reload":      {OptionMisc, func(_ *settings, v string) error { return noValue(v) }},
	"no-tld-query":   {OptionSearch, func(s *settings, v string) error { return setFlag(&s.noTLDQuery, v) }},
	"rotate":         {OptionMisc, func(_ *settings, v string) error { return noValue(v) }},
	"single-request": {OptionMisc, func(s *settings, v string) error { return setFlag(&s.singleRequest, v) }},
	"single-request-reopen": {OptionMisc, func(s *settings, v string) error {
		return setFlag(&s.singleRequest, v)
	}},
	"trust-ad": {OptionMisc, func(s *settings, v string) error { return setFlag(&s.trustAD, v) }},
}

// maxSeconds is about what an int of C holds.
const maxSeconds = math.MaxInt32 * time.Second

func parseInt(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: not a number from 0", ErrValue)
	}
	return n, nil
}

// setInt sets an integer to the nearest of value that is in the range.
func setInt(target *int, value string, low, high int) error {
	n, err := parseInt(value)
	if err != nil {
		return err
	}
	*target = min(max(n, low), high)
	return nil
}

// setSeconds sets a time, to the microsecond, of at most so long.
func setSeconds(target *time.Duration, value string, longest time.Duration) error {
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil || !(seconds >= 0.001) {
		return fmt.Errorf("%w: not a number of seconds from 0.001", ErrValue)
	}
	seconds = min(seconds, longest.Seconds())
	*target = time.Duration(math.Round(seconds*1e6)) * time.Microsecond
	return nil
}

// setFlag sets what is set by being there.
func setFlag(target *bool, value string) error {
	*target = true
	return noValue(value)
}

func noValue(value string) error {
	if value != "" {
		return fmt.Errorf("%w: has no value", ErrValue)
	}
	return nil
}
