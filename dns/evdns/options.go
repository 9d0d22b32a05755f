package evdns

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// OptionFlags select what ParseResolvConf takes from the file.
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

// SetOption sets a field of the Config by its name in libevent, which is also that of the
// options of a resolv.conf. A colon after the name is ignored. Numbers of seconds may
// have a fraction and are at least 0.001; numbers are clamped to their range.
//
//	name                    default    meaning
//	ndots                   1          a name with fewer dots is looked up in the search domains first
//	timeout                 5          seconds until a query is retried, at another nameserver if there is one, or has failed
//	attempts                3          how often a request is sent, 1 to 255, and at least once to each nameserver
//	max-timeouts            3          timeouts in a row after which a nameserver is down, 1 to 255
//	max-inflight            64         requests under way at a time; others wait; 1 to 1,000,000
//	randomize-case          1          whether to send names in random case, which answers must repeat: 0 or another number
//	bind-to                 -          local address, or address and port, of UDP sockets made from then on, but for nameservers on this host
//	initial-probe-timeout   10         seconds until a nameserver that is down is first probed, at most 3600
//	max-probe-timeout       3600       seconds that this time can grow to, whole ones, 1 to 3600
//	probe-backoff-factor    3          what this time is multiplied by after each failure, 1 to 10
//	getaddrinfo-allow-skew  3          seconds that GetAddrInfo waits for the other family when it has addresses of one
//	so-rcvbuf               0          SO_RCVBUF of sockets made from then on, in bytes; 0 is the default of the system
//	so-sndbuf               0          SO_SNDBUF, likewise
//	tcp-idle-timeout        5          seconds until a TCP connection without requests is closed
//	use-vc                  off        sends queries over TCP only; the value is empty
//	ignore-tc               off        a truncated answer is an error; the value is empty
//	edns-udp-size           512        bytes of the longest UDP answer, announced by EDNS0, up to 65535; 512 is without EDNS0
//
// These are of glibc, have an empty value, and cannot be taken back:
//
//	edns0                   off        edns-udp-size is 1232 if it was less
//	no-aaaa                 off        ResolveIPv6 and GetAddrInfo find no IPv6 addresses, but whether the name exists
//	no-reload               off        no effect: files are read once
//	no-tld-query            off        a name without a dot is looked up in the search domains only, if there are any
//	rotate                  off        no effect: nameservers always take turns
//	single-request          off        GetAddrInfo looks up the families one after the other
//	single-request-reopen   off        the same, as lookups share sockets
//	trust-ad                off        sets AD in queries, and leaves it in the messages of Query
//
// These are beyond libevent:
//
//	address-order           rfc6724    order of the results of GetAddrInfo: rfc6724 or as-answered
//	cache-size              10000      answers that the cache holds, of 1 KiB on average; 0 for none, up to 10,000,000
//	failure-ttl             1          seconds for which a failed lookup is cached (RFC 9520), at most 300; 0 for none
//	max-file-size           16777216   bytes that a resolv.conf or hosts file may have, 1 to 1 GiB
//	max-waiting             1048576    requests that may wait; more are refused; 1 to 1,000,000,000
//	ports-per-nameserver    4          UDP sockets, each with a random port, to choose from, 1 to 256
//
// The error wraps ErrOption if there is no such option, and ErrValue if the
// value is not valid; nothing has changed then. A missing number, which is 0 in libevent,
// is an error (evdns_base_set_option).
func (b *Base) SetOption(name, value string) error {
	b.lock()
	defer b.unlock()
	if b.freed {
		return fmt.Errorf("evdns: set option %s: %w", name, ErrFreed)
	}
	if _, err := b.setOption(name, value, OptionsAll); err != nil {
		return fmt.Errorf("evdns: %w", err)
	}
	return nil
}

// setOption sets an option if flags have its kind. The value is checked in either case.
// known reports whether the option exists.
func (b *Base) setOption(name, value string, flags OptionFlags) (known bool, err error) {
	name = strings.TrimSuffix(name, ":")
	opt, known := optionTable[name]
	if !known {
		return false, fmt.Errorf("set option %q: %w", name, ErrOption)
	}
	target := b.config.Config
	err = opt.set(&target, name, value)
	if err == nil {
		err = target.complete()
	}
	if err != nil {
		return true, fmt.Errorf("set option %s to %q: %w", name, value, err)
	}
	if flags&opt.kind != 0 {
		b.apply(target)
	}
	return true, nil
}

// An option is an entry of the table of options. set sets the field of the option
// name.
type option struct {
	kind OptionFlags
	set  func(c *Config, name, value string) error
}

var optionTable = map[string]option{
	"ndots":                  {OptionSearch, setNumber},
	"timeout":                {OptionMisc, setSeconds},
	"attempts":               {OptionMisc, setNumber},
	"max-timeouts":           {OptionMisc, setNumber},
	"max-inflight":           {OptionMisc, setNumber},
	"randomize-case":         {OptionMisc, setRandomizeCase},
	"bind-to":                {OptionNameservers, setBindTo},
	"initial-probe-timeout":  {OptionMisc, setSeconds},
	"max-probe-timeout":      {OptionMisc, setMaxProbe},
	"probe-backoff-factor":   {OptionMisc, setNumber},
	"getaddrinfo-allow-skew": {OptionMisc, setSeconds},
	"so-rcvbuf":              {OptionMisc, setNumber},
	"so-sndbuf":              {OptionMisc, setNumber},
	"tcp-idle-timeout":       {OptionMisc, setSeconds},
	"use-vc":                 {OptionMisc, setFlag(func(c *Config) { c.UseVC = true })},
	"ignore-tc":              {OptionMisc, setFlag(func(c *Config) { c.IgnoreTC = true })},
	"edns-udp-size":          {OptionMisc, setNumber},

	// These are of glibc.
	"edns0":                 {OptionMisc, setFlag(func(c *Config) { c.EDNSUDPSize = max(c.EDNSUDPSize, dnswire.EDNSUDPSize) })},
	"no-aaaa":               {OptionMisc, setFlag(func(c *Config) { c.NoAAAA = true })},
	"no-reload":             {OptionMisc, setFlag(func(*Config) {})},
	"no-tld-query":          {OptionSearch, setFlag(func(c *Config) { c.NoTLDQuery = true })},
	"rotate":                {OptionMisc, setFlag(func(*Config) {})},
	"single-request":        {OptionMisc, setFlag(func(c *Config) { c.SingleRequest = true })},
	"single-request-reopen": {OptionMisc, setFlag(func(c *Config) { c.SingleRequest = true })},
	"trust-ad":              {OptionMisc, setFlag(func(c *Config) { c.TrustAD = true })},

	// These are beyond libevent.
	"address-order":        {OptionMisc, setOrder},
	"cache-size":           {OptionMisc, setNumber},
	"failure-ttl":          {OptionMisc, setSeconds},
	"max-file-size":        {OptionMisc, setNumber},
	"max-waiting":          {OptionMisc, setNumber},
	"ports-per-nameserver": {OptionMisc, setNumber},
}

// setNumber sets a number, clamped to its range.
func setNumber(c *Config, name, value string) error {
	v, err := parseInt(value)
	if err != nil {
		return err
	}
	for _, n := range c.numbers() {
		if n.option != name {
			continue
		}
		*n.field = min(max(v, n.low), n.high)
		if v == 0 && n.none {
			*n.field = -1
		}
	}
	return nil
}

// setSeconds sets a time, rounded to a microsecond and clamped to its range.
func setSeconds(c *Config, name, value string) error {
	seconds, err := strconv.ParseFloat(value, 64)
	for _, s := range c.spans() {
		switch {
		case s.option != name:
		case value == "0" && s.none:
			*s.field = -1
		case err != nil || !(seconds >= minTimeout.Seconds()):
			return fmt.Errorf("%w: not a number of seconds from 0.001", ErrValue)
		default:
			*s.field = time.Duration(math.Round(min(seconds, s.high.Seconds())*1e6)) * time.Microsecond
		}
	}
	return nil
}

// setMaxProbe sets a time in whole seconds, as libevent does.
func setMaxProbe(c *Config, _, value string) error {
	n, err := parseInt(value)
	c.MaxProbe = time.Duration(min(max(n, 1), 3600)) * time.Second
	return err
}

func setRandomizeCase(c *Config, _, value string) error {
	n, err := parseInt(value)
	c.KeepCase = n == 0
	return err
}

func setBindTo(c *Config, _, value string) error {
	addr, err := evutil.ParseSockaddrPort(value)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrValue, err)
	}
	c.BindTo = addr
	return nil
}

func setOrder(c *Config, _, value string) error {
	order, ok := addressOrders[value]
	if !ok {
		return fmt.Errorf("%w: not an order", ErrValue)
	}
	c.Order = order
	return nil
}

// setFlag returns the setter of an option without a value.
func setFlag(set func(c *Config)) func(c *Config, name, value string) error {
	return func(c *Config, _, value string) error {
		if value != "" {
			return fmt.Errorf("%w: the option has none", ErrValue)
		}
		set(c)
		return nil
	}
}

func parseInt(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: not a number from 0", ErrValue)
	}
	return n, nil
}
