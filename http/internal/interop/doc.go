// Package interop has the tests of evhttp with real peers: curl, ab, wrk and
// Chromium as clients, nginx in front of our server and behind our client, and C's
// libevent and net/http as both. The tests start the peers themselves, on free
// ports of the loopback interface and without root; what they need is in testdata.
//
// A test whose peer is not installed is skipped, or fails if LIBEVENT_TEST_PEERS is
// "require".
package interop
