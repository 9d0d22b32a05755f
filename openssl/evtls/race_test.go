//go:build race

package evtls_test

const raceEnabled = true
