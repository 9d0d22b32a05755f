//go:build race

package evdns

// raceEnabled says that the race detector makes allocations of its own.
const raceEnabled = true
