//go:build !race

package evrpc_test

const raceEnabled = false
