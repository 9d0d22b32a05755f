//go:build !race

package bufferevent_test

const raceEnabled = false
