package evtls

import (
	"crypto/tls"
	"strings"
)

// NamePeer implements bufferevent.PeerNamer: a client that was not told the name of
// its server takes host for it, as tls.Dial does.
func (s *stream) NamePeer(host string) (taken bool) {
	cfg := s.unnamed
	if cfg == nil || s.phase != phaseWaiting {
		return false
	}
	host, _, _ = strings.Cut(host, "%") // the zone of an address has a meaning on this host alone
	cfg = cfg.Clone()
	cfg.ServerName = host
	s.unnamed = nil
	s.conn.tls = tls.Client(&s.conn.mem, cfg)
	return true
}

// wantsAddresses reports whether anything in a handshake may ask for the addresses
// of its connection: functions that get a tls.ClientHelloInfo, or a client's cache
// of sessions that has no name to go by.
func wantsAddresses(state State, cfg *tls.Config) bool {
	if state == Accepting {
		return cfg.GetCertificate != nil || cfg.GetConfigForClient != nil
	}
	return cfg.ServerName == "" && cfg.ClientSessionCache != nil
}

// noteAddresses asks the system for the addresses of the socket at the bottom.
// The caller must have the memory.
func (s *stream) noteAddresses() {
	if m := &s.conn.mem; m.addrs == nil && s.under().FD() >= 0 {
		m.addrs = new(addresses)
		m.addrs.local, m.addrs.remote = s.under().NetAddrs()
	}
}
