//go:build race

package evdnsserver

// raceEnabled says that the race detector makes allocations of its own.
const raceEnabled = true
