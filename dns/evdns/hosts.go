package evdns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// hosts are the names and addresses of hosts files. The zero value has none.
type hosts struct {
	byName map[string]host // by hostKey
}

// A host is a name of hosts files.
type host struct {
	canonName string // the first name on the first line
	addrs     []netip.Addr
}

// find returns the host of a name.
func (h *hosts) find(name string) (host, bool) {
	if len(h.byName) == 0 {
		return host{}, false
	}
	found, ok := h.byName[hostKey(name)]
	return found, ok
}

// hostKey returns a name in lower case, without a dot at the end. It does not allocate
// for names that are in that form.
func hostKey(name string) string {
	name = dnswire.TrimDot(name)
	for i := range len(name) {
		if dnswire.Lower(name[i]) != name[i] {
			key := []byte(name)
			for i, c := range key {
				key[i] = dnswire.Lower(c)
			}
			return string(key)
		}
	}
	return name
}

// parseLine adds the address and the names of a line.
func (h *hosts) parseLine(line string) error {
	if err := checkLine(line); err != nil {
		return err
	}
	line, _, _ = strings.Cut(line, "#")
	words := strings.FieldsFunc(line, isBlank)
	if len(words) == 0 {
		return nil
	}
	addr, err := evutil.ParseSockaddrPort(words[0])
	switch {
	case err != nil:
		return err
	case addr.Port() != 0:
		return errWithPort
	case len(words) == 1:
		return errNoName
	}
	names := words[1:]
	canonName := strings.Clone(names[0]) // does not retain the whole file
	for _, name := range names {
		if err := h.add(name, canonName, addr.Addr()); err != nil {
			return err
		}
	}
	return nil
}

func (h *hosts) add(name, canonName string, addr netip.Addr) error {
	if h.byName == nil {
		h.byName = map[string]host{}
	}
	key := hostKey(name)
	known, ok := h.byName[key]
	if !ok {
		known.canonName = canonName
		key = strings.Clone(key)
	}
	if slices.Contains(known.addrs, addr) {
		return nil
	}
	if len(known.addrs) >= maxHostAddrs {
		return fmt.Errorf("%s: %w", name, errManyAddrs)
	}
	known.addrs = append(known.addrs, addr)
	h.byName[key] = known
	return nil
}

// LoadHosts adds the hosts of a file in the format of hosts(5), which GetAddrInfo finds
// without a query. A line has an address and its names, which are case-insensitive; what
// follows a # is a comment. Malformed lines, those of more than 64 KiB, and addresses of
// a name beyond 256 are skipped and counted by ConfigStats. A byte-order mark at the
// start is ignored. Without a filename, or if the file cannot be read, localhost becomes
// 127.0.0.1 and ::1. Errors wrap a ConfigErr. The file is read synchronously, so the loop
// is blocked meanwhile (evdns_base_load_hosts).
func (b *Base) LoadHosts(filename string) error {
	b.lock()
	defer b.unlock()
	if b.freed {
		return fmt.Errorf("evdns: load hosts %q: %w", filename, ErrFreed)
	}
	return b.loadHosts(filename)
}

func (b *Base) loadHosts(filename string) error {
	const defaults = "127.0.0.1 localhost\n::1 localhost\n"
	text, err := defaults, error(nil)
	if filename != "" {
		text, err = b.config.readFile(filename)
	}
	if err != nil {
		text = defaults
	}
	for n, line := range configLines(text) {
		if err := b.hosts.parseLine(line); err != nil {
			b.malformed(filename, n, err)
		}
	}
	if err != nil {
		return fmt.Errorf("evdns: load hosts %q: %w", filename, err)
	}
	return nil
}

// ClearHostAddresses removes all hosts, the defaults included
// (evdns_base_clear_host_addresses).
func (b *Base) ClearHostAddresses() {
	b.lock()
	b.hosts = hosts{}
	b.unlock()
}
