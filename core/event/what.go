package event

import (
	"strings"

	"github.com/go-libevent/libevent/core/internal/poller"
)

// What is a set of event flags: what an event waits for and how, and, in a
// callback, what has happened.
type What uint16

const (
	// Timeout says that a timeout passed. It needs not be asked for:
	// AddTimeout does (EV_TIMEOUT).
	Timeout What = 0x01
	// Read waits until a descriptor is readable: data, an incoming
	// connection, end of file or an error (EV_READ).
	Read What = 0x02
	// Write waits until a descriptor is writable (EV_WRITE).
	Write What = 0x04
	// Signal waits for a signal, whose number takes the descriptor's place
	// (EV_SIGNAL).
	Signal What = 0x08
	// Persist keeps an event pending after its callback ran, until Del. With
	// a timeout it starts the timeout anew each time, measured from the last
	// expiry (EV_PERSIST).
	Persist What = 0x10
	// ET asks for edge-triggered instead of level-triggered reports, where
	// the base has FeatureET (EV_ET).
	ET What = 0x20
	// Finalize keeps Del from blocking until the callback is done in another
	// thread; for events that are ended by Finalize (EV_FINALIZE).
	Finalize What = 0x40
	// Closed waits for the peer's shutdown of its side of a connection,
	// without the need to read the data before it, where the base has
	// FeatureEarlyClose (EV_CLOSED).
	Closed What = 0x80
)

// Parts of a What.
const (
	ioWhat     = Read | Write | Closed
	resultWhat = Timeout | ioWhat | Signal
	allWhat    = resultWhat | Persist | ET | Finalize
)

// The poller's bits are the same, so that a conversion is all it takes.
var _ = [1]struct{}{}[Read^What(poller.Read)|Write^What(poller.Write)|
	Closed^What(poller.Closed)|ET^What(poller.Edge)]

var whatNames = [...]string{"Timeout", "Read", "Write", "Signal", "Persist", "ET", "Finalize", "Closed"}

// String lists the flags that are set, such as "Read|Persist".
func (w What) String() string {
	if w == 0 {
		return "0"
	}
	var names []string
	for i, name := range whatNames {
		if w&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if w&^allWhat != 0 {
		names = append(names, "?")
	}
	return strings.Join(names, "|")
}
