package event

import "time"

// DefaultLogPause is the pause of a LogLimiter that has none of its own.
const DefaultLogPause = 10 * time.Second

// A LogLimiter keeps messages of one kind from filling the log, such as those
// that a peer can cause at will: after one it counts those that come within a
// pause, and the next that is logged says how many were skipped. A zero
// LogLimiter is ready for use. It is used by one goroutine at a time, and must
// not be copied after that.
type LogLimiter struct {
	// Pause is the least time between two messages; zero is DefaultLogPause.
	Pause time.Duration

	next    time.Time // when there may be another message
	skipped int       // since the last one
}

// Warn logs a message of level slog.LevelWarn, unless the pause of the last one
// has not ended by now, which is for example [Base.Now]. The arguments are those
// of slog; if messages were skipped, "skipped" is added with their number.
func (l *LogLimiter) Warn(now time.Time, msg string, args ...any) {
	if now.Before(l.next) {
		l.skipped++
		return
	}
	pause := l.Pause
	if pause == 0 {
		pause = DefaultLogPause
	}
	if l.skipped > 0 {
		args = append(args[:len(args):len(args)], "skipped", l.skipped)
	}
	l.next, l.skipped = now.Add(pause), 0
	Logger().Warn(msg, args...)
}
