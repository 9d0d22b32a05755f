// Package bridge moves bytes between the goroutine of a loop and goroutines that
// block: it is the one place where the two meet. Adapters of blocking interfaces
// are written with it: [net.Conn], the body of an http.Request, an
// http.ResponseWriter.
//
// # Directions and ends
//
// A pipe carries bytes in one direction. A [Reader] brings them from the loop to
// goroutines that read, a [Writer] from goroutines that write to the loop. What both
// have is a [Pipe]; a stream in both directions has one of each. They are structs to
// be embedded, and are made ready by Init.
//
// A pipe has two ends. Each method belongs to one of them, as its documentation
// says:
//
//	           blocking end: any goroutine         end of the loop: its goroutine
//	Reader     Read, Close, CloseWithError         Put, End
//	Writer     Write, WriteBuffer, Flush, Close    Take, Ack, End
//	both       SetDeadline                         Config.Ready
//
// The blocking end waits; calling it on the loop's own goroutine is a deadlock. The
// end of the loop never waits. Err and Len may be called anywhere.
//
// # Flow control
//
// A pipe that holds [Config.High] bytes is full. A Reader then leaves what Put is
// given where it is, and a Writer makes Write wait, until [Config.Low] bytes or fewer
// are left. What the loop has taken from a Writer counts until Ack says that it has
// been consumed, so that Flush can wait for bytes to reach the kernel, say.
//
// # Notification of the loop
//
// The pipe posts [Config.Ready] to the base when its blocking end has changed
// something that the loop has to act on: there is room again after Put has found the
// pipe full; there is data; the end was closed. One call at most is pending at a
// time, and it runs without locks, so it may call every method of the loop's end. It
// is not called any more after End.
//
// # Ends, deadlines, and the loop that goes
//
// Each end can finish the pipe, once, with a reason: the blocking end by Close or
// CloseWithError, the loop by End. The first reason counts. Data that was written
// before is still delivered, to whichever side reads; the reading end discards it by
// finishing first.
//
// Deadlines are those of net.Conn: absolute, in force for calls that wait already,
// with [os.ErrDeadlineExceeded] as the error, and nothing final: a later deadline
// makes the pipe usable again.
//
// A base that is freed ends its pipes with [event.ErrFreed]; nothing waits for a loop
// that does not exist. A pipe has no goroutine of its own, and a timer only while a
// call with a deadline waits.
//
// # Files
//
//	pipe.go       what both directions share: configuration, ends, waiting, notification
//	reader.go     from the loop to goroutines that read
//	writer.go     from goroutines that write to the loop
//	deadline.go   the point in time that ends waiting
package bridge
