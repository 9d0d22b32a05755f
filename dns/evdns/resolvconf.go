package evdns

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strconv"
	"strings"

	"github.com/go-libevent/libevent/core/evutil"
)

// The configuration files of the system; evutil.HostsFile knows others on Windows.
const (
	resolvConfName = "/etc/resolv.conf"
	hostsName      = "/etc/hosts"
)

// ParseResolvConf configures the resolver from a file in the format of resolv.conf(5),
// of which flags select parts. It supports
//
//	nameserver ADDRESS      an address, also address:port or [address]:port
//	domain DOMAIN           the only search domain
//	search DOMAIN ...       the search domains, the first to try first
//	options NAME:VALUE ...  those of SetOption; of ndots at most 15, timeout 1 to 30, attempts 1 to 5
//	sortlist NET ...        networks, ADDRESS or ADDRESS/MASK, whose IPv4 addresses come first in answers
//
// Nameservers are added; domain, search and sortlist replace earlier ones. Words that
// begin with # or ; start a comment, unlike in glibc also after other words. Unknown
// directives and options are skipped, and so are malformed lines and those of more than
// 64 KiB; ConfigStats counts both. A byte-order mark at the start is ignored.
//
// With OptionNameservers, 127.0.0.1 becomes the nameserver if there is none after that,
// unless flags have OptionNameserversNoDefault too. With OptionSearch, the domain of this
// host's name is searched if the file has no search domains. With OptionHostsFile, the
// hosts file of the system is loaded first, if it exists.
//
// Errors wrap a ConfigErr. If the file cannot be opened, or filename is empty,
// the error wraps ErrOpenFile, and nameservers and search domains are those of
// an empty file. ErrNoNameservers says that 127.0.0.1 took the place of
// nameservers; everything else is applied then. Other errors change nothing but hosts.
// The file is read synchronously, so the loop is blocked meanwhile
// (evdns_base_resolv_conf_parse).
func (b *Base) ParseResolvConf(flags OptionFlags, filename string) error {
	b.lock()
	defer b.unlock()
	if err := b.parseResolvConf(flags, filename); err != nil {
		return fmt.Errorf("evdns: parse resolv.conf %q: %w", filename, err)
	}
	return nil
}

func (b *Base) parseResolvConf(flags OptionFlags, filename string) error {
	if b.freed {
		return ErrFreed
	}
	if flags&^(OptionsAll|OptionNameserversNoDefault) != 0 {
		return ErrFlags
	}
	if flags&OptionHostsFile != 0 {
		b.loadSystemHosts()
	}
	text, err := "", error(ErrOpenFile)
	if filename != "" {
		text, err = b.config.readFile(filename)
	}
	if err != nil && !errors.Is(err, ErrOpenFile) {
		return err
	}
	c := resolvConf{base: b, flags: flags, name: filename}
	for n, line := range configLines(text) {
		c.line = n
		c.parseLine(line)
	}
	if defaultErr := b.addDefaults(flags, c.searchSeen); err == nil {
		err = defaultErr
	}
	return err
}

// addDefaults adds the default search domain and nameserver, if the configuration has
// none.
func (b *Base) addDefaults(flags OptionFlags, searchSeen bool) error {
	if flags&OptionSearch != 0 && !searchSeen && b.search.empty() {
		b.search.addHostDomain(b.config.Hostname)
	}
	if flags&OptionNameservers == 0 || flags&OptionNameserversNoDefault != 0 || b.CountNameservers() > 0 {
		return nil
	}
	if err := b.AddNameserverString("127.0.0.1"); err != nil {
		return err
	}
	return ErrNoNameservers
}

// loadSystemHosts loads the hosts file of the system.
func (b *Base) loadSystemHosts() {
	name := hostsName
	if b.config.FS == nil {
		name = evutil.HostsFile()
	}
	if err := b.loadHosts(name); err != nil {
		logDebug("no hosts file", "file", name, "error", err)
	}
}

// initializeNameservers applies the configuration of the system.
func (b *Base) initializeNameservers() error {
	flags := OptionsAll
	if b.flags&NameserversNoDefault != 0 {
		flags |= OptionNameserversNoDefault
	}
	err := b.ConfigureFromSystem(flags)
	if errors.Is(err, ErrNoNameservers) {
		return nil
	}
	return err
}

// ConfigureFromSystem applies the configuration of the system, of which flags select
// parts: that of /etc/resolv.conf, or on Windows, without a Config.FS, the nameservers of
// the network adapters that are up. Defaults and errors are those of ParseResolvConf
// (evdns_base_config_windows_nameservers).
func (b *Base) ConfigureFromSystem(flags OptionFlags) error {
	if runtime.GOOS != "windows" || b.configFS() != nil {
		return b.ParseResolvConf(flags, resolvConfName)
	}
	b.lock()
	defer b.unlock()
	if err := b.configureFromAdapters(flags); err != nil {
		return fmt.Errorf("evdns: configure resolver from system: %w", err)
	}
	return nil
}

// configFS returns Config.FS.
func (b *Base) configFS() fs.FS {
	b.lock()
	defer b.unlock()
	return b.config.FS
}

func (b *Base) configureFromAdapters(flags OptionFlags) error {
	if b.freed {
		return ErrFreed
	}
	if flags&OptionHostsFile != 0 {
		b.loadSystemHosts()
	}
	if flags&OptionNameservers != 0 {
		addrs, err := evutil.SystemNameservers()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrOpenFile, err)
		}
		for _, addr := range addrs {
			if err := b.AddNameserverString(addr.String()); err != nil && !errors.Is(err, ErrExists) {
				logWarn("nameserver skipped", "address", addr, "error", err)
			}
		}
	}
	return b.addDefaults(flags, false)
}

// resolvConf is the parser of a resolv.conf.
type resolvConf struct {
	base       *Base
	flags      OptionFlags
	name       string
	line       int
	searchSeen bool // there was a domain or search line
}

func (c *resolvConf) parseLine(line string) {
	if err := checkLine(line); err != nil {
		c.malformed(err)
		return
	}
	words := strings.FieldsFunc(line, isBlank)
	for i, word := range words {
		if word[0] == '#' || word[0] == ';' {
			words = words[:i]
			break
		}
	}
	if len(words) == 0 {
		return
	}
	switch directive, args := words[0], words[1:]; directive {
	case "nameserver":
		c.nameserver(args)
	case "domain":
		c.domains(args[:min(1, len(args))])
	case "search":
		c.domains(args)
	case "sortlist":
		c.sortlist(args)
	case "options":
		for _, arg := range args {
			c.option(arg)
		}
	default:
		c.unknown("directive", directive)
	}
}

func (c *resolvConf) nameserver(args []string) {
	if c.flags&OptionNameservers == 0 {
		return
	}
	if len(args) == 0 {
		c.malformed(errNoArgument)
		return
	}
	err := c.base.AddNameserverString(args[0])
	if err != nil && !errors.Is(err, ErrExists) {
		c.malformed(err)
	}
}

// domains replaces the search domains.
func (c *resolvConf) domains(args []string) {
	if c.flags&OptionSearch == 0 {
		return
	}
	if len(args) == 0 {
		c.malformed(errNoArgument)
		return
	}
	c.searchSeen = true
	c.base.search.clear()
	for _, domain := range args {
		if err := c.base.search.add(domain); err != nil {
			c.malformed(fmt.Errorf("search domain %q: %w", domain, err))
		}
	}
}

// sortlist replaces the networks whose addresses come first.
func (c *resolvConf) sortlist(args []string) {
	if c.flags&OptionMisc == 0 {
		return
	}
	c.base.order.clearSortlist()
	for _, arg := range args {
		network, err := parseSortNetwork(arg)
		if err != nil {
			c.malformed(err)
			continue
		}
		c.base.order.addNetwork(network)
	}
}

func (c *resolvConf) option(arg string) {
	name, value, _ := strings.Cut(arg, ":")
	if name == "no_tld_query" { // as glibc has also called it
		name = "no-tld-query"
	}
	known, err := c.base.setOption(name, inFileRange(name, value), c.flags)
	switch {
	case !known:
		c.unknown("option", name)
	case err != nil:
		c.malformed(err)
	}
}

// fileRanges are the ranges of options in files, which are those of glibc, so that all
// resolvers of a host behave alike.
var fileRanges = map[string]struct{ low, high float64 }{
	"ndots":    {0, 15},
	"timeout":  {1, 30},
	"attempts": {1, 5},
}

// inFileRange returns the value of an option, clamped to its range in files.
func inFileRange(name, value string) string {
	r, ok := fileRanges[name]
	n, err := strconv.ParseFloat(value, 64)
	switch {
	case !ok || err != nil:
		return value
	case n > r.high:
		return strconv.Itoa(int(r.high))
	case n <= 0:
		return strconv.Itoa(int(r.low))
	}
	return value
}

func (c *resolvConf) malformed(err error) {
	c.base.malformed(c.name, c.line, err)
}

func (c *resolvConf) unknown(what, name string) {
	c.base.skipped.Unknown++
	logDebug("unknown "+what+" skipped", "file", c.name, "line", c.line, what, name)
}

// malformed counts and logs a malformed part of a file.
func (b *Base) malformed(file string, line int, err error) {
	b.skipped.Malformed++
	logWarn("malformed line skipped", "file", file, "line", line, "error", err)
}
