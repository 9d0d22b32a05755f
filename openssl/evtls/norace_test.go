//go:build !race

package evtls_test

const raceEnabled = false
