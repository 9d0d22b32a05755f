//go:build race

package evdnsserver_test

// raceEnabled says that the race detector makes allocations of its own.
const raceEnabled = true
