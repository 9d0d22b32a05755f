// Package interop has the tests of evrpc with programs in C: a server and a client on
// libevent's evrpc, whose messages libevent's own generator, event_rpcgen.py, writes from
// testdata/peer.rpc. That generator is part of libevent's sources and not of what is
// installed with it: LIBEVENT_RPCGEN names it, and .ci/rpcgen fetches it.
//
// A test that lacks the generator, Python, a C compiler or libevent's headers is skipped, or
// fails if LIBEVENT_TEST_PEERS is "require".
package interop
