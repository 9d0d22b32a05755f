//go:build darwin || dragonfly || netbsd

package poller

// kqueueReadNotes is nothing: here a regular file is not readable at its end.
const kqueueReadNotes = 0
