package evdnsserver

import "time"

// complaintPause is how long a server is silent about failures of one kind after it
// has logged one: clients can cause any number.
const complaintPause = 10 * time.Second

// A complaint is a kind of failures that are logged now and then.
type complaint struct {
	told    bool
	at      time.Duration // when the last was logged
	skipped int           // since then
}

// complain logs a failure with what it is about, unless one of its kind was logged a
// moment ago.
func (s *Server) complain(c *complaint, msg string, err error, about ...any) {
	now := s.now()
	if c.told && now-c.at < complaintPause {
		c.skipped++
		return
	}
	args := append([]any{"error", err}, about...)
	if c.skipped > 0 {
		args = append(args, "more", c.skipped)
	}
	s.logger().Warn("evdnsserver: "+msg, args...)
	*c = complaint{told: true, at: now}
}
