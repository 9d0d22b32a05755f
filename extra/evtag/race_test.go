//go:build race

package evtag_test

const raceEnabled = true
