package evdnsserver_test

import (
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// Short names of what all tests use.
var (
	ok       = dnstest.OK
	is       = dnstest.Is
	dispatch = dnstest.Dispatch
	record   = dnstest.Record
	addr     = dnstest.Addr
	logTo    = dnstest.LogTo
	newLoop  = evtest.Base
)

const patience = evtest.Patience
