package bufferevent

import "github.com/go-libevent/libevent/core/event"

// TimersRunning returns 1 for each direction whose timeout is running, or else 0.
func TimersRunning(b *Bufferevent) (read, write int) {
	running := func(ev *event.Event) int {
		if ev != nil && ev.Pending(event.Timeout) != 0 {
			return 1
		}
		return 0
	}
	return running(&b.read), running(b.write)
}

// FireWriteTimeout does what the loop does when the timeout for writing has passed.
func FireWriteTimeout(b *Bufferevent) { onWriteTimeout(b.write, event.Timeout) }
