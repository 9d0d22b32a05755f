// Package interop has the tests of evdns with real peers: unbound and dnsmasq as
// nameservers, dig, kdig and dnsperf as clients, and C's libevent as both. The tests
// start the peers themselves, on free ports of the loopback interface and without
// root; their configurations are in testdata.
//
// A test whose peer is not installed is skipped, or fails if LIBEVENT_TEST_PEERS is
// "require".
package interop
