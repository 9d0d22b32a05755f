// Package interop has the tests of evrpc with programs in C: a server and a client on
// libevent's evrpc. Messages are those of testdata/peer.rpc: evrpcgen writes them for Go, and
// libevent's own generator, event_rpcgen.py, for C. That is part of libevent's sources and not
// of what is installed with it: LIBEVENT_RPCGEN names it, and .ci/rpcgen fetches it.
//
// A test that lacks the generator, Python, a C compiler or libevent's headers is skipped, or
// fails if LIBEVENT_TEST_PEERS is "require".
package interop

//go:generate go run github.com/go-libevent/libevent/tools/evrpcgen -package interop -o messages_test.go testdata/peer.rpc
