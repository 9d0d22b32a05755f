package event

// MaxInPass is what the tests have to know to tell when the loop puts things
// off to its next iteration.
const MaxInPass = maxInPass

// WaitingCalls returns how many calls wait to be run.
func WaitingCalls(b *Base) int {
	b.inbox.mu.Lock()
	defer b.inbox.mu.Unlock()
	return len(b.inbox.calls)
}
