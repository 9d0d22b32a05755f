package evtag

import "time"

// A Timeval is a time as records have it: seconds and microseconds of 32 bits each.
// Nothing keeps Usec below a million (struct timeval).
type Timeval struct{ Sec, Usec uint32 }

// MaxDuration is the longest duration that is a Timeval.
const MaxDuration = 1<<32*time.Second - time.Microsecond

// TimevalOf returns a duration as a Timeval, rounded down to microseconds. The error
// is ErrRange if d is negative or more than MaxDuration.
func TimevalOf(d time.Duration) (Timeval, error) {
	if d < 0 || d > MaxDuration {
		return Timeval{}, opError("time "+d.String(), ErrRange)
	}
	return Timeval{uint32(d / time.Second), uint32(d % time.Second / time.Microsecond)}, nil
}

// Duration returns the time as a duration.
func (tv Timeval) Duration() time.Duration {
	return time.Duration(tv.Sec)*time.Second + time.Duration(tv.Usec)*time.Microsecond
}

// Time returns the time as a date: that long after the beginning of 1970.
func (tv Timeval) Time() time.Time {
	return time.Unix(int64(tv.Sec), int64(tv.Usec)*int64(time.Microsecond))
}
