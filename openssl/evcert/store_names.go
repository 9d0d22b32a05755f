package evcert

import (
	"crypto/tls"
	"strings"
)

// storeSet has the certificates in use. It is immutable.
type storeSet struct {
	all    []*storeEntry
	byName map[string][]*storeEntry // for "*.example.com", ".example.com"
}

// storeEntry is a certificate in use.
type storeEntry struct {
	cert   *tls.Certificate
	staple *Staple // or nil
	config *tls.Config
}

func (e *storeEntry) certificate() *tls.Certificate {
	if e.staple != nil {
		return e.staple.Certificate()
	}
	return e.cert
}

// add adds an entry under its names.
func (set *storeSet) add(e *storeEntry, names []string) {
	set.all = append(set.all, e)
	if len(names) == 0 {
		names = e.cert.Leaf.DNSNames
	}
	for _, name := range names {
		name = strings.TrimPrefix(strings.ToLower(name), "*")
		set.byName[name] = append(set.byName[name], e)
	}
}

// find returns the entries for a name: those that have it, or else those with a
// wildcard instead of its first label.
func (set *storeSet) find(name string) []*storeEntry {
	name = strings.ToLower(name)
	if found := set.byName[name]; len(found) > 0 || strings.HasPrefix(name, ".") {
		return found
	}
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		return set.byName[name[dot:]]
	}
	return nil
}
