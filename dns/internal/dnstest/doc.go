// Package dnstest is what the tests of the resolver and of the server have in common:
// checks, running a loop until it ends, records, and locks that fail. Only tests import
// it.
//
// # Files
//
//	check.go    checks of errors and values
//	lock.go     locks that fail
//	log.go      where log messages go
//	loop.go     running a loop
//	record.go   records and addresses from their texts
package dnstest
