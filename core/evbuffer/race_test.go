//go:build race

package evbuffer_test

const raceEnabled = true
