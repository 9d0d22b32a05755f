//go:build !race

package evbuffer_test

const raceEnabled = false
