//go:build unix && !linux

package poller

// An alarm is what Linux needs to end waits at their deadlines. Elsewhere
// timeouts do.
type alarm struct{}

func openAlarm() (alarm, error) { return alarm{}, nil }

func (*alarm) close() error { return nil }
