package bufferevent

// An Outcome is what an event means for the stream: a program
// has to act on one of these, whatever is below it. See [Events.Outcome].
type Outcome uint8

const (
	// NothingEnded is an event that ends nothing.
	NothingEnded Outcome = iota
	// ConnectionMade says that the stream is connected, and on TLS that the
	// handshake is done.
	ConnectionMade
	// InputEnded says that the peer has ended its stream in order: everything
	// that it has sent has arrived. Writing may go on.
	InputEnded
	// OutputFailed says that nothing more can be sent. What the peer has sent
	// may still arrive, such as an early answer and its reason; reading ends
	// with an event of its own.
	OutputFailed
	// TimedOut says that nothing has moved for a timeout's length in the
	// direction that the event names, which is disabled. Enabling it again goes
	// on.
	TimedOut
	// Failed says that the connection is over in both directions, and that what
	// has been read may have been cut off. Err has the reason.
	Failed
)

var outcomeNames = [...]string{
	"nothing ended", "connection made", "input ended", "output failed", "timed out", "failed",
}

// String returns the outcome in words.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "unknown outcome"
}

// Outcome returns what the events mean for the stream; the gravest, if they
// mean several things. An error ends the output alone only if it names writing
// and not reading: TLS, for one, reports a fatal error as
// EventReading|EventWriting|EventError. An EventEOF that does not name reading
// means that the peer reads no more.
func (e Events) Outcome() Outcome {
	switch {
	case e&EventError != 0 && e&(EventReading|EventWriting) == EventWriting:
		return OutputFailed
	case e&EventError != 0:
		return Failed
	case e&EventTimeout != 0:
		return TimedOut
	case e&EventEOF != 0 && e&(EventReading|EventWriting) == EventWriting:
		return OutputFailed
	case e&EventEOF != 0:
		return InputEnded
	case e&EventConnected != 0:
		return ConnectionMade
	}
	return NothingEnded
}
